"""Pictures as bytes in memory, on their way to or from a server, or into training."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from tf_style.images.picture import Array, ImageError, one_line

MAX_JPEG_SIDE = 65500  # pixels, a limit of libjpeg


def encode_png(levels: npt.ArrayLike) -> bytes:
    """A picture as the bytes of a PNG file, without loss.

    Args:
      levels: uint8 [H, W, 3].

    Returns:
      A whole file.

    Raises:
      ImageError: for another shape or type.

    Example:
      encode_png(to_uint8(picture.pixels))
    """
    return _encode(levels, "PNG")


def encode_jpeg(levels: npt.ArrayLike, *, quality: int = 95) -> bytes:
    """A picture as the bytes of a JPEG file with full colour resolution (4:4:4), without a profile.

    Args:
      levels: uint8 [H, W, 3], each side at most 65500 pixels.
      quality: 1 to 100.

    Returns:
      A whole file; the same picture gives the same bytes.

    Raises:
      ImageError: for another shape or type.

    Example:
      encode_jpeg(to_uint8(picture.pixels))
    """
    if max(np.shape(levels)) > MAX_JPEG_SIDE:
        raise ImageError(f"Got a picture of shape {np.shape(levels)}, but JPEG holds at most {MAX_JPEG_SIDE} a side")
    return _encode(levels, "JPEG", quality=quality, subsampling=0)


def _encode(levels: npt.ArrayLike, kind: str, **options: object) -> bytes:
    values = np.asarray(levels)
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[-1] != 3 or not values.size:
        raise ImageError(
            f"Got an array of type {values.dtype} and shape {values.shape}, but uint8 [height, width, 3] is needed"
        )
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(values)).save(buffer, kind, **options)
    return buffer.getvalue()


def decode_uint8(data: bytes) -> Array:
    """The colours of a picture file, as they are: neither turned nor converted to sRGB (`read_image` does both).

    Args:
      data: The bytes of a JPEG, PNG or WebP file.

    Returns:
      uint8 [H, W, 3].

    Raises:
      ImageError: if the bytes are no such file, or cut short.

    Example:
      decode_uint8(encode_png(levels))
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            return np.array(image.convert("RGB"))
    except Exception as error:  # decoders answer damaged bytes with any type at all
        raise ImageError(f"{len(data)} bytes came that are no picture ({one_line(error)})") from None

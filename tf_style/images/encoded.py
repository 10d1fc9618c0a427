"""Encodes and decodes pictures in memory, for servers and for training."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from tf_style.images.picture import Array, ImageError, one_line

MAX_JPEG_SIDE = 65500  # pixels, a limit of libjpeg


def encode_png(levels: npt.ArrayLike) -> bytes:
    """Encodes a picture as a PNG file, without loss.

    Args:
      levels: uint8 [H, W, 3].

    Returns:
      The file's bytes.

    Raises:
      ImageError: wrong shape or type.

    Example:
      encode_png(to_uint8(picture.pixels))
    """
    return _encode(levels, "PNG")


def encode_jpeg(levels: npt.ArrayLike, *, quality: int = 95) -> bytes:
    """Encodes a picture as a JPEG file with full colour resolution (4:4:4) and no profile.

    Args:
      levels: uint8 [H, W, 3], each side at most 65500 pixels.
      quality: 1 to 100.

    Returns:
      The file's bytes; the same picture gives the same bytes.

    Raises:
      ImageError: wrong shape or type.

    Example:
      encode_jpeg(to_uint8(picture.pixels))
    """
    if max(np.shape(levels)) > MAX_JPEG_SIDE:
        raise ImageError(f"JPEG holds at most {MAX_JPEG_SIDE} pixels a side, but shape {np.shape(levels)} was given")
    return _encode(levels, "JPEG", quality=quality, subsampling=0)


def _encode(levels: npt.ArrayLike, kind: str, **options: object) -> bytes:
    values = np.asarray(levels)
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[-1] != 3 or not values.size:
        raise ImageError(
            f"The array must be uint8 [height, width, 3], but {values.dtype} of shape {values.shape} was given"
        )
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(values)).save(buffer, kind, **options)
    return buffer.getvalue()


def decode_uint8(data: bytes) -> Array:
    """Decodes a picture file's colours, without turning it upright or converting it to sRGB (`read_image` does both).

    Args:
      data: The bytes of a JPEG, PNG or WebP file.

    Returns:
      uint8 [H, W, 3].

    Raises:
      ImageError: the bytes are not such a file, or are cut short.

    Example:
      decode_uint8(encode_png(levels))
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            return np.array(image.convert("RGB"))
    except Exception as error:  # decoders raise all kinds of errors for damaged bytes
        raise ImageError(f"The {len(data)} bytes are not a picture ({one_line(error)})") from None

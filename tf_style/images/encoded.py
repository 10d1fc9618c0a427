"""Pictures as bytes in memory, on their way to or from a server."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from tf_style.images.picture import Array, ImageError, one_line


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
    values = np.asarray(levels)
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[-1] != 3 or not values.size:
        raise ImageError(
            f"Got an array of type {values.dtype} and shape {values.shape}, but uint8 [height, width, 3] is needed"
        )
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(values)).save(buffer, "PNG")
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

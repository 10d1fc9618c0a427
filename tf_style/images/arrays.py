"""Converts pictures between arrays of uint8, uint16 and float, and Pillow's images."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from tf_style.images.picture import Array, FloatArray, ImageError, Picture, one_line
from tf_style.images.profiles import to_srgb8

_ORIENTATION = 0x0112  # the EXIF tag
_DEEP_GREY = ("I", "I;16", "I;16L", "I;16B")  # Pillow's modes of 16-bit grey
RANGE_SLACK = 1e-5  # rounding noise that to_float forgives (and clips)


def to_float(array: npt.ArrayLike) -> FloatArray:
    """Converts any usual picture array to float32 RGB in [0, 1].

    Args:
      array: [..., H, W, 3] or [..., H, W, 1] (grey, repeated to RGB): uint8 in [0, 255], uint16 in [0, 65535] or
        float in [0, 1].

    Returns:
      float32 [..., H, W, 3] in [0, 1].

    Raises:
      ImageError: wrong rank, channel count or type; or floats outside [0, 1], NaN or infinity.

    Example:
      to_float(np.full((64, 64, 1), 255, np.uint8)).max()  # 1.0
    """
    values = np.asarray(array)
    _check_shape(values)
    if values.dtype in (np.uint8, np.uint16):
        unit = np.divide(values, np.iinfo(values.dtype).max, dtype=np.float32)
    elif np.issubdtype(values.dtype, np.floating):
        _check_range(values)
        unit = np.clip(values, 0, 1).astype(np.float32, copy=False)
    else:
        raise ImageError(f"Pixels must be uint8, uint16 or float, but these are of type {values.dtype}; convert them")
    return np.repeat(unit, 3, axis=-1) if unit.shape[-1] == 1 else unit


def to_uint8(array: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Converts floats in [0, 1] to uint8 in [0, 255].

    Clips values to [0, 1], and rounds `value * 255` to the nearest integer (halves to the even one).

    Args:
      array: float, any shape.

    Returns:
      uint8, the same shape.

    Raises:
      ImageError: if the array is not float, or holds NaN.

    Example:
      to_uint8([0.0, 0.5, 2.0])  # [0, 128, 255]
    """
    return _quantize(array, 255).astype(np.uint8)


def to_uint16(array: npt.ArrayLike) -> npt.NDArray[np.uint16]:
    """Converts floats in [0, 1] to uint16 in [0, 65535].

    Clips values to [0, 1], and rounds `value * 65535` to the nearest integer (halves to the even one).

    Args:
      array: float, any shape.

    Returns:
      uint16, the same shape.

    Raises:
      ImageError: if the array is not float, or holds NaN.

    Example:
      to_uint16([0.0, 0.5, 2.0])  # [0, 32768, 65535]
    """
    return _quantize(array, 65535).astype(np.uint16)


def from_pil(image: Image.Image) -> Picture:
    """Takes an image of Pillow, in any mode, as `read_image` would take it from a file.

    Args:
      image: the image. Transparency, an ICC profile and an EXIF orientation count; 16-bit grey keeps its 16 bits, and
        floats (mode F) must lie in [0, 1].

    Returns:
      The picture.

    Raises:
      ImageError: the image's file is damaged, or it holds values that a picture cannot have.

    Example:
      picture = from_pil(PIL.Image.open("photo.jpg"))
    """
    try:
        upright = ImageOps.exif_transpose(image)
        upright.load()
    except Exception as error:  # decoders raise all kinds of errors for a damaged file
        raise ImageError(f"The image cannot be read ({one_line(error)}); copy or export its file again") from None
    if upright.mode in _DEEP_GREY or upright.mode == "F":
        values = np.asarray(upright)[..., None]
        if upright.mode == "I" and (values.min() < 0 or values.max() > 65535):
            raise ImageError("The image has levels beyond 0 to 65535 (mode I); scale them to this range")
        pixels = to_float(values if upright.mode == "F" else values.astype(np.uint16))
        return Picture(pixels, bit_depth=16, dpi=_dpi_of(upright))
    return picture_of(upright)


def to_pil(pixels: npt.ArrayLike) -> Image.Image:
    """A painting as an image of Pillow, which a notebook shows.

    Args:
      pixels: float [H, W, 3] in [0, 1], or [H, W, 4] with an alpha; values outside are clipped. A tensor will do.

    Returns:
      An image in mode RGB or RGBA, with 8 bits.

    Raises:
      ImageError: wrong shape or type, or NaN.

    Example:
      to_pil(tf_style.stylize("photo.jpg", "painting.jpg"))
    """
    values = np.asarray(pixels)
    if values.ndim != 3 or values.shape[-1] not in (3, 4):
        raise ImageError(
            f"A painting must be [height, width, 3 or 4], but shape {values.shape} was given; take one of a batch"
        )
    return Image.fromarray(to_uint8(values))


def picture_of(image: Image.Image) -> Picture:
    """A Pillow image as a picture with 8 bits, in sRGB, as it lies in its file."""
    image.load()  # reads everything, and raises if the file is cut short
    colors, alpha = _split_alpha(image)
    pixels = to_float(to_srgb8(colors, image.info.get("icc_profile")))
    return Picture(pixels, None if alpha is None else to_float(alpha)[..., 0], bit_depth=8, dpi=_dpi_of(image))


def _quantize(array: npt.ArrayLike, top: int) -> Array:
    values = np.asarray(array)
    if not np.issubdtype(values.dtype, np.floating):
        raise ImageError(f"Pixels must be floats in [0, 1], but these are of type {values.dtype}; use to_float first")
    if np.isnan(values).any():
        raise ImageError("The pixels hold NaN, but must be numbers in [0, 1]; find where they stop being finite")
    if values.dtype == np.float16:  # 65535 is beyond float16
        values = values.astype(np.float32)
    scaled: Array = np.array(np.clip(values, 0, 1))
    scaled *= top
    return np.rint(scaled, out=scaled)


def _check_shape(values: Array) -> None:
    if values.ndim < 3:
        raise ImageError(
            f"An array must be [..., height, width, channels], but shape {values.shape} was given; add the missing"
            " axes, for grey with array[..., None]"
        )
    if values.shape[-1] == 4:
        raise ImageError(
            f"An array must have 3 (RGB) or 1 (grey) channels, but shape {values.shape} with 4 channels was given;"
            " split the alpha off with array[..., :3] and array[..., 3]"
        )
    if values.shape[-1] not in (1, 3):
        raise ImageError(
            f"An array must have 3 (RGB) or 1 (grey) channels, but shape {values.shape} with {values.shape[-1]}"
            " channels was given; put the channels last"
        )
    if values.size == 0:
        raise ImageError(f"An array of shape {values.shape} has no pixels; every axis must be 1 or more")


def _check_range(values: Array) -> None:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise ImageError("The pixels hold NaN or infinity, but must be numbers in [0, 1]; replace these first")
    if low < -RANGE_SLACK or high > 1 + RANGE_SLACK:
        raise ImageError(
            f"Float pixels must lie in [0, 1], but they range from {low:.6g} to {high:.6g}; divide by 255 if they are"
            " 8-bit values, or clip them"
        )


def _dpi_of(image: Image.Image) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if min(x, y) > 1.0 and max(x, y) < 65536.0 else None


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Array | None]:
    """The colours in mode L, RGB, CMYK or LAB, and the alpha, uint8 [H, W, 1] or None."""
    if not image.has_transparency_data:
        kept = image.mode in ("L", "RGB", "CMYK", "LAB")
        return (image if kept else image.convert("L" if image.mode == "1" else "RGB")), None
    rgba = image.convert("RGBA")
    alpha = np.asarray(rgba.getchannel("A"))[..., None]
    if image.mode == "LA":
        return image.getchannel("L"), alpha
    return (image.convert("L") if image.mode in ("1", "L") else rgba.convert("RGB")), alpha


def orientation_of(image: Image.Image) -> int:
    """The picture's EXIF orientation, 1 to 8 if it is valid."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken EXIF is no reason to refuse the picture
        return 1

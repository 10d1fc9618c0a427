"""Converts picture arrays between uint8, uint16 and float."""

import numpy as np
import numpy.typing as npt

from tf_style.images.picture import Array, FloatArray, ImageError

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

"""Computes sizes, and resizes pictures."""

import dataclasses
import warnings

import numpy as np
from PIL import Image

from tf_style.images.picture import MIN_SIDE, FloatArray, ImageError, Picture, PictureWarning

MIN_VISIBLE_ALPHA = 0.5 / 255  # below this an 8-bit alpha is 0, and alpha * colour no longer gives the colour
_ROUNDING = 1e-5  # error of sums of weights


def fit_size(size: tuple[int, int], long_side: int | str) -> tuple[int, int]:
    """Scales a size to a long side, or into a box, and keeps the aspect.

    Args:
      size: (height, width) in pixels, each 1 or more.
      long_side: pixels; 0 keeps the size; "WIDTHxHEIGHT" gives the largest size that fits into this box.

    Returns:
      (height, width), each 1 or more; the short side is rounded to the nearest integer, halves up.

    Raises:
      ImageError: a size below 1 or a negative `long_side`.

    Example:
      fit_size((600, 800), 512)  # (384, 512)
    """
    _check_size(size)
    if isinstance(long_side, str):
        return _fit_box(size, *map(int, long_side.split("x")))
    if long_side < 0:
        raise ImageError(f"The long side must be at least 1 pixel, or 0 to keep the size, but {long_side} was given")
    if long_side == 0:
        return size
    longest = max(size)
    height, width = (max(1, (2 * side * long_side + longest) // (2 * longest)) for side in size)
    return height, width


def _fit_box(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    scale = min(height / size[0], width / size[1])
    return max(1, min(height, round(size[0] * scale))), max(1, min(width, round(size[1] * scale)))


def painting_size(size: tuple[int, int], long_side: int | str, *, multiple: int = 1) -> tuple[int, int]:
    """`fit_size` for a picture to paint: neither side of the result may be under MIN_SIDE.

    Args:
      size: (height, width) of the content in pixels.
      long_side: pixels, or a box, as for `fit_size`.
      multiple: both sides are rounded to the nearest multiple of it.

    Returns:
      (height, width).

    Warns:
      PictureWarning: the sides asked for are not multiples.

    Raises:
      ImageError: the result would be too small or too narrow.
    """
    asked = fit_size(size, long_side)
    height, width = ((2 * side + multiple) // (2 * multiple) * multiple for side in asked)
    if (height, width) != asked:
        warnings.warn(
            f"The result is {width} x {height} pixels, not {asked[1]} x {asked[0]}: the sides of tileable pictures are "
            f"multiples of {multiple}.",
            PictureWarning,
            stacklevel=2,
        )
    if min(height, width) < MIN_SIDE:
        raise ImageError(
            f"The result would be {width}x{height} pixels, but each side must have at least {MIN_SIDE}:"
            " give a larger size"
        )
    return height, width


def fill_transparent(picture: Picture) -> Picture:
    """Gives invisible pixels the colour of the nearest visible one; the alpha stays.

    Otherwise filters and networks would see an edge where the hidden colours begin.

    Raises:
      ImageError: no pixel is visible.

    Example:
      sprite = fill_transparent(read_image("sprite.png"))
    """
    if picture.alpha is None or picture.alpha.min() > MIN_VISIBLE_ALPHA:
        return picture
    from scipy import ndimage

    hidden = picture.alpha <= MIN_VISIBLE_ALPHA
    if hidden.all():
        raise ImageError("The picture is transparent everywhere; give another one")
    rows, columns = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
    return dataclasses.replace(picture, pixels=picture.pixels[rows, columns])


def resize(picture: Picture, size: tuple[int, int]) -> Picture:
    """Resizes a picture, antialiased (Lanczos), in sRGB values.

    Alpha is averaged without overshoot: opaque areas stay opaque, and transparent ones stay transparent. Colours are
    weighted by alpha, so that hidden colours do not bleed into visible ones; where the result is fully transparent, its
    colours come from a plain resize.

    Args:
      picture: any picture.
      size: (height, width) in pixels, each 1 or more; the same size returns the same picture.

    Returns:
      A picture of that size, clipped to [0, 1], with the same bit depth.

    Raises:
      ImageError: a size below 1.

    Example:
      small = resize(picture, fit_size(picture.size, 512))
    """
    _check_size(size)
    if tuple(size) == picture.size:
        return picture
    if picture.alpha is None:
        return dataclasses.replace(picture, pixels=np.clip(_resize_channels(picture.pixels, size), 0, 1))
    alpha = resize_plane(picture.alpha, size)
    alpha = np.where(alpha > 1 - _ROUNDING, np.float32(1), alpha)
    pixels = _weighted(picture.pixels, picture.alpha, alpha, size)
    return dataclasses.replace(picture, pixels=np.clip(pixels, 0, 1), alpha=alpha)


def _weighted(pixels: FloatArray, alpha: FloatArray, resized: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Colours weighted by alpha: with Lanczos's weights inside opaque areas, with the alpha filter's weights at rims.

    Some of Lanczos's weights are negative, so at rims their sum may be close to 0; inside it is not.
    """
    weights, opaque = _lanczos(alpha, size), resized == 1
    weights[~opaque] = 1
    premultiplied = pixels * alpha[..., None]
    sharp = _resize_channels(premultiplied, size) / weights[..., None]
    if opaque.all():
        return sharp
    soft = np.stack([resize_plane(premultiplied[..., channel], size) for channel in range(3)], axis=-1)
    soft /= np.maximum(resized, np.float32(MIN_VISIBLE_ALPHA))[..., None]
    found: FloatArray = np.where(opaque[..., None], sharp, soft)
    hidden = resized <= MIN_VISIBLE_ALPHA
    if hidden.any():
        found[hidden] = _resize_channels(pixels, size)[hidden]
    return found


def resize_plane(plane: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Resizes a mask or an alpha [h, w], by the narrowest filters without overshoot."""
    if plane.shape == tuple(size):
        return plane
    method = Image.Resampling.BOX if size[0] <= plane.shape[0] else Image.Resampling.BILINEAR
    return _filtered(plane, size, method)


def _resize_channels(pixels: FloatArray, size: tuple[int, int]) -> FloatArray:
    return np.stack([_lanczos(pixels[..., channel], size) for channel in range(pixels.shape[-1])], axis=-1)


def _lanczos(plane: FloatArray, size: tuple[int, int]) -> FloatArray:
    return _filtered(plane, size, Image.Resampling.LANCZOS)


def _filtered(plane: FloatArray, size: tuple[int, int], method: Image.Resampling) -> FloatArray:
    height, width = size
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))  # mode "F"
    return np.array(image.resize((width, height), method), np.float32)


def _check_size(size: tuple[int, int]) -> None:
    if len(size) != 2 or min(size) < 1:
        raise ImageError(f"A size must be (height, width) of at least 1 pixel, but the size {tuple(size)} was given")

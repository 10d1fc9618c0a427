"""Sizes, and pictures of another size."""

import dataclasses

import numpy as np
from PIL import Image

from tf_style.images.picture import MIN_SIDE, FloatArray, ImageError, Picture

MIN_VISIBLE_ALPHA = 0.5 / 255  # below this an 8-bit alpha is 0: the colour cannot be told from alpha * colour
_ROUNDING = 1e-5  # of sums of weights


def fit_size(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """The size with the long side brought to `long_side`, aspect kept.

    Args:
      size: (height, width), pixels, each 1 or more.
      long_side: pixels; 0 leaves the size as it is.

    Returns:
      (height, width), each 1 or more; the short side is rounded to the nearest integer, halves up.

    Raises:
      ImageError: for a size below 1 or a negative `long_side`.

    Example:
      fit_size((600, 800), 512)  # (384, 512)
    """
    _check_size(size)
    if long_side < 0:
        raise ImageError(f"Got a long side of {long_side}, but 1 or more pixels are needed; give 0 to keep the size")
    if long_side == 0:
        return size
    longest = max(size)
    height, width = (max(1, (2 * side * long_side + longest) // (2 * longest)) for side in size)
    return height, width


def painting_size(size: tuple[int, int], long_side: int, *, multiple: int = 1) -> tuple[int, int]:
    """`fit_size` for a picture that is to be painted: neither side of the result may be under MIN_SIDE.

    Args:
      size: (height, width) of the content, pixels.
      long_side: pixels; 0 keeps the size.
      multiple: of which both sides are, the nearest ones.

    Returns:
      (height, width).

    Raises:
      ImageError: the result would be too small, or too long and thin.
    """
    height, width = ((2 * side + multiple) // (2 * multiple) * multiple for side in fit_size(size, long_side))
    if min(height, width) < MIN_SIDE:
        raise ImageError(
            f"The result would be {width}x{height} pixels, but each side must have at least {MIN_SIDE}:"
            " give a larger size"
        )
    return height, width


def fill_transparent(picture: Picture) -> Picture:
    """The picture with the colours of the nearest visible pixel wherever nothing can be seen.

    So neither a filter nor a network sees an edge where the colours under the transparency begin; the alpha stays.

    Raises:
      ImageError: nothing at all can be seen.

    Example:
      sprite = fill_transparent(read_image("sprite.png"))
    """
    if picture.alpha is None or picture.alpha.min() > MIN_VISIBLE_ALPHA:
        return picture
    from scipy import ndimage

    hidden = picture.alpha <= MIN_VISIBLE_ALPHA
    if hidden.all():
        raise ImageError("The picture is transparent everywhere, so there is nothing to see; give another one")
    rows, columns = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
    return dataclasses.replace(picture, pixels=picture.pixels[rows, columns])


def resize(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture at another size, antialiased (Lanczos), in sRGB values.

    Alpha is averaged, without overshoot: what is opaque all around stays so, and nothing appears where nothing was.
    Colours are weighted by alpha on the way, so that what is transparent does not bleed into what is visible; where the
    result is fully transparent, the colours are those of a plain resize.

    Args:
      picture: any picture.
      size: (height, width), pixels, each 1 or more; the same size returns the same picture.

    Returns:
      A picture of that size, clipped to [0, 1], of the same bit depth.

    Raises:
      ImageError: for a size below 1.

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
    """Colours weighted by alpha: with Lanczos's weights in opaque bodies, and with those of alpha itself at rims.

    Lanczos's weights are negative in parts, so that at rims their sum may be next to nothing; in bodies it is not.
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
    """A mask or an alpha [h, w] at a size, by filters without overshoot that reach no further than they must."""
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
        raise ImageError(f"Got the size {tuple(size)}, but (height, width) of 1 pixel or more are needed; give both")

"""Reads pictures without the colours hidden under their transparency."""

import os

import numpy as np

from tf_style.images.geometry import fill_transparent
from tf_style.images.picture import DEFAULT_MAX_PIXELS, MIN_SIDE, FloatArray, ImageError, Picture
from tf_style.images.reading import Source, read_image


def read_visible(path: Source, *, max_pixels: int = DEFAULT_MAX_PIXELS, min_side: int = MIN_SIDE) -> Picture:
    """Reads a picture file and gives its invisible pixels their visible neighbours' colours.

    Args:
      path: the file, its bytes or a file object, as for `read_image`.
      max_pixels: refuse a picture with more pixels.
      min_side: refuse a picture with a shorter side, in pixels.

    Raises:
      ImageError: the picture cannot be read, or is transparent everywhere.

    Example:
      sprite = read_visible("sprite.png")
    """
    picture = read_image(path, max_pixels=max_pixels, min_side=min_side)
    try:
        return fill_transparent(picture)
    except ImageError:
        name = os.fspath(path) if isinstance(path, str | os.PathLike) else getattr(path, "name", "bytes")
        raise ImageError(f"'{name}' is transparent everywhere; give another picture.") from None


def with_own_alpha(picture: Picture) -> FloatArray:
    """The pixels, [H, W, 3]; with the alpha, [H, W, 4], if some are transparent, so that they can be ignored.

    Example:
      style = with_own_alpha(read_visible("sprite.png"))
    """
    if picture.alpha is None or picture.alpha.min() == 1.0:
        return picture.pixels
    return np.concatenate([picture.pixels, picture.alpha[..., np.newaxis]], -1)

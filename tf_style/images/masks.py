"""Masks from files: reads and checks them, resizes them to the picture, and softens their edges."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tf_style.images.geometry import resize_plane
from tf_style.images.picture import ImageError, Picture, PictureWarning
from tf_style.images.reading import read_image

_ASPECT_SLACK = 0.02  # how far a mask's aspect may be from the content's, for rounding but not for another crop
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709
_DARKEST = 0.5 / 255  # anything below is black in 8 bits
_COLORED = 0.1  # channels that differ by more are seen as a colour
_FAINTEST = 0.1  # a mask whose brightest pixel is below this selects next to nothing


@dataclasses.dataclass(frozen=True, eq=False)
class Masks:
    """Masks at the content's size, float32 in [0, 1].

    `regions` [H, W, N] says where each style goes (with N = 1: all of them); the sum is at most 1, and where it is 0
    the content stays. `keep` [H, W, 1] says what stays recognizable. Either may be None.
    """

    regions: np.ndarray | None = None
    keep: np.ndarray | None = None

    @property
    def num_regions(self) -> int:
        """The number of regions; 0 if `regions` is None."""
        return 0 if self.regions is None else self.regions.shape[-1]

    def arrays(self) -> dict[str, np.ndarray]:
        """The masks that are not None, by name, as batches of one."""
        both = {"regions": self.regions, "keep": self.keep}
        return {name: mask[np.newaxis] for name, mask in both.items() if mask is not None}


def stack_masks(masks: Sequence[Masks], size: tuple[int, int]) -> dict[str, np.ndarray]:
    """The masks of a batch of one (height, width), by name, float32 [B, H, W, N]; where a picture has none, it is 1."""
    found = [own.arrays() for own in masks]
    whole = np.ones((1, *size, 1), np.float32)
    names = sorted({name for arrays in found for name in arrays})
    return {name: np.concatenate([arrays.get(name, whole) for arrays in found]) for name in names}


def read_mask(option: str, path: str | Path, size: tuple[int, int], *, max_pixels: int) -> np.ndarray:
    """Reads a mask: the file's lightness (times its alpha, if any) at a size, float32 [H, W] in [0, 1].

    Raises:
      ImageError: The file cannot be read, has another aspect than the size, or is (almost) black.
    """
    return resize_mask(option, f"'{path}'", read_image(path, max_pixels=max_pixels, min_side=1), size)


def resize_mask(option: str, name: str, mask: Picture, size: tuple[int, int]) -> np.ndarray:
    """Resizes a mask, float32 [H, W] in [0, 1].

    Args:
      option: The option that gives the mask, for messages.
      name: The mask's name, for messages.
      mask: A picture of any size; its lightness times its alpha counts.
      size: (height, width).

    Raises:
      ImageError: The mask has another aspect than the size, or is (almost) black.

    Warns:
      PictureWarning: The mask has colours.
    """
    check_mask(option, name, mask.size, size)
    if has_colors(mask.pixels):
        warn_of_colors(option, name)
    grey = grey_of(mask.pixels, mask.alpha)
    check_mask(option, name, mask.size, size, float(grey.max(initial=0.0)))
    values = resize_plane(grey, size)
    if values.max(initial=0.0) < _FAINTEST:
        raise ImageError(
            f"{option}: the white parts of {name} are so thin that next to nothing is left of them at {size[1]} x "
            f"{size[0]} pixels; make them wider, or paint at a larger size."
        )
    return without_rest(values)


def grey_of(pixels: np.ndarray, alpha: np.ndarray | None = None) -> np.ndarray:
    """The lightness [H, W] of pixels [H, W, 3], times their alpha."""
    return pixels @ _LUMA if alpha is None else pixels @ _LUMA * alpha


def has_colors(pixels: np.ndarray) -> bool:
    """Whether pixels [H, W, 3] are more than grey."""
    return bool(np.ptp(pixels, axis=-1).max(initial=0.0) > _COLORED)


def warn_of_colors(option: str, name: str) -> None:
    """Warns that of a mask only the lightness counts."""
    warnings.warn(f"{option}: {name} has colours; only its lightness counts.", PictureWarning, stacklevel=2)


def without_rest(values: np.ndarray) -> np.ndarray:
    """Clips a mask to at most 1, and sets what would be black in 8 bits to 0."""
    return np.where(values < _DARKEST, np.float32(0.0), np.minimum(values, np.float32(1.0)))


def check_mask(option: str, name: str, own: tuple[int, int], size: tuple[int, int], brightest: float = 1.0) -> None:
    """Raises ImageError unless a mask has the picture's aspect and is bright enough somewhere.

    Args:
      option: The option that gives the mask, for messages.
      name: The mask's name, for messages.
      own: The mask's (height, width).
      size: The picture's (height, width).
      brightest: The mask's lightest pixel, in [0, 1].
    """
    height, width = own
    if abs(np.log((width * size[0]) / (height * size[1]))) > _ASPECT_SLACK + 1.0 / min(*size, height, width):
        raise ImageError(
            f"{option}: {name} is {width} x {height} pixels, which is not the aspect of the content (painted at "
            f"{size[1]} x {size[0]}); give a mask of the same crop, at any size."
        )
    if brightest < _DARKEST:
        raise ImageError(f"{option}: {name} is all black, so it selects nothing; make white what it should select.")
    if brightest < _FAINTEST:
        raise ImageError(
            f"{option}: the brightest pixel of {name} is {255 * brightest:.0f} of 255, so it selects next to nothing; "
            "make white (255) what it should select."
        )


def check_mask_count(num_masks: int, num_styles: int) -> None:
    """Raises ImageError unless there is a mask for each style, or none at all."""
    if num_masks and num_masks != num_styles:
        raise ImageError(
            f"style_masks has {num_masks} masks for {num_styles} styles; give one for each, in the same order."
        )


def make_masks(
    content: Picture,
    *,
    content_mask: np.ndarray | None = None,
    style_masks: Sequence[np.ndarray] = (),
    keep_mask: np.ndarray | None = None,
    feather: float = 0.0,
    may_be_empty: bool = False,
) -> Masks:
    """Makes regions with soft edges.

    Outer edges are soft only inwards, so that nothing outside is touched; edges between two styles are soft on both
    sides.

    Args:
      content: The content at the size to paint; its transparent pixels are not painted.
      content_mask: What is painted, float32 [H, W] in [0, 1].
      style_masks: Where each style goes, each float32 [H, W] in [0, 1].
      keep_mask: What stays recognizable, float32 [H, W] in [0, 1].
      feather: Width of the edges, as a share of the long side.
      may_be_empty: Whether there may be nothing to paint, as in some frames of a film.

    Raises:
      ImageError: Nothing is left to paint.
    """
    keep = None if keep_mask is None else keep_mask[..., np.newaxis]
    alpha = content.alpha if content.alpha is not None and content.alpha.min() < 1.0 else None
    if content_mask is None and not style_masks and alpha is None:
        return Masks(None, keep)
    width = feather * max(content.size)
    styles = _softened(style_masks, width)
    painted = np.ones(content.size, np.float32) if content_mask is None else content_mask
    if style_masks:
        painted = painted * np.minimum(1.0, np.sum(style_masks, axis=0))
    painted = _soft_inwards(painted, width)
    if alpha is not None:
        painted = painted * (alpha > 0.0)
    if not may_be_empty:
        check_painted(
            float(painted.max()),
            content_mask=content_mask is not None,
            style_masks=bool(style_masks),
            alpha=alpha is not None,
        )
    if len(styles) < 2:
        return Masks(painted[..., np.newaxis].astype(np.float32), keep)
    shares = np.stack(styles, -1)
    total = shares.sum(-1, keepdims=True)
    shares = np.divide(shares, total, out=np.zeros_like(shares), where=total > 0.0)
    return Masks((shares * painted[..., np.newaxis]).astype(np.float32), keep)


def check_painted(strongest: float, *, content_mask: bool, style_masks: bool, alpha: bool) -> None:
    """Raises ImageError if next to nothing would be painted.

    Args:
      strongest: The largest value in the mask of what is painted.
      content_mask: Whether a content mask was given.
      style_masks: Whether style masks were given.
      alpha: Whether part of the content is transparent.
    """
    if strongest >= _FAINTEST:
        return
    given = {"content_mask": content_mask, "style_masks": style_masks, "the content's opaque part": alpha}
    names = [name for name, came in given.items() if came]
    reason = "have next to no pixel in common" if len(names) > 1 else "selects next to nothing within its soft edges"
    raise ImageError(f"{' and '.join(names)} {reason}, so nothing would be painted; make white what should be painted.")


def _softened(masks: Sequence[np.ndarray], width: float) -> list[np.ndarray]:
    """Softens the edges between masks; parts that belong to one mask only reach full strength, however thin."""
    if not width or len(masks) < 2:
        return list(masks)
    from scipy import ndimage

    own = []
    for index, mask in enumerate(masks):
        others = np.max([other for place, other in enumerate(masks) if place != index], axis=0)
        own.append(_soft_inwards(np.where(others > 0.0, np.float32(0.0), mask), width))
    softened = []
    for index, mask in enumerate(masks):
        left = np.prod([1.0 - other for place, other in enumerate(own) if place != index], axis=0)
        softened.append(ndimage.gaussian_filter(mask, width / 2.0) * left)
    return softened


def _soft_inwards(mask: np.ndarray, width: float) -> np.ndarray:
    """Lets the mask rise from 0 at its outer edges over `width` pixels; the picture's edges do not count.

    Each connected part reaches its full strength where it is deepest, however thin it is.
    """
    if not width or mask.min() > 0.0:
        return mask
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(mask > 0.0).astype(np.float32)
    parts, count = ndimage.label(mask > 0.0, np.ones((3, 3)))
    deepest = np.concatenate([[1.0], np.atleast_1d(ndimage.maximum(depth, parts, np.arange(1, count + 1)))])
    ramp = np.minimum(depth / np.minimum(width + 1.0, deepest.astype(np.float32))[parts], 1.0)
    return mask * ramp.astype(np.float32)

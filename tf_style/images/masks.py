"""Masks from files: read, checked, brought to the picture's size, given soft edges."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tf_style.images.geometry import resize_plane
from tf_style.images.picture import ImageError, Picture
from tf_style.images.reading import read_image

_ASPECT_SLACK = 0.02  # how far a mask's aspect may be from the content's: rounding of both, not another crop
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709
_DARKEST = 0.5 / 255  # what is below is black in 8 bits
_FAINTEST = 0.1  # a mask whose brightest pixel is below selects next to nothing


@dataclasses.dataclass(frozen=True, eq=False)
class Masks:
    """Masks at the content's size, float32 in [0, 1].

    `regions` [H, W, N] says where each style goes (with N = 1: all of them); their sum is at most 1, and where it is 0
    the content stays. `keep` [H, W, 1] says what stays recognizable. None: there is none.
    """

    regions: np.ndarray | None = None
    keep: np.ndarray | None = None

    @property
    def num_regions(self) -> int:
        """How many regions there are; 0 without."""
        return 0 if self.regions is None else self.regions.shape[-1]

    def arrays(self) -> dict[str, np.ndarray]:
        """Those that there are, by name, as batches of one."""
        both = {"regions": self.regions, "keep": self.keep}
        return {name: mask[np.newaxis] for name, mask in both.items() if mask is not None}


def read_mask(option: str, path: str | Path, size: tuple[int, int], *, max_pixels: int) -> np.ndarray:
    """A mask file's lightness (times its alpha, if it has one) at a size, float32 [H, W] in [0, 1].

    Raises:
      ImageError: It cannot be read, has another aspect than the size, or is (almost) black.
    """
    return resize_mask(option, f"'{path}'", read_image(path, max_pixels=max_pixels, min_side=1), size)


def resize_mask(option: str, name: str, mask: Picture, size: tuple[int, int]) -> np.ndarray:
    """A mask at a size.

    Args:
      option: What it is for, for messages.
      name: Of the mask, for messages.
      mask: Of any size; its lightness times its alpha counts.
      size: (height, width).

    Raises:
      ImageError: It has another aspect than the size, or is (almost) black.
    """
    check_mask(option, name, mask.size, size)
    grey = grey_of(mask.pixels, mask.alpha)
    check_mask(option, name, mask.size, size, float(grey.max(initial=0.0)))
    values = resize_plane(grey, size)
    if values.max(initial=0.0) < _FAINTEST:
        raise ImageError(
            f"{option}: what is white in {name} is so thin that at {size[1]} x {size[0]} pixels next to nothing of it "
            "is left; make it wider, or paint at a larger size."
        )
    return without_rest(values)


def grey_of(pixels: np.ndarray, alpha: np.ndarray | None = None) -> np.ndarray:
    """The lightness [H, W] of pixels [H, W, 3], times their alpha."""
    return pixels @ _LUMA if alpha is None else pixels @ _LUMA * alpha


def without_rest(values: np.ndarray) -> np.ndarray:
    """A mask of at most 1, where what is black in 8 bits is 0."""
    return np.where(values < _DARKEST, np.float32(0.0), np.minimum(values, np.float32(1.0)))


def check_mask(option: str, name: str, own: tuple[int, int], size: tuple[int, int], brightest: float = 1.0) -> None:
    """Raises ImageError unless a mask has the aspect of (height, width), and is bright enough somewhere.

    Args:
      option: What it is for, for messages.
      name: Of the mask, for messages.
      own: Its height and width.
      size: Of the picture.
      brightest: The lightest of its pixels, in [0, 1].
    """
    height, width = own
    if abs(np.log((width * size[0]) / (height * size[1]))) > _ASPECT_SLACK + 1.0 / min(*size, height, width):
        raise ImageError(
            f"{option}: {name} is {width} x {height} pixels, which is not the aspect of the content (painted at "
            f"{size[1]} x {size[0]}); any size will do, but of the same crop."
        )
    if brightest < _DARKEST:
        raise ImageError(f"{option}: {name} is all black, so nothing is selected; make white what it is for.")
    if brightest < _FAINTEST:
        raise ImageError(
            f"{option}: the brightest pixel of {name} is {255 * brightest:.0f} of 255, so next to nothing is selected; "
            "make white (255) what it is for."
        )


def check_mask_count(num_masks: int, num_styles: int) -> None:
    """Raises ImageError unless there is a mask for each style, or none at all."""
    if num_masks and num_masks != num_styles:
        raise ImageError(
            f"{num_masks} masks came in style_masks for {num_styles} styles; give one for each, in the same order."
        )


def make_masks(
    content: Picture,
    *,
    content_mask: np.ndarray | None = None,
    style_masks: Sequence[np.ndarray] = (),
    keep_mask: np.ndarray | None = None,
    feather: float = 0.0,
) -> Masks:
    """Regions with soft edges.

    Outer edges are soft inwards, so that nothing outside is touched; those between two styles on both sides.

    Args:
      content: At the size that is painted; what is transparent in it is not.
      content_mask: What is painted, float32 [H, W] in [0, 1].
      style_masks: Where each style goes, the same.
      keep_mask: What stays recognizable, the same.
      feather: Width of the edges, as a share of the long side.

    Raises:
      ImageError: There is nothing left to paint.
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
      strongest: The largest number in the mask of what is painted.
      content_mask: Whether there is one.
      style_masks: Whether there are some.
      alpha: Whether something of the content is transparent.
    """
    if strongest >= _FAINTEST:
        return
    given = {"content_mask": content_mask, "style_masks": style_masks, "what is opaque in the content": alpha}
    names = [name for name, came in given.items() if came]
    reason = "have next to no pixel in common" if len(names) > 1 else "selects next to nothing within its soft edges"
    raise ImageError(f"{' and '.join(names)} {reason}, so nothing would be painted; make white what is to be painted.")


def _softened(masks: Sequence[np.ndarray], width: float) -> list[np.ndarray]:
    """Masks that meet softly; of each, what no other one shares reaches its full strength, however thin it is."""
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
    """The mask, rising from 0 at its outer edges over so many pixels; edges of the picture are none.

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

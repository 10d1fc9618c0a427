"""Total variation of a picture."""

from __future__ import annotations

import functools
import operator

from keras import ops

from tf_style.ops.padding import split_at
from tf_style.types import Image, Nest, Tensor

_NORMS = {"l1": ops.abs, "l2": ops.square}


def total_variation(image: Image, norm: str = "l2", *, wrap: bool = False) -> Tensor:
    """Total variation: mean difference between neighbouring pixels, horizontal plus vertical.

    Mahendran and Vedaldi (and the classic scripts) take the sum; with the mean, one weight holds across picture sizes.

    Args:
      image: Pictures, float32 [B, H, W, 3] in [0, 1].
      norm: "l1" (absolute differences) or "l2" (squared differences).
      wrap: Whether opposite edges are neighbours.

    Returns:
      Float32 [B]; zero for a flat picture.

    Raises:
      ValueError: Unknown norm.

    Reference:
      Mahendran, Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015, section 2.2.
    """
    return variation_from_sums(variation_sums(image, norm, wrap=wrap))


def variation_sums(image: Image, norm: str = "l2", *, wrap: bool = False, mask: Tensor | None = None) -> Nest:
    """Sums over neighbours, from which `variation_from_sums` computes the total variation; sums of parts add up.

    Args:
      image: Float32 [B, H, W, 3] in [0, 1].
      norm: "l1" or "l2".
      wrap: Whether opposite edges are neighbours.
      mask: The weight of a pixel's differences to the right and below, [B or 1, H, W, 1]; None: all equal.

    Returns:
      A pair, vertical and horizontal: for each, the weighted sum of differences and the sum of weights, float32 [B].

    Raises:
      ValueError: Unknown norm.

    Reference:
      Mahendran, Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015, section 2.2.
    """
    if norm not in _NORMS:
        raise ValueError(f"Unknown total variation norm {norm!r}. Allowed: {', '.join(_NORMS)}.")
    sums = []
    for axis in (1, 2):
        differences = _NORMS[norm](ops.roll(image, -1, axis) - image if wrap else _differences(image, axis))
        means = ops.mean(differences, -1)
        counts = ops.ones_like(means) if mask is None else (mask if wrap else _without_last(mask, axis))[..., 0]
        sums.append((ops.sum(counts * means, (1, 2)), ops.sum(counts, (1, 2))))
    return tuple(sums)


def variation_from_sums(sums: Nest) -> Tensor:
    """The total variation from what `variation_sums` returned.

    Args:
      sums: The sums of the picture, or of its parts added up.

    Returns:
      Float32 [B].

    Reference:
      Mahendran, Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015, section 2.2.
    """
    return functools.reduce(operator.add, (ops.divide_no_nan(total, count) for total, count in sums))


def _differences(image: Image, axis: int) -> Tensor:
    _, later = split_at(image, 1, axis)
    return later - _without_last(image, axis)


def _without_last(image: Tensor, axis: int) -> Tensor:
    return split_at(image, ops.shape(image)[axis] - 1, axis)[0]

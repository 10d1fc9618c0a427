"""Total variation of a picture."""

from __future__ import annotations

import tensorflow as tf

from tf_style.types import Image

_NORMS = {"l1": tf.abs, "l2": tf.square}


def total_variation(image: Image, norm: str = "l2", *, wrap: bool = False) -> tf.Tensor:
    """Total variation: mean difference between neighbouring pixels, horizontal plus vertical.

    A mean where Mahendran and Vedaldi (and the classic scripts) sum, so that one weight holds across picture sizes.

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
    if norm not in _NORMS:
        raise ValueError(f"Unknown total variation norm {norm!r}. Allowed: {', '.join(_NORMS)}.")
    penalty = _NORMS[norm]
    vertical, horizontal = (
        tf.reduce_mean(penalty(tf.roll(image, -1, axis) - image if wrap else _differences(image, axis)), axis=[1, 2, 3])
        for axis in (1, 2)
    )
    return horizontal + vertical


def _differences(image: Image, axis: int) -> tf.Tensor:
    """Of neighbours; by `tf.split`, whose gradient takes a fifth of the time of that of slices."""
    rest = tf.shape(image)[axis] - 1
    _, later = tf.split(image, [1, rest], axis)
    earlier, _ = tf.split(image, [rest, 1], axis)
    return later - earlier

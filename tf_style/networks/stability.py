"""Training for film, without films: where a picture moves a little, what a network paints must move with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from tf_style.ops.noise import Noise
from tf_style.ops.sampling import warp

_CELL = 64  # pixels between two places where the motion is drawn; between them it changes smoothly
_BEND = 3.0  # deviation of the motion from place to place, in pixels
_SHIFT = 5.0  # deviation of the motion that all places share
_GRAIN = 4.0 / 255.0  # most deviation of the grain of a film
_PURPOSES = ("across", "down", "shift across", "shift down", "amount of grain", "grain")


def instability(contents: Any, paint: Callable[[Any], Any], painted: Any, seed: Any) -> Any:
    """How much a network's paintings flicker: its painting of moved pictures against its paintings, moved.

    The motion is drawn at random, smooth, and some pixels long; the moved pictures get grain, as films have.

    Args:
      contents: Pictures, float32 [B, H, W, 3] in [0, 1].
      paint: Pictures to paintings, both [B, H, W, 3].
      painted: `paint(contents)`.
      seed: Of motion and grain, int32 [B].

    Returns:
      Mean absolute differences, [B], over the places that were in the picture before they moved.

    Reference:
      Zheng, Song, Leung, Goodfellow, "Improving the Robustness of Deep Neural Networks via Stability Training", CVPR
      2016, equation 3 (https://arxiv.org/abs/1604.04326), with motion beside noise, as Wang et al., "Consistent Video
      Style Transfer via Relaxation and Regularization", IEEE Transactions on Image Processing 29, 2020, draw it.
    """
    height, width = ops.shape(contents)[1:3]
    noises = {purpose: Noise(seed * len(_PURPOSES) + number) for number, purpose in enumerate(_PURPOSES)}
    flow = ops.concatenate(
        [_bent(noises[axis], height, width) + _SHIFT * _one(noises[f"shift {axis}"]) for axis in ("across", "down")], -1
    )
    amount = _GRAIN * ops.minimum(ops.abs(_one(noises["amount of grain"])), 1.0)
    grain = amount * noises["grain"].plane(height, width, 1)
    again = paint(ops.clip(warp(contents, flow) + grain, 0.0, 1.0))
    seen = ops.cast(_inside(flow, height, width), "float32")
    error = ops.mean(ops.abs(again - warp(painted, flow)), axis=-1)
    return ops.sum(seen * error, axis=(1, 2)) / ops.maximum(ops.sum(seen, axis=(1, 2)), 1.0)


def _one(noise: Noise) -> Any:
    """One number for each picture, [B, 1, 1, 1]."""
    return noise.plane(1, 1, 1)


def _bent(noise: Noise, height: Any, width: Any) -> Any:
    """Motion along one axis that differs smoothly from place to place, [B, H, W, 1]."""
    plane = noise.plane(height // _CELL + 2, width // _CELL + 2, 1)
    return _BEND * ops.image.resize(plane, (height, width), interpolation="bicubic")


def _inside(flow: Any, height: Any, width: Any) -> Any:
    """Where a flow [B, H, W, 2] points into the picture, bool [B, H, W]."""
    columns = ops.arange(width, dtype="float32") + flow[..., 0]
    rows = ops.arange(height, dtype="float32")[:, None] + flow[..., 1]
    across = ops.logical_and(columns >= 0.0, columns <= ops.cast(width - 1, "float32"))
    return ops.logical_and(across, ops.logical_and(rows >= 0.0, rows <= ops.cast(height - 1, "float32")))

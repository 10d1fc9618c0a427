"""Pictures on a torus: each edge continues at the opposite one."""

from __future__ import annotations

import math

from keras import ops

from tf_style.ops.padding import split_at
from tf_style.types import Image, Tensor


def wrap_pad(tensor: Tensor, rows: Tensor | int, columns: Tensor | int) -> Tensor:
    """Pads a tensor [..., H, W, C] on each side with `rows` and `columns` from the opposite side, at most H and W."""
    for axis, margin in ((-3, rows), (-2, columns)):
        axis += len(tensor.shape)
        _, end = split_at(tensor, ops.shape(tensor)[axis] - margin, axis)
        start, _ = split_at(tensor, margin, axis)
        tensor = ops.concatenate([end, tensor, start], axis)
    return tensor


def periodic_component(image: Image) -> Image:
    """Removes the jump between opposite edges by slow changes, and keeps the picture as close as possible otherwise.

    Args:
      image: Float32 [B, H, W, 3] in [0, 1].

    Returns:
      Float32 [B, H, W, 3]; each channel keeps its mean, and single pixels may lie slightly beyond [0, 1].

    Reference:
      Moisan, "Periodic Plus Smooth Image Decomposition", Journal of Mathematical Imaging and Vision 39, 2011,
      theorem 1: the smooth part solves a Poisson equation whose right-hand side is the jumps at the edges.
    """
    channels = ops.transpose(image, (0, 3, 1, 2))
    batch, _, height, width = ops.shape(channels)
    rows = channels[:, :, -1:] - channels[:, :, :1]
    columns = channels[..., -1:] - channels[..., :1]
    jumps = ops.concatenate([rows, ops.zeros((batch, 3, height - 2, width)), -rows], axis=2)
    jumps += ops.concatenate([columns, ops.zeros((batch, 3, height, width - 2)), -columns], axis=3)
    waves = 2.0 * ops.cos(_frequencies(height))[:, None] + 2.0 * ops.cos(_frequencies(width)) - 4.0
    return image - _filtered(jumps, ops.divide_no_nan(ops.ones_like(waves), waves))


def periodic_blur(image: Image, sigma: Tensor) -> Image:
    """Blurs a picture [B, H, W, 3] by a Gaussian across its edges; `sigma` is in pixels."""
    height, width = (_frequencies(side) for side in ops.shape(image)[1:3])
    height, width = (ops.minimum(waves, 2.0 * math.pi - waves) for waves in (height, width))
    squares = height[:, None] ** 2 + width**2
    return _filtered(ops.transpose(image, (0, 3, 1, 2)), ops.exp(-0.5 * sigma**2 * squares))


def _filtered(channels: Tensor, response: Tensor) -> Image:
    """Multiplies the frequencies of channels [B, 3, H, W] by a response [H, W]; returns a picture [B, H, W, 3]."""
    waves = ops.fft2((channels, ops.zeros_like(channels)))
    filtered, _ = ops.ifft2(tuple(part * response for part in waves))
    return ops.transpose(filtered, (0, 2, 3, 1))


def _frequencies(side: Tensor) -> Tensor:
    return 2.0 * math.pi * ops.arange(side, dtype="float32") / ops.cast(side, "float32")

"""Pictures on a torus: each edge continues at the opposite one."""

from __future__ import annotations

import math

import tensorflow as tf

from tf_style.types import Image


def wrap_pad(tensor: tf.Tensor, rows: tf.Tensor | int, columns: tf.Tensor | int) -> tf.Tensor:
    """Pads a tensor [..., H, W, C] on each side with `rows` and `columns` from the opposite side, at most H and W."""
    for axis, margin in ((-3, rows), (-2, columns)):
        axis += len(tensor.shape)
        side = tf.shape(tensor)[axis]
        _, end = tf.split(tensor, [side - margin, margin], axis)
        start, _ = tf.split(tensor, [margin, side - margin], axis)
        tensor = tf.concat([end, tensor, start], axis)
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
    channels = tf.transpose(image, [0, 3, 1, 2])
    height, width = tf.unstack(tf.shape(image)[1:3])
    rows = channels[:, :, -1:] - channels[:, :, :1]
    columns = channels[..., -1:] - channels[..., :1]
    jumps = tf.concat([rows, tf.zeros([tf.shape(image)[0], 3, height - 2, width]), -rows], axis=2)
    jumps += tf.concat([columns, tf.zeros([tf.shape(image)[0], 3, height, width - 2]), -columns], axis=3)
    waves = 2.0 * tf.cos(_frequencies(height))[:, tf.newaxis] + 2.0 * tf.cos(_frequencies(width)) - 4.0
    return image - _filtered(jumps, tf.math.divide_no_nan(1.0, waves))


def periodic_blur(image: Image, sigma: tf.Tensor) -> Image:
    """Blurs a picture [B, H, W, 3] by a Gaussian across its edges; `sigma` is in pixels."""
    height, width = (_frequencies(side) for side in tf.unstack(tf.shape(image)[1:3]))
    height, width = (tf.minimum(waves, 2.0 * math.pi - waves) for waves in (height, width))
    squares = height[:, tf.newaxis] ** 2 + width**2
    return _filtered(tf.transpose(image, [0, 3, 1, 2]), tf.exp(-0.5 * sigma**2 * squares))


def _filtered(channels: tf.Tensor, response: tf.Tensor) -> Image:
    """Multiplies the frequencies of channels [B, 3, H, W] by a response [H, W]; returns a picture [B, H, W, 3]."""
    waves = tf.signal.fft2d(tf.cast(channels, tf.complex64)) * tf.cast(response, tf.complex64)
    return tf.transpose(tf.math.real(tf.signal.ifft2d(waves)), [0, 2, 3, 1])


def _frequencies(side: tf.Tensor) -> tf.Tensor:
    return 2.0 * math.pi * tf.cast(tf.range(side), tf.float32) / tf.cast(side, tf.float32)

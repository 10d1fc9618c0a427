"""Moves pictures along a flow."""

from __future__ import annotations

import tensorflow as tf

from tf_style.types import Image


def warp(image: Image, flow: tf.Tensor) -> Image:
    """The picture that shows at each pixel what lies where the flow points.

    The interpolation is Catmull-Rom's cubic: it is exact for straight lines and parabolas, and a picture that is moved
    again and again stays sharper than by bilinear interpolation. It is differentiable in the picture and in the flow.

    Args:
      image: Float32 [B, H, W, C].
      flow: Float32 [B or 1, H, W, 2]: steps right and down in pixels.

    Returns:
      Float32 [B, H, W, C]; beyond the edges, the pixels at the edges. Values may lie slightly outside the picture's.

    Reference:
      R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on Acoustics, Speech,
      and Signal Processing 29(6), 1981, eq. 15 (a = -1/2).
    """
    shape = tf.shape(image)
    height, width = shape[1], shape[2]
    columns = tf.cast(tf.range(width), tf.float32) + flow[..., 0]
    rows = tf.cast(tf.range(height)[:, tf.newaxis], tf.float32) + flow[..., 1]
    flat = tf.reshape(image, [shape[0], height * width, image.shape[-1]])
    left, across = _neighbours(columns, width)
    top, down = _neighbours(rows, height)
    warped = tf.zeros_like(image)
    for row, row_weight in zip(top, down, strict=True):
        for column, column_weight in zip(left, across, strict=True):
            places = tf.broadcast_to(row * width + column, shape[:3])
            pixels = tf.gather(flat, places, axis=1, batch_dims=1)
            warped += (row_weight * column_weight)[..., tf.newaxis] * pixels
    return tf.ensure_shape(warped, image.shape)


def _neighbours(places: tf.Tensor, size: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """The four pixels around places on one axis, and their weights."""
    whole = tf.floor(places)
    t = places - whole
    first = tf.cast(whole, tf.int32) - 1
    weights = [
        t * (t * (1.0 - 0.5 * t) - 0.5),
        t * t * (1.5 * t - 2.5) + 1.0,
        t * (t * (2.0 - 1.5 * t) + 0.5),
        t * t * (0.5 * t - 0.5),
    ]
    return [tf.clip_by_value(first + offset, 0, size - 1) for offset in range(4)], weights

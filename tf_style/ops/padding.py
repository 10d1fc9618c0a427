"""Borders around pictures, from the pixels at their edges."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def runs_on_tensorflows_cpu() -> bool:
    """Whether TensorFlow computes, without a GPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")


def split_at(x: Any, place: Any, axis: int) -> tuple[Any, Any]:
    """A tensor's parts before and after a place on an axis, in TensorFlow with a gradient five times as fast."""
    if keras.backend.backend() != "tensorflow":
        before, after = ([slice(None)] * len(x.shape) for _ in range(2))
        before[axis], after[axis] = slice(place), slice(place, None)
        return x[tuple(before)], x[tuple(after)]
    import tensorflow as tf

    return tuple(tf.split(x, [place, tf.shape(x)[axis] - place], axis))


def edge_pad(x: Any, mode: str, size: int = 1) -> Any:
    """Adds a border to [B, H, W, C]: `ops.pad`, but on TensorFlow's CPU kernels two to three times as fast.

    Args:
      x: Any backend's tensor.
      mode: "symmetric" repeats the edge's pixels, "reflect" those beside it.
      size: The border's width in pixels, less than a side.
    """
    border = [[0, 0], [size, size], [size, size], [0, 0]]
    if not runs_on_tensorflows_cpu():
        return ops.pad(x, border, mode=mode)
    import tensorflow as tf

    @tf.custom_gradient
    def padded(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return tf.raw_ops.MirrorPadGrad(input=upstream, paddings=border, mode=mode.upper())

        return _copied(tf, x, mode, size), gradient

    return padded(x)


def _copied(tf: Any, x: Any, mode: str, size: int) -> Any:
    """Copies whole pixels, by their places."""
    shape = tf.shape(x)
    batch, height, width = shape[0], shape[1], shape[2]  # not by tf.unstack, through which no size is inferred
    rows, columns = (tf.pad(tf.range(side), [[size, size]], mode=mode.upper()) for side in (height, width))
    places = tf.reshape(rows[:, tf.newaxis] * width + columns, [-1])
    channels = x.shape[-1]
    pixels = tf.gather(tf.reshape(x, [batch, height * width, channels]), places, axis=1)
    pixels = tf.reshape(pixels, [batch, height + 2 * size, width + 2 * size, channels])
    sides = (None if side is None else side + 2 * size for side in x.shape[1:3])
    return tf.ensure_shape(pixels, [x.shape[0], *sides, channels])

"""Types of the signatures' inputs, and conversion of pixels between uint8 and [0, 1]."""

from __future__ import annotations

import tensorflow as tf

PICTURES = tf.TensorSpec([None, None, None, 3], tf.uint8)
FILES = tf.TensorSpec([None], tf.string)
INTEGERS, NUMBERS = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.float32)


def to_float(picture: tf.Tensor) -> tf.Tensor:
    """Converts uint8, 0 to 255, to float32 in [0, 1]."""
    return tf.cast(picture, tf.float32) / 255.0


def to_uint8(picture: tf.Tensor) -> tf.Tensor:
    """Converts [0, 1] to uint8, 0 to 255, clipped and rounded."""
    return tf.cast(tf.round(tf.clip_by_value(picture, 0.0, 1.0) * 255.0), tf.uint8)

"""Types of the signatures' inputs, and pixels between 8 bits and [0, 1]."""

from __future__ import annotations

import tensorflow as tf

PICTURES = tf.TensorSpec([None, None, None, 3], tf.uint8)
FILES = tf.TensorSpec([None], tf.string)
INTEGERS, NUMBERS = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.float32)


def to_float(picture: tf.Tensor) -> tf.Tensor:
    """0 to 255, uint8, to [0, 1]."""
    return tf.cast(picture, tf.float32) / 255.0


def to_uint8(picture: tf.Tensor) -> tf.Tensor:
    """[0, 1] to 0 to 255, rounded."""
    return tf.cast(tf.round(tf.clip_by_value(picture, 0.0, 1.0) * 255.0), tf.uint8)

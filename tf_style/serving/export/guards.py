"""What every signature checks before anything else.

The C++ session under TensorFlow Serving does not compare what it is fed with the signature: a picture of rank 3 would
abort the whole server. So each input's rank and range is asserted by ops in the graph; a failure is INVALID_ARGUMENT.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from tf_style.stylizers.scaling import MIN_SIDE

_MAX_WEIGHT = 1e6
_MAX_ASPECT = 64  # of a thinner picture scales of 32 pixels would still be very long


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a request may ask for: pixels of a batch together, steps at any scale, pictures in a batch."""

    max_pixels: int
    max_steps: int
    max_batch: int


def pictures(name: str, image: tf.Tensor, limits: Limits) -> tf.Tensor:
    """The pictures, uint8 [B, H, W, 3], if they are ones."""
    image = tf.ensure_shape(image, [None, None, None, 3])
    batch = tf.shape(image)[0]
    sentence = f"{name} must hold 1 to {limits.max_batch} pictures, but its shape is"
    image = require((batch >= 1) & (batch <= limits.max_batch), sentence, tf.shape(image), image)
    image = sides(name, image, limits.max_pixels)
    shape = tf.shape(image, out_type=tf.int64)
    sentence = f"{name} may have at most {limits.max_pixels} pixels in all its pictures, but its shape is"
    return require(tf.reduce_prod(shape[:3]) <= limits.max_pixels, sentence, shape, image)


def sides(name: str, image: tf.Tensor, max_pixels: int) -> tf.Tensor:
    """The pictures [B, H, W, 3], if each side has at least 32 pixels, and they are not too large or too thin."""
    shape = tf.shape(image, out_type=tf.int64)
    small = f"each side of {name} must have at least {MIN_SIDE} pixels, but its shape is"
    large = f"{name} may have at most {max_pixels} pixels a picture, but its shape is"
    thin = f"one side of {name} may be at most {_MAX_ASPECT} times the other, but its shape is"
    return _checked(
        image,
        [
            _require(tf.reduce_min(shape[1:3]) >= MIN_SIDE, small, shape),
            _require(shape[1] * shape[2] <= max_pixels, large, shape),
            _require(tf.reduce_max(shape[1:3]) <= _MAX_ASPECT * tf.reduce_min(shape[1:3]), thin, shape),
        ],
    )


def same_batch(name: str, tensor: tf.Tensor, batch: tf.Tensor, of: str = "content") -> tf.Tensor:
    """The tensor, if its first dimension is 1 or that of the content."""
    size = tf.shape(tensor)[0]
    required = _require(
        tf.equal(size, 1) | tf.equal(size, batch), f"{name} must have one row, or one for each {of}; rows came:", size
    )
    return _checked(tensor, [required])


def option(name: str, values: tf.Tensor, batch: tf.Tensor, low: float, high: float) -> tf.Tensor:
    """One value for each picture, [B], from [B] or [1] values, all within `low` to `high` (so no NaN either)."""
    values = same_batch(name, tf.ensure_shape(values, [None]), batch)
    required = _require(
        tf.reduce_all((values >= tf.cast(low, values.dtype)) & (values <= tf.cast(high, values.dtype))),
        f"{name} must be {low:g} to {high:g}, but this came:",
        values,
    )
    return tf.broadcast_to(_checked(values, [required]), batch[tf.newaxis])


def num_steps(values: tf.Tensor, batch: tf.Tensor, limits: Limits) -> tf.Tensor:
    """Steps at each scale, int32 [B]."""
    return option("num_steps", values, batch, 1, limits.max_steps)


def weight(name: str, values: tf.Tensor, batch: tf.Tensor, known: bool = True) -> tf.Tensor:
    """A loss's weight, float32 [B]; 0 for a loss that the model does not know."""
    return option(name, values, batch, 0, _MAX_WEIGHT if known else 0)


def content_size(size: tf.Tensor, limits: Limits) -> tf.Tensor:
    """The (height, width) of a content to be painted, int32 [2]."""
    size = tf.ensure_shape(size, [2])
    return require(
        (tf.reduce_min(size) >= MIN_SIDE) & (tf.reduce_prod(tf.cast(size, tf.int64)) <= limits.max_pixels),
        f"size must be a height and width of at least {MIN_SIDE} and at most {limits.max_pixels} pixels together, but "
        "this came:",
        size,
        size,
    )


def scalar(name: str, values: tf.Tensor, low: int, high: int) -> tf.Tensor:
    """The one value of an int32 [1]."""
    return option(name, values, tf.constant(1), low, high)[0]


def files(name: str, contents: tf.Tensor, limits: Limits) -> tf.Tensor:
    """Encoded pictures, string [B]."""
    contents = tf.ensure_shape(contents, [None])
    size = tf.shape(contents)[0]
    required = _require(
        (size >= 1) & (size <= limits.max_batch),
        f"{name} must hold 1 to {limits.max_batch} files; files came:",
        size,
    )
    return _checked(contents, [required])


def require(condition: tf.Tensor, sentence: str, value: tf.Tensor, tensor: tf.Tensor) -> tf.Tensor:
    """`tensor`, if the condition (a bool scalar) holds; else an error of that sentence and value."""
    return _checked(tensor, [_require(condition, sentence, value)])


def _require(condition: tf.Tensor, sentence: str, value: tf.Tensor) -> tf.Operation:
    return tf.debugging.Assert(condition, [sentence, value], summarize=8)


def _checked(tensor: tf.Tensor, required: Sequence[tf.Operation]) -> tf.Tensor:
    with tf.control_dependencies([operation for operation in required if operation is not None]):
        return tf.identity(tensor)

"""The checks at the start of every signature.

TensorFlow Serving's session does not compare inputs with the signature: a picture of rank 3 would abort the whole
server. So operations in the graph check each input's rank and range. A failure is INVALID_ARGUMENT.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from tf_style.stylizers.scaling import MIN_SIDE

_MAX_WEIGHT = 1e6
_MAX_ASPECT = 64  # of a thinner picture, even a scale 32 pixels wide would be very long


@dataclasses.dataclass(frozen=True)
class Limits:
    """The most a request may ask for: pixels in the whole batch, steps at each scale, pictures in the batch."""

    max_pixels: int
    max_steps: int
    max_batch: int


def pictures(name: str, image: tf.Tensor, limits: Limits) -> tf.Tensor:
    """Checks pictures, uint8 [B, H, W, 3]."""
    image = tf.ensure_shape(image, [None, None, None, 3])
    batch = tf.shape(image)[0]
    sentence = f"{name} must hold 1 to {limits.max_batch} pictures, but its shape is"
    image = require((batch >= 1) & (batch <= limits.max_batch), sentence, tf.shape(image), image)
    image = sides(name, image, limits.max_pixels)
    shape = tf.shape(image, out_type=tf.int64)
    sentence = f"{name} may have at most {limits.max_pixels} pixels in all its pictures, but its shape is"
    return require(tf.reduce_prod(shape[:3]) <= limits.max_pixels, sentence, shape, image)


def sides(name: str, image: tf.Tensor, max_pixels: int) -> tf.Tensor:
    """Checks that pictures [B, H, W, 3] are not too small (32 pixels a side), too large or too thin."""
    shape = tf.shape(image, out_type=tf.int64)
    small = f"each side of {name} must have at least {MIN_SIDE} pixels, but its shape is"
    large = f"{name} may have at most {max_pixels} pixels per picture, but its shape is"
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
    """Checks that the tensor's first dimension is 1 or the content's."""
    size = tf.shape(tensor)[0]
    required = _require(
        tf.equal(size, 1) | tf.equal(size, batch), f"{name} must have one row, or one for each {of}; rows given:", size
    )
    return _checked(tensor, [required])


def option(
    name: str, values: tf.Tensor, batch: tf.Tensor, low: float, high: float, *, of: str = "content"
) -> tf.Tensor:
    """One value per picture, [B], from [B] or [1] values, all within `low` to `high` (so no NaN)."""
    values = same_batch(name, tf.ensure_shape(values, [None]), batch, of)
    required = _require(
        tf.reduce_all((values >= tf.cast(low, values.dtype)) & (values <= tf.cast(high, values.dtype))),
        f"{name} must be {low:g} to {high:g}, but was given as",
        values,
    )
    return tf.broadcast_to(_checked(values, [required]), batch[tf.newaxis])


def num_steps(values: tf.Tensor, batch: tf.Tensor, limits: Limits) -> tf.Tensor:
    """Steps at each scale, int32 [B]."""
    return option("num_steps", values, batch, 1, limits.max_steps)


def weight(name: str, values: tf.Tensor, batch: tf.Tensor, known: bool = True) -> tf.Tensor:
    """A loss's weight, float32 [B]; it must be 0 for a loss that the model does not have."""
    return option(name, values, batch, 0, _MAX_WEIGHT if known else 0)


def content_size(size: tf.Tensor, limits: Limits) -> tf.Tensor:
    """Checks the (height, width) of a content to be painted, int32 [2]."""
    size = tf.ensure_shape(size, [2])
    return require(
        (tf.reduce_min(size) >= MIN_SIDE) & (tf.reduce_prod(tf.cast(size, tf.int64)) <= limits.max_pixels),
        f"size must be a height and width of at least {MIN_SIDE} and at most {limits.max_pixels} pixels together, but "
        "was given as",
        size,
        size,
    )


def scalar(name: str, values: tf.Tensor, low: int, high: int) -> tf.Tensor:
    """The only value of an int32 [1]."""
    return option(name, values, tf.constant(1), low, high)[0]


def files(name: str, contents: tf.Tensor, limits: Limits) -> tf.Tensor:
    """Checks encoded pictures, string [B]."""
    contents = tf.ensure_shape(contents, [None])
    size = tf.shape(contents)[0]
    required = _require(
        (size >= 1) & (size <= limits.max_batch),
        f"{name} must hold 1 to {limits.max_batch} files; files given:",
        size,
    )
    return _checked(contents, [required])


def require(condition: tf.Tensor, sentence: str, value: tf.Tensor, tensor: tf.Tensor) -> tf.Tensor:
    """Returns `tensor` if the condition (a bool scalar) holds; else fails with the sentence and the value."""
    return _checked(tensor, [_require(condition, sentence, value)])


def _require(condition: tf.Tensor, sentence: str, value: tf.Tensor) -> tf.Operation:
    return tf.debugging.Assert(condition, [sentence, value], summarize=8)


def _checked(tensor: tf.Tensor, required: Sequence[tf.Operation]) -> tf.Tensor:
    with tf.control_dependencies([operation for operation in required if operation is not None]):
        return tf.identity(tensor)

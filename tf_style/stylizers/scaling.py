"""Sizes of the pyramid, and ways to resize pictures to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from tf_style.ops.sampling import resampled
from tf_style.types import Image

_FADE = 0.25  # strength below which the content shows through
MIN_SIDE = 32  # pixels; nothing is left of a smaller picture after VGG's four poolings


def pyramid_sizes(shape: tf.Tensor, min_size: int, scale_factor: float, *, multiple: int = 1) -> tf.Tensor:
    """The sizes of a picture's scales, coarse to fine.

    Args:
      shape: The picture's shape, int32 [4].
      min_size: Long side of the coarsest scale, in pixels; 0: one scale only.
      scale_factor: Ratio between scales.
      multiple: All sides are multiples of it; the picture's own must be, too.

    Returns:
      Int32 [scales, 2], (height, width); the last row is the picture's own size. No side is under 32 pixels unless the
      picture's is.
    """
    size = tf.cast(shape[1:3], tf.float64)
    if min_size == 0:
        return tf.cast(size, tf.int32)[tf.newaxis]
    long_side, short_side = tf.reduce_max(size), tf.reduce_min(size)
    smallest = tf.maximum(tf.cast(min_size, tf.float64), MIN_SIDE * long_side / short_side)
    ratio = math.log(scale_factor)
    count = 1 + tf.cast(tf.maximum(tf.floor(tf.math.log(long_side / smallest) / ratio + 1e-6), 0.0), tf.int32)
    exponents = tf.cast(tf.range(count - 1, -1, -1), tf.float64)
    sizes = size / tf.pow(tf.cast(scale_factor, tf.float64), exponents)[:, tf.newaxis]
    return multiple * tf.cast(tf.round(sizes / multiple), tf.int32)


def resize(image: Image, size: Sequence) -> Image:
    """Resizes a picture, antialiased bicubic, clipped to [0, 1]; the same pixels if it has the size already."""

    def resized() -> Image:
        return tf.clip_by_value(tf.image.resize(image, size, "bicubic", antialias=True), 0.0, 1.0)

    return tf.cond(tf.reduce_all(tf.equal(tf.shape(image)[1:3], size)), lambda: image, resized)


def resize_under_xla(image: Image, size: Sequence) -> Image:
    """`resize` by operations that XLA has, which TensorFlow's own, faster one is not."""
    return tf.cond(
        tf.reduce_all(tf.equal(tf.shape(image)[1:3], size)),
        lambda: image,
        lambda: tf.clip_by_value(resampled(image, size), 0.0, 1.0),
    )


def enlarged(image: Image, times: tf.Tensor) -> Image:
    """The picture at a whole multiple of its size, interpolated linearly; XLA can compile it."""
    return tf.image.resize(image, times * tf.shape(image)[1:3])


def shrunk(image: Image, times: tf.Tensor) -> Image:
    """The means of squares of `times` x `times` pixels."""
    batch, height, width = tf.unstack(tf.shape(image)[:3])
    squares = tf.reshape(image, [batch, height // times, times, width // times, times, image.shape[-1]])
    return tf.reduce_mean(squares, [2, 4])


def resize_mask(mask: tf.Tensor, size: Sequence) -> tf.Tensor:
    """Resizes a mask, antialiased, without overshoot; the same values if it has the size already."""
    return tf.cond(
        tf.reduce_all(tf.equal(tf.shape(mask)[1:3], size)),
        lambda: mask,
        lambda: tf.image.resize(mask, size, "bilinear", antialias=True),
    )


def fit(image: Image, long_side: tf.Tensor, resize: Callable[[Image, Sequence], Image] = resize) -> Image:
    """Reduces a picture, with or without an alpha, to a long side in pixels; never enlarges or stretches it.

    No side gets below 32 pixels. `resize` does the work for the colours.
    """
    own = tf.cast(tf.shape(image)[1:3], tf.float32)
    smallest = MIN_SIDE / tf.reduce_min(own)  # one ratio for both sides
    ratio = tf.minimum(1.0, tf.maximum(tf.cast(long_side, tf.float32) / tf.reduce_max(own), smallest))
    size = tf.cast(tf.round(own * ratio), tf.int32)
    if image.shape[-1] == 3:
        return resize(image, size)
    return tf.concat([resize(image[..., :3], size), resize_mask(image[..., 3:], size)], -1)


def fade(painting: Image, content: Image, strength: tf.Tensor | float) -> Image:
    """Fades the painting into the content below a strength (a number, or [B]) of a quarter; 0 is only the content."""
    share = tf.reshape(tf.minimum(1.0, tf.convert_to_tensor(strength, tf.float32) / _FADE), [-1, 1, 1, 1])
    mixed = tf.cond(tf.reduce_all(share >= 1.0), lambda: painting, lambda: share * painting + (1.0 - share) * content)
    return tf.ensure_shape(mixed, painting.shape)


def padded(image: Image, multiple: int) -> Image:
    """The picture, mirrored below and on the right until its sides are multiples."""
    missing = -tf.shape(image)[1:3] % multiple
    border = [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]]
    return tf.pad(image, border, "REFLECT")  # always: under a condition XLA fails on amounts that it must know


def cover(image: Image, size: Sequence) -> Image:
    """Crops the picture to the aspect of `size`, around its middle, and resizes it."""
    own = tf.shape(image)[1:3]
    wanted = tf.cast(size, tf.float32)
    kept = tf.round(wanted / tf.reduce_max(wanted / tf.cast(own, tf.float32)))
    kept = tf.clip_by_value(tf.cast(kept, tf.int32), 1, own)
    top, left = tf.unstack((own - kept) // 2)
    return resize(image[:, top : top + kept[0], left : left + kept[1]], size)

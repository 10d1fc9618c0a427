"""Pictures for training: crops at many scales from a folder of pictures or TFRecords, in an order that can resume."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_style.networks.records import DataError, record_pictures
from tf_style.networks.sources import Source, decodes, find_pictures, hold_out, unreadable
from tf_style.ops.orientation import orientation, upright

__all__ = [
    "DataError",
    "Source",
    "chances",
    "choices",
    "crops",
    "find_pictures",
    "hold_out",
    "middle_crop",
    "random_crop",
    "reading",
]

_BLOCK = 2048  # records shuffled together (in memory); the pictures of a folder are all shuffled together
_SMALLEST_CROP = 0.45  # share of the short side; crops have scales from this to 1
_EPOCHS = 1_000_003  # distance between the keys of two epochs of records
_CROPS, _CHANCES, _CHOICES, _ORDER = range(
    4
)  # purposes of random numbers; `_keys` keeps them independent, whatever the seeds
_SEED_BITS = 40
_UNREADABLE = (
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
)


def crops(source: Source, crop_size: int, *, seed: int, start: int = 0) -> tf.data.Dataset:
    """Endless square crops: each picture once an epoch, at a random place and scale, mirrored or not.

    The same seed gives the same crops.

    Args:
      source: From `find_pictures`.
      crop_size: Side of the crops in pixels.
      seed: Seed of the order, places, scales and mirroring.
      start: How many crops to skip, for a run that resumes. It does not read the pictures of a folder that it skips,
        nor earlier epochs of records.

    Returns:
      A dataset of float32 [crop_size, crop_size, 3] in [0, 1].
    """
    if source.records:
        contents = _records(source, seed, start)
    else:
        contents = _names(source, seed, start).map(tf.io.read_file, num_parallel_calls=tf.data.AUTOTUNE)
    return tf.data.Dataset.zip(contents, _keys(_CROPS, seed, start)).map(
        lambda content, key: random_crop(content, crop_size, key), num_parallel_calls=tf.data.AUTOTUNE
    )


def chances(share: float, *, seed: int, start: int = 0) -> tf.data.Dataset:
    """Endless bools, a share of them true; `seed` and `start` as in `crops`."""
    return _keys(_CHANCES, seed, start).map(lambda key: tf.random.stateless_uniform([], key) < share)


def choices(count: int, *, seed: int, start: int = 0) -> tf.data.Dataset:
    """Endless int32 from 0 to `count` - 1, uniformly distributed; `seed` and `start` as in `crops`."""
    return _keys(_CHOICES, seed, start).map(
        lambda key: tf.random.stateless_uniform([], key, maxval=count, dtype=tf.int32)
    )


def _keys(purpose: int, seed: int, start: int) -> tf.data.Dataset:
    """A key, int64 [2], for each number from `start` on, different for each purpose."""
    first = tf.constant((purpose << _SEED_BITS) + seed, tf.int64)
    return tf.data.Dataset.counter(start=start).map(lambda number: tf.stack([first, number]))


def _names(source: Source, seed: int, start: int) -> tf.data.Dataset:
    """The files of a folder, each once an epoch."""
    names, count = tf.constant(source.files), len(source.files)

    def name(number: tf.Tensor) -> tf.Tensor:
        epoch, place = number // count, number % count
        key = tf.stack([tf.constant(seed, tf.int64), epoch])
        return names[tf.random.experimental.index_shuffle(place, key, tf.constant(count - 1, tf.int64))]

    return tf.data.Dataset.counter(start=start).map(name)


def _records(source: Source, seed: int, start: int) -> tf.data.Dataset:
    """The encoded pictures of TFRecords, each once an epoch, shuffled in blocks."""
    blocks = record_pictures(source.files, source.leave_out).skip(source.num_held).batch(_BLOCK).enumerate()
    first_epoch, place = divmod(start, source.num_pictures)
    order_seed = tf.constant((_ORDER << _SEED_BITS) + seed, tf.int64)

    def epoch(epoch_number: tf.Tensor) -> tf.data.Dataset:
        def shuffled(block_number: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
            key = tf.stack([order_seed, epoch_number * _EPOCHS + block_number])
            return tf.gather(block, tf.argsort(tf.random.stateless_uniform(tf.shape(block), key)))

        return blocks.map(shuffled).unbatch()

    return tf.data.Dataset.counter(start=first_epoch).flat_map(epoch).skip(place)


def random_crop(content: tf.Tensor, crop_size: int, seed: tf.Tensor) -> tf.Tensor:
    """A random square of an encoded picture, resized and perhaps mirrored.

    Args:
      content: The encoded picture, JPEG, PNG, GIF or BMP.
      crop_size: Side of the result in pixels.
      seed: Int64 [2]; same seed, same crop.

    Returns:
      Float32 [crop_size, crop_size, 3] in [0, 1].
    """
    image = _decoded(content)
    share, top, left, mirror = tf.unstack(tf.random.stateless_uniform([4], seed))
    short = tf.reduce_min(tf.shape(image)[:2])
    side = tf.cast(tf.cast(short, tf.float32) * (_SMALLEST_CROP + (1.0 - _SMALLEST_CROP) * share), tf.int32)
    side = tf.clip_by_value(side, 1, short)
    free = tf.cast(tf.shape(image)[:2] - side + 1, tf.float32)
    y, x = tf.cast(free[0] * top, tf.int32), tf.cast(free[1] * left, tf.int32)
    crop = tf.cast(image[y : y + side, x : x + side], tf.float32) / 255.0
    crop = tf.cond(mirror < 0.5, lambda: crop[:, ::-1], lambda: crop)
    crop = tf.image.resize(crop, [crop_size, crop_size], antialias=True)
    return tf.ensure_shape(tf.clip_by_value(crop, 0.0, 1.0), [crop_size, crop_size, 3])


def middle_crop(content: tf.Tensor, crop_size: int) -> tf.Tensor:
    """The largest middle square of an encoded picture, resized: float32 [crop_size, crop_size, 3] in [0, 1]."""
    image = tf.cast(_decoded(content), tf.float32) / 255.0
    side = tf.reduce_min(tf.shape(image)[:2])
    image = tf.image.resize_with_crop_or_pad(image, side, side)
    return tf.clip_by_value(tf.image.resize(image, [crop_size, crop_size], antialias=True), 0.0, 1.0)


def _decoded(content: tf.Tensor) -> tf.Tensor:
    """An encoded picture, upright: uint8 [H, W, 3]."""
    return upright(tf.io.decode_image(content, channels=3, expand_animations=False), orientation(content))


@contextlib.contextmanager
def reading(source: Source, *, seed: int, start: int = 0, count: int) -> Iterator[None]:
    """Turns TensorFlow's errors about unreadable pictures into one sentence that names the file.

    Args:
      source: The source of the pictures read inside the block.
      seed: The seed given to `crops`.
      start: The first crop that may be at fault.
      count: How many crops may be at fault.

    Raises:
      DataError: One of these pictures cannot be read.
    """
    try:
        yield
    except _UNREADABLE:
        culprit = _unreadable(source, seed, start, count)
        if culprit is None:
            raise
        raise unreadable(culprit) from None


def _unreadable(source: Source, seed: int, start: int, count: int) -> str | None:
    """Names the first picture among some crops that cannot be read; None if all can."""
    if source.records:
        try:
            readable = all(decodes(content) for content in _records(source, seed, start).take(count))
        except _UNREADABLE:
            readable = False
        return None if readable else f"A record in {Path(source.files[0]).parent}"
    for name in _names(source, seed, start).take(count):
        file = np.asarray(name).item().decode()
        if not Path(file).is_file() or not decodes(tf.io.read_file(name)):
            return file
    return None

"""Pictures for training: crops at many scales from a folder of pictures or of TFRecords, in an order that can go on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

#: Suffixes of the pictures that training reads from a folder; `tf-style prepare` takes all others too.
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")
RECORD_SUFFIXES = (".tfrecord", ".tfrecords")
#: The feature that holds an encoded picture in each record.
RECORD_FEATURE = "image"

_SHUFFLE_BUFFER = 4096  # records; a folder's pictures are shuffled perfectly
_SMALLEST_CROP = 0.45  # of the short side: so pictures come at scales from this to 1


class Source(NamedTuple):
    """Where pictures come from: the files of a folder, either all pictures or all TFRecords.

    `num_held` records from the beginning are kept for validation.
    """

    files: tuple[str, ...]
    records: bool
    num_held: int = 0


class DataError(ValueError):
    """A folder that training cannot use; the message says what to do."""


def find_pictures(folder: Path, leave_out: Sequence[str] = ()) -> Source:
    """The pictures, or else the TFRecords, in a folder and its subfolders, sorted.

    Args:
      folder: Where to look.
      leave_out: Names of files, without suffix, to keep for validation.

    Raises:
      DataError: No such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one with pictures, or with TFRecords of tf-style prepare.")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    for suffixes in (RECORD_SUFFIXES, PICTURE_SUFFIXES):
        found = [str(file) for file in files if file.suffix.lower() in suffixes and file.stem not in leave_out]
        if found:
            return Source(tuple(found), suffixes is RECORD_SUFFIXES)
    raise DataError(
        f"{folder} holds no {', '.join(PICTURE_SUFFIXES)} or {RECORD_SUFFIXES[0]} files; tf-style prepare makes "
        "TFRecords from pictures of other kinds."
    )


def hold_out(source: Source, count: int) -> tuple[Source, list[bytes]]:
    """The source without some of its pictures, evenly spread, and those, encoded.

    Raises:
      DataError: There are not enough pictures to keep some from training.
    """
    if source.records:
        feature = {RECORD_FEATURE: tf.io.FixedLenFeature([], tf.string)}
        records = tf.data.TFRecordDataset(list(source.files)).take(count)
        held = [tf.io.parse_single_example(record, feature)[RECORD_FEATURE] for record in records]
        return source._replace(num_held=count), [bytes(np.asarray(content).item()) for content in held]
    if count >= len(source.files):
        raise DataError(
            f"{len(source.files)} pictures came, of which {count} were to be kept for validation; give more pictures, "
            "or a lower --validation_pairs."
        )
    held_files = [source.files[index * len(source.files) // count] for index in range(count)]
    rest = tuple(file for file in source.files if file not in held_files)
    return source._replace(files=rest), [Path(file).read_bytes() for file in held_files]


def crops(source: Source, crop_size: int, *, seed: int, start: int = 0) -> tf.data.Dataset:
    """Square crops without end: each picture once an epoch, at a random place and scale, mirrored or not.

    The same seed gives the same crops; `start` leaves out as many from the beginning, without reading pictures.

    Args:
      source: From `find_pictures`.
      crop_size: Side of the crops, in pixels.
      seed: Of order, place, scale and mirroring.
      start: How many crops an earlier run has had.

    Returns:
      A dataset of float32 [crop_size, crop_size, 3] in [0, 1].
    """
    contents = _records(source, seed, start) if source.records else _files(source, seed, start)
    return tf.data.Dataset.zip(contents, _numbers(seed, start)).map(
        lambda content, key: random_crop(content, crop_size, key), num_parallel_calls=tf.data.AUTOTUNE
    )


def chances(share: float, *, seed: int, start: int = 0) -> tf.data.Dataset:
    """Bools without end, a share of them true; seed and start as of `crops`."""
    return _numbers(seed, start).map(lambda key: tf.random.stateless_uniform([], key) < share)


def choices(count: int, *, seed: int, start: int = 0) -> tf.data.Dataset:
    """Int32 from 0 to below `count` without end, equally often; seed and start as of `crops`."""
    return _numbers(seed, start).map(lambda key: tf.random.stateless_uniform([], key, maxval=count, dtype=tf.int32))


def _numbers(seed: int, start: int) -> tf.data.Dataset:
    """(seed, number), int64 [2]."""
    return tf.data.Dataset.counter(start=start).map(lambda number: tf.stack([tf.constant(seed, tf.int64), number]))


def _files(source: Source, seed: int, start: int) -> tf.data.Dataset:
    names, count = tf.constant(source.files), len(source.files)

    def content(number: tf.Tensor) -> tf.Tensor:
        epoch, place = number // count, number % count
        key = tf.stack([tf.constant(seed, tf.int64), epoch])
        index = tf.random.experimental.index_shuffle(place, key, tf.constant(count - 1, tf.int64))
        return tf.io.read_file(names[index])

    return tf.data.Dataset.counter(start=start).map(content, num_parallel_calls=tf.data.AUTOTUNE)


def _records(source: Source, seed: int, start: int) -> tf.data.Dataset:
    feature = {RECORD_FEATURE: tf.io.FixedLenFeature([], tf.string)}
    records = tf.data.TFRecordDataset(list(source.files)).skip(source.num_held)
    shuffled = records.shuffle(_SHUFFLE_BUFFER, seed=seed, reshuffle_each_iteration=True).repeat().skip(start)
    return shuffled.map(lambda record: tf.io.parse_single_example(record, feature)[RECORD_FEATURE])


def random_crop(content: tf.Tensor, crop_size: int, seed: tf.Tensor) -> tf.Tensor:
    """A random square of an encoded picture, brought to a size; int64 `seed` [2] decides which.

    Args:
      content: The encoded picture, JPEG, PNG, GIF or BMP.
      crop_size: Side of the result, in pixels.
      seed: Same seed, same crop.

    Returns:
      Float32 [crop_size, crop_size, 3] in [0, 1].
    """
    image = tf.io.decode_image(content, channels=3, expand_animations=False)
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
    """The largest square in the middle of an encoded picture, float32 [crop_size, crop_size, 3] in [0, 1]."""
    image = tf.cast(tf.io.decode_image(content, channels=3, expand_animations=False), tf.float32) / 255.0
    side = tf.reduce_min(tf.shape(image)[:2])
    image = tf.image.resize_with_crop_or_pad(image, side, side)
    return tf.clip_by_value(tf.image.resize(image, [crop_size, crop_size], antialias=True), 0.0, 1.0)

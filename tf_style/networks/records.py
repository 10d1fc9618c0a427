"""TFRecords of pictures: what `tf-style prepare` writes and training reads."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

RECORD_SUFFIXES = (".tfrecord", ".tfrecords")
#: The feature with the encoded picture, the only one that training needs.
RECORD_FEATURE = "image"
#: The feature with the picture's file, relative to the prepared folder.
NAME_FEATURE = "name"

# A record: its length (8 bytes), a checksum of the length (4), its bytes, and a checksum of the bytes (4).
_HEAD, _LENGTH, _CHECKSUM = 12, 8, 4


class DataError(ValueError):
    """Training cannot use the pictures; the message says what to do."""


def encode_record(image: bytes, name: bytes, size: tuple[int, int]) -> bytes:
    """A record of one picture.

    Args:
      image: The encoded picture.
      name: The picture's file.
      size: (height, width) in pixels.

    Returns:
      A serialised `tf.train.Example`; the same picture gives the same bytes.
    """
    features = {
        RECORD_FEATURE: tf.train.Feature(bytes_list=tf.train.BytesList(value=[image])),
        NAME_FEATURE: tf.train.Feature(bytes_list=tf.train.BytesList(value=[name])),
        "height": tf.train.Feature(int64_list=tf.train.Int64List(value=[size[0]])),
        "width": tf.train.Feature(int64_list=tf.train.Int64List(value=[size[1]])),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def record_pictures(files: Sequence[str], leave_out: Sequence[str] = ()) -> tf.data.Dataset:
    """The encoded pictures of TFRecords, in the files' order, without those whose name is in `leave_out`."""
    features = {
        RECORD_FEATURE: tf.io.FixedLenFeature([], tf.string),
        NAME_FEATURE: tf.io.FixedLenFeature([], tf.string, ""),
    }
    records = tf.data.TFRecordDataset(list(files)).map(lambda record: tf.io.parse_single_example(record, features))
    if leave_out:
        names = tf.constant(list(leave_out))
        records = records.filter(lambda record: tf.reduce_all(_stem(record[NAME_FEATURE]) != names))
    return records.map(lambda record: record[RECORD_FEATURE])


def count_records(files: Sequence[str], leave_out: Sequence[str] = ()) -> int:
    """The number of pictures in `record_pictures`; reads all of them only if there is a `leave_out`.

    Raises:
      DataError: A file is damaged, cut short, or not TFRecords of pictures.
    """
    count = sum(_count(Path(file)) for file in files)
    pictures = record_pictures(files, leave_out)
    try:
        for _ in pictures.take(1):
            pass
        return int(pictures.reduce(0, lambda number, _: number + 1)) if leave_out else count
    except tf.errors.InvalidArgumentError:
        raise DataError(
            f"{files[0]} holds records without an encoded picture as {RECORD_FEATURE!r}; make such files with tf-style "
            "prepare."
        ) from None
    except tf.errors.DataLossError:
        raise _damaged(Path(files[0])) from None


def _count(path: Path) -> int:
    count, place, end = 0, 0, path.stat().st_size
    with path.open("rb") as file:
        while place < end:
            file.seek(place)
            head = file.read(_HEAD)
            if len(head) < _HEAD:
                raise _damaged(path)
            place += _HEAD + struct.unpack("<Q", head[:_LENGTH])[0] + _CHECKSUM
            count += 1
    if place != end:
        raise _damaged(path)
    return count


def _damaged(path: Path) -> DataError:
    return DataError(
        f"{path} is damaged, cut short, or not uncompressed TFRecords; make it again with tf-style prepare."
    )


def _stem(name: tf.Tensor) -> tf.Tensor:
    """The file's name in a path, without suffix."""
    return tf.strings.regex_replace(tf.strings.regex_replace(name, "^.*/", ""), r"(.)\.[^.]*$", r"\1")

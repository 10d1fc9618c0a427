"""Turns pictures upright, in a graph, as their EXIF data say."""

from __future__ import annotations

import tensorflow as tf

_HEADER = 65_536  # bytes that hold the EXIF block of a JPEG
_EXIF = b"Exif\0\0"
_EXIF_LENGTH = 4_096  # bytes of the block that hold its first directory
# Tag 0x0112 (orientation), type 3 (short), count 1; then the value in two bytes.
_ORIENTATION = {"little": b"\x12\x01\x03\x00\x01\x00\x00\x00", "big": b"\x01\x12\x00\x03\x00\x00\x00\x01"}


def orientation(contents: tf.Tensor) -> tf.Tensor:
    """The EXIF orientation of an encoded JPEG, int32, 1 to 8; 1 if there is none, and for other files."""
    is_jpeg = tf.equal(tf.strings.substr(contents, 0, 2), b"\xff\xd8")
    return tf.cond(is_jpeg, lambda: _exif_orientation(contents), lambda: tf.constant(1))


def upright(image: tf.Tensor, turned: tf.Tensor) -> tf.Tensor:
    """Turns a picture [H, W, C] upright.

    Args:
      image: The picture as it is stored.
      turned: Its orientation, 1 to 8 (EXIF 2.32, 4.6.4, tag 0x0112).
    """
    branches = [
        lambda: image,
        lambda: tf.reverse(image, [1]),
        lambda: tf.reverse(image, [0, 1]),
        lambda: tf.reverse(image, [0]),
        lambda: tf.transpose(image, [1, 0, 2]),
        lambda: tf.reverse(tf.transpose(image, [1, 0, 2]), [1]),
        lambda: tf.reverse(tf.transpose(image, [1, 0, 2]), [0, 1]),
        lambda: tf.reverse(tf.transpose(image, [1, 0, 2]), [0]),
    ]
    return tf.switch_case(turned - 1, branches)


def _exif_orientation(contents: tf.Tensor) -> tf.Tensor:
    header = tf.io.decode_raw(tf.strings.substr(contents, 0, _HEADER), tf.uint8)
    start = _find(header, _EXIF)
    block = tf.cond(start < 0, lambda: header[:0], lambda: header[start : start + _EXIF_LENGTH])
    value = tf.constant(1)
    for order, pattern in _ORIENTATION.items():
        at = _find(block, pattern)
        low = at + len(pattern) + (0 if order == "little" else 1)
        found = (at >= 0) & (low < tf.size(block))
        value = tf.cond(found, lambda low=low: tf.cast(block[low], tf.int32), lambda value=value: value)
    return tf.where((value >= 1) & (value <= 8), value, 1)


def _find(values: tf.Tensor, pattern: bytes) -> tf.Tensor:
    """The first place of a pattern in uint8 [N]; -1 if it is not there."""
    padded = tf.concat([values, tf.zeros([len(pattern)], tf.uint8)], axis=0)
    hit = tf.ones_like(values, tf.bool)
    for offset, byte in enumerate(pattern):
        hit &= tf.equal(padded[offset : offset + tf.size(values)], byte)
    places = tf.where(hit)[:, 0]
    return tf.cond(tf.size(places) > 0, lambda: tf.cast(places[0], tf.int32), lambda: tf.constant(-1))

"""Where pictures for training come from: a folder of pictures or of TFRecords."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_style.networks.records import RECORD_SUFFIXES, DataError, count_records, record_pictures

#: Suffixes of the pictures that training reads from a folder; `tf-style prepare` takes all others too.
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")


class Source(NamedTuple):
    """Where pictures come from: the files of a folder, either all pictures or all TFRecords.

    There are `num_pictures` to train on. Of records, `num_held` from the beginning are kept for validation, and those
    whose name is in `leave_out` are not looked at.
    """

    files: tuple[str, ...]
    records: bool
    num_pictures: int
    num_held: int = 0
    leave_out: tuple[str, ...] = ()


def find_pictures(folder: Path, leave_out: Sequence[str] = ()) -> Source:
    """The pictures, or else the TFRecords, in a folder and its subfolders, sorted; hidden ones are not looked at.

    Args:
      folder: Where to look.
      leave_out: Names of pictures, without suffix, to train without.

    Raises:
      DataError: No such folder, nothing in it, or damaged TFRecords.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one with pictures, or with TFRecords of tf-style prepare.")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not _hidden(path.relative_to(folder)))
    records = tuple(str(file) for file in files if file.suffix.lower() in RECORD_SUFFIXES)
    pictures = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    found = tuple(str(file) for file in pictures if file.stem not in leave_out)
    if records:
        source = Source(records, True, count_records(records, leave_out), leave_out=tuple(leave_out))
    else:
        source = Source(found, False, len(found))
    if source.num_pictures:
        return source
    if leave_out and (records or pictures):
        raise DataError(f"{folder} holds no pictures but those to leave out; give more, or leave out fewer.")
    raise DataError(
        f"{folder} holds no pictures in {', '.join(PICTURE_SUFFIXES)} or {RECORD_SUFFIXES[0]} files; tf-style prepare "
        "makes TFRecords from pictures of other kinds."
    )


def hold_out(source: Source, count: int) -> tuple[Source, list[bytes]]:
    """The source without some of its pictures, and those, encoded: of a folder evenly spread, of records the first.

    Raises:
      DataError: There are not enough pictures to keep some from training, or one of these cannot be decoded.
    """
    if count >= source.num_pictures:
        raise DataError(
            f"{source.num_pictures} pictures came, of which {count} were to be kept from training, to measure with; "
            "give more pictures, or keep fewer."
        )
    rest = source._replace(num_pictures=source.num_pictures - count)
    if source.records:
        records = record_pictures(source.files, source.leave_out).take(count)
        held = [bytes(np.asarray(content).item()) for content in records]
        rest = rest._replace(num_held=count)
    else:
        files = [source.files[index * len(source.files) // count] for index in range(count)]
        held = [Path(file).read_bytes() for file in files]
        rest = rest._replace(files=tuple(file for file in source.files if file not in files))
    for index, content in enumerate(held):
        if not decodes(tf.constant(content)):
            raise unreadable(f"A record in {Path(source.files[0]).parent}" if source.records else files[index])
    return rest, held


def unreadable(what: str) -> DataError:
    """The error about a file or a record that is no picture."""
    return DataError(
        f"{what} cannot be read as a picture: it is damaged, cut short or of another kind; replace it, or train anew "
        "on what tf-style prepare makes of the folder, which leaves such files out."
    )


def decodes(content: tf.Tensor) -> bool:
    """Whether an encoded picture can be read in training."""
    try:
        tf.io.decode_image(content, channels=3, expand_animations=False)
    except tf.errors.InvalidArgumentError:
        return False
    return True


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)

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
    """The files of a folder, either all pictures or all TFRecords, and their `num_pictures` to train on.

    With records, the first `num_held` are kept for validation, and names in `leave_out` are skipped.
    """

    files: tuple[str, ...]
    records: bool
    num_pictures: int
    num_held: int = 0
    leave_out: tuple[str, ...] = ()


def find_pictures(folder: Path, leave_out: Sequence[str] = ()) -> Source:
    """The TFRecords, or else the pictures, in a folder and its subfolders, sorted; hidden files are skipped.

    Args:
      folder: Where to look.
      leave_out: Names of pictures, without suffix, to train without.

    Raises:
      DataError: The folder does not exist or has no pictures to train on, or its TFRecords are damaged.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one with pictures, or with TFRecords from tf-style prepare.")
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
        raise DataError(f"{folder} holds only pictures to leave out; give more, or leave out fewer.")
    raise DataError(
        f"{folder} holds no {', '.join(PICTURE_SUFFIXES)} or {RECORD_SUFFIXES[0]} files; tf-style prepare makes "
        "TFRecords from pictures of other kinds."
    )


def hold_out(source: Source, count: int) -> tuple[Source, list[bytes]]:
    """Holds out some pictures, evenly spread over a folder, or the first records.

    Returns:
      The source without them, and their encoded bytes.

    Raises:
      DataError: There are too few pictures, or one of those held out cannot be decoded.
    """
    if count >= source.num_pictures:
        raise DataError(
            f"{source.num_pictures} pictures are too few to hold out {count} for validation; give more pictures, or "
            "hold out fewer."
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
    """The error about a file or record that is not a picture."""
    return DataError(
        f"{what} cannot be read as a picture: it is damaged, cut short or of another kind; replace it, or run tf-style "
        "prepare on the folder, which leaves such files out, and train on the result."
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

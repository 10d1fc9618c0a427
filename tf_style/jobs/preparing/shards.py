"""Writes TFRecord files that appear together, once all are complete."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from tf_style.images import WriteError

RECORD_SUFFIXES = (".tfrecord", ".tfrecords")
_SHARD = re.compile(r"pictures-\d{5,}-of-\d{5,}\.tfrecord")


def is_shard(name: str) -> bool:
    """True if `ShardWriter` gives files this name or one like it."""
    return _SHARD.fullmatch(name) is not None


class ShardWriter:
    """Writes records into shards in a hidden folder; `finish` moves them into place.

    A context manager: at its end, unfinished shards are removed, with the folders made for them.

    Args:
      folder: Where to write; created if it is missing.
      shard_records: Records per shard.
    """

    def __init__(self, folder: Path, shard_records: int) -> None:
        self.count = 0
        self._folder, self._shard_records = folder, shard_records
        self._made: list[Path] = []
        self._hidden: Path | None = None
        self._parts: list[Path] = []
        self._writer: Any = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        with contextlib.suppress(WriteError):
            self._close()
        if self._hidden is not None:
            shutil.rmtree(self._hidden, ignore_errors=True)
        for folder in self._made:  # innermost first; folders that hold something stay
            with contextlib.suppress(OSError):
                folder.rmdir()

    def write(self, record: bytes) -> None:
        """Adds a record.

        Raises:
          WriteError: It cannot be written.
        """
        import tensorflow as tf

        if self.count % self._shard_records == 0:
            self._close()
            self._parts.append(self._hidden_folder() / f"{len(self._parts):05}.part")
            self._writer = tf.io.TFRecordWriter(str(self._parts[-1]))
        try:
            self._writer.write(record)
        except tf.errors.OpError as error:
            raise self._refused(error) from None
        self.count += 1

    def finish(self) -> int:
        """Moves the shards into place, replacing those of an earlier run; returns their number.

        Raises:
          WriteError: The last shard cannot be written.
        """
        self._close()
        names = [f"pictures-{index:05}-of-{len(self._parts):05}.tfrecord" for index in range(len(self._parts))]
        for old in [path for path in self._folder.iterdir() if is_shard(path.name) and path.name not in names]:
            old.unlink()
        for part, name in zip(self._parts, names, strict=True):
            part.replace(self._folder / name)
        return len(names)

    def _hidden_folder(self) -> Path:
        if self._hidden is None:
            self._made = [path for path in (self._folder, *self._folder.parents) if not path.exists()]
            self._folder.mkdir(parents=True, exist_ok=True)
            self._hidden = Path(tempfile.mkdtemp(prefix=".tf-style-prepare-", dir=self._folder))
        return self._hidden

    def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        import tensorflow as tf

        try:
            writer.close()
        except tf.errors.OpError as error:
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> WriteError:
        reason = " ".join(str(error).split())[:200]
        return WriteError(
            f"The TFRecords in '{self._folder}' cannot be written ({reason}), so none were; choose another folder or "
            "free disk space."
        )

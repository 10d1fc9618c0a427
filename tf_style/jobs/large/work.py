"""The folder that a run in tiles works in: a temporary one, or a lasting one in the checkpoint folder."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from tf_style.config import StylizeFiles
from tf_style.jobs.large.inputs import OWN_FOLDER, work_folder
from tf_style.jobs.large.scale import Count
from tf_style.jobs.large.state import STATE_NAME, LargeState, load_state, save_state
from tf_style.jobs.run.checkpoint import Checkpoint
from tf_style.types import Progress

History = list[dict[str, float]]


class WorkFolder:
    """The folder of the planes and, with a checkpoint, the state of an earlier run.

    That state is in `tiled` if a scale in tiles had begun, else in `coarse`; `history` holds the losses so far.

    Args:
      files: The run's files.
      identity: The run's fingerprint.

    Raises:
      ConfigError: The checkpoint belongs to another run.
    """

    def __init__(self, files: StylizeFiles, identity: str) -> None:
        self._identity, self._seconds, self._saved = identity, files.checkpoint_seconds, time.monotonic()
        self._kept = bool(files.checkpoint_dir)
        self.tiled: LargeState | None = None
        self.coarse: tuple[int, Sequence[tf.Tensor]] | None = None
        self.history: History = []
        place = work_folder(files)
        place.mkdir(parents=True, exist_ok=True)
        if not self._kept:
            self._temporary = tempfile.TemporaryDirectory(prefix=f".{OWN_FOLDER}-", dir=place)
            self.path = Path(self._temporary.name)
            return
        self.path = place / OWN_FOLDER
        self.path.mkdir(exist_ok=True)
        self._checkpoint = Checkpoint(self.path, identity)
        self._load()

    def _load(self) -> None:
        self.tiled = load_state(self.path, self._identity)
        if self.tiled is not None:
            self.history = self.tiled.history
            return
        loaded = self._checkpoint.load()
        if loaded is not None:
            self.coarse, self.history = loaded
        for path in self.path.iterdir():  # planes without a state are useless
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path != self._checkpoint.path:
                path.unlink()

    def save_coarse(self, progress: Progress, history: History, *, now: bool = False) -> None:
        """Saves the state of a coarse scale if `now`, or if `checkpoint_seconds` have passed."""
        if self._kept and (now or time.monotonic() - self._saved >= self._seconds):
            self._checkpoint.save(progress, history)
            self._saved = time.monotonic()

    def save_tiled(self, scale: int, count: Count, history: History) -> None:
        """Saves how far a scale in tiles is; its planes are on the disk already."""
        if self._kept:
            save_state(self.path, self._identity, LargeState(scale, count, history))
            self._checkpoint.remove()

    def remove(self) -> None:
        """Removes a checkpoint, after the result is written."""
        if self._kept:
            (self.path / STATE_NAME).unlink(missing_ok=True)  # first: without it the planes are ignored
            shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """Removes a temporary folder; one in a checkpoint folder stays."""
        if not self._kept:
            self._temporary.cleanup()

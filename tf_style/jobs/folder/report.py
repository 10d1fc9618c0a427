"""The outcome of each picture of a folder: shown on the way, counted, and kept for the record."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tf_style.images import ImageError
from tf_style.jobs.folder.plan import Job
from tf_style.jobs.run.interruption import INTERRUPTED
from tf_style.jobs.run.progress import ProgressDisplay

_FAILED = 1
_NAME_LENGTH = 30  # characters of a file's name in the line of progress


class FolderReport:
    """Counts pictures and tells the user about them.

    Args:
      num_pictures: How many to paint.
      skipped: Names of those whose painting exists.
      folder: The output folder, for messages.
      quiet: Print errors only.
      complain: Print errors.
    """

    def __init__(
        self, num_pictures: int, skipped: Sequence[str], folder: str, *, quiet: bool, complain: bool = True
    ) -> None:
        self._total, self._skipped, self._folder = num_pictures, list(skipped), folder
        self._complains = complain
        self.display = ProgressDisplay(quiet=quiet)
        self._rows: list[tuple[Job, dict[str, Any]]] = []

    def step(self, job: Job, step: int, num_steps: int, share: float, losses: Mapping[str, float]) -> None:
        """Shows that a step of a batch is done.

        Args:
          job: The first picture of the batch.
          step: The step's number.
          num_steps: How many steps there are.
          share: How much work is done, in pictures of the batch.
          losses: By term.
        """
        place = f"{self._place(job)}  step {step}/{num_steps}"
        done = (len(self._rows) + share) / self._total
        self.display.show(place, done, sum(losses.values()), losses, last=False)

    def done(self, job: Job, size: tuple[int, int], seconds: float) -> None:
        """Notes that a painting was written."""
        self._add(job, size, seconds, None)

    def failed(self, job: Job, error: ImageError, size: tuple[int, int] | None = None, seconds: float = 0.0) -> None:
        """Notes that a picture cannot be painted; prints it even if quiet."""
        sentence = str(error) if str(job.source) in str(error) else f"'{job.source}': {error}"
        self._complain(sentence)
        self._add(job, size, seconds, sentence)

    def record(self, complete: bool) -> dict[str, Any]:
        """A row per picture, in the order of the list or by name, and the names of those skipped."""
        rows = sorted(self._rows, key=lambda row: (row[0].number, row[0].name))
        return {
            "complete": complete,
            "pictures": [row for _, row in rows],
            "skipped": self._skipped,
        }

    def conclude(self, seconds: float, complete: bool) -> int:
        """Prints a summary; returns the exit status."""
        total, failed = self._total, sum(row["error"] is not None for _, row in self._rows)
        written = len(self._rows) - failed
        if not complete:
            self.display.say(
                f"Interrupted: {written} of {total} pictures are in {self._folder}; to resume, repeat the command with "
                "--skip_existing."
            )
            return INTERRUPTED
        skipped = f"{len(self._skipped)} already existed" if self._skipped else ""
        if not total:
            self.display.say(f"Nothing to paint: {skipped} in {self._folder}.")
        elif written:
            skipped = f"; {skipped}" if skipped else ""
            self.display.say(f"Wrote {written} of {total} pictures to {self._folder} ({seconds:.0f} s){skipped}.")
        if failed:
            self._complain(f"{failed} of {total} pictures failed.")
            return _FAILED
        return 0

    def _add(self, job: Job, size: tuple[int, int] | None, seconds: float, error: str | None) -> None:
        shape = None if size is None else list(size)
        row = {"name": job.name, "output": str(job.target), "size": shape, "seconds": seconds, "error": error}
        self._rows.append((job, row))
        total = self._total
        self.display.show(self._place(job), len(self._rows) / total, 0.0, {}, last=len(self._rows) == total)

    def _place(self, job: Job) -> str:
        name = "".join(letter if letter.isprintable() else "?" for letter in job.name)
        name = name if len(name) <= _NAME_LENGTH else f"...{name[3 - _NAME_LENGTH :]}"
        return f"{len(self._rows)}/{self._total} pictures  {name}"

    def _complain(self, sentence: str) -> None:
        if not self._complains:
            return
        self.display.close()
        with contextlib.suppress(OSError):  # nobody is reading
            print(f"tf-style: {sentence}", file=sys.stderr, flush=True)

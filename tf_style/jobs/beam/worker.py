"""What a worker does with a batch of rows: paints those that are not there yet, and says what became of them."""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path

import apache_beam as beam

from tf_style import images
from tf_style.images.picture import one_line
from tf_style.jobs.beam.results import Outcome, is_reported, outcome, report_batch
from tf_style.jobs.folder.catalogue import job_of, painters_of_rows
from tf_style.jobs.folder.manifest import Row
from tf_style.jobs.folder.report import FolderReport
from tf_style.jobs.run.interruption import Interruption
from tf_style.jobs.run.models import Models

_models = functools.cache(Models)  # of this process: some runners set up a DoFn for every batch
_TURN = threading.Lock()  # one painting keeps all cores busy, whatever threads the runner has


class PaintRows(beam.DoFn):
    """Takes batches, each of rows of one kind and size; what it makes are files.

    Args:
      folder: The output folder.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def process(self, element: tuple[Row, ...]) -> tuple[()]:
        """Paints a batch, unless a worker has done it before; never raises for a picture's sake."""
        with _TURN:
            if not is_reported(element, self._folder):
                outcomes = paint_rows(element, self._folder)
                with contextlib.suppress(OSError):  # a full disk: the lack of a report is noticed
                    report_batch(element, outcomes, self._folder)
        return ()


def paint_rows(rows: Sequence[Row], folder: str) -> list[Outcome]:
    """Paints the rows whose pictures do not exist; an error fails the rows it concerns, and is a sentence."""
    there = [row for row in rows if Path(row.files.output).is_file()]  # of a worker that died, or lost contact
    left = [row for row in rows if row not in there]
    report = FolderReport(len(left), [], folder, quiet=True, complain=False)
    try:
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("default", images.PictureWarning)
            for painter in painters_of_rows(left, report, _models()) if left else ():
                if not painter.paint_all(Interruption()):
                    raise KeyboardInterrupt
    except Exception as error:  # a full disk, a worker without TensorFlow, anything: it must not end the pipeline
        failure = error if isinstance(error, images.ImageError) else _failure(error)
        told = {row["name"] for row in report.record(False)["pictures"]}
        for job in map(job_of, left):
            if job.name not in told:
                report.failed(job, failure)
    remarks = [str(note.message) for note in noted if issubclass(note.category, images.PictureWarning)]
    painted = [{**told, "skipped": False, "remarks": remarks} for told in report.record(True)["pictures"]]
    return [outcome(row, size=images.read_size(row.files.output)) for row in there] + painted


def _failure(error: Exception) -> images.ImageError:
    return images.ImageError(f"it cannot be painted ({type(error).__name__}: {one_line(error)})")

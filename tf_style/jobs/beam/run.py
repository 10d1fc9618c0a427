"""A manifest as an Apache Beam pipeline: the rows of each kind and size in batches, over as many workers as there are.

A picture that is there already is not painted again, and files appear whole or not at all. So a bundle that Beam tries
again after a worker's end, or a whole job that is started again, does what is missing and nothing else.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.beam.options import pipeline_options
from tf_style.jobs.folder.catalogue import job_of, kind_of_row, painters_of_rows
from tf_style.jobs.folder.manifest import Row, path_or_name, read_manifest
from tf_style.jobs.folder.plan import plan_size
from tf_style.jobs.folder.report import FolderReport
from tf_style.jobs.large.inputs import large_size
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.models import Models
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.networks.archive import EMBEDDED

RESULTS = "results"
_NAMESPACE, _ROWS, _FAILURES = "tf_style", "rows", "failures"  # of Beam's counters


def run(config: StylizeConfig, files: StylizeFiles, given: tuple[str, ...], options: Sequence[str]) -> int:
    """Paints the rows of a manifest, by Beam; a JSON line for each goes to `results-...jsonl` beside the pictures.

    Args:
      config: The command's options; rows may have their own.
      files: Where from, where to: paths that all workers see.
      given: Names of the options that the command has beside its preset.
      options: Beam's own, such as --runner=FlinkRunner.

    Returns:
      The exit status: 0, 1 if pictures could not be painted or if Beam's runner does not tell, or 130 after an
      interruption.

    Raises:
      ConfigError: The manifest asks for something that is not allowed, or Beam does not know an option.
    """
    known = pipeline_options(options)
    files = _absolute_files(files)
    rows = [
        dataclasses.replace(row, config=_absolute_options(row.config)) for row in read_manifest(config, files, given)
    ]
    pipeline = beam.Pipeline(options=known)
    painted = (
        pipeline
        | "Rows" >> beam.Create([(_bucket(row), row) for row in rows])
        | "Batches" >> beam.GroupIntoBatches(files.batch_size)
        | "Spread" >> beam.Reshuffle()
        | "Paint" >> beam.ParDo(PaintRows(files))
    )
    _ = (
        painted
        | "Lines" >> beam.Map(_json_line)
        | "Write" >> beam.io.WriteToText(str(Path(files.output) / RESULTS), file_name_suffix=".jsonl")
    )
    _ = painted | "Count" >> beam.Map(_count)
    display = ProgressDisplay(quiet=False)
    with Interruption() as interruption:
        try:
            result = pipeline.run()
            result.wait_until_finish()
        except BaseException:  # of Beam's threads, where it was interrupted
            if not interruption.asked:
                raise
            done = sum(Path(row.files.output).is_file() for row in rows)
            display.say(f"Interrupted: {done} of {len(rows)} pictures are in {files.output}; the same command goes on.")
            return INTERRUPTED
    status = _status(result, len(rows), files.output)
    if status == 0:
        display.say(f"All {len(rows)} pictures are in {files.output}, and a line about each in {RESULTS}-*.jsonl.")
    return status


class PaintRows(beam.DoFn):
    """(bucket, rows of one kind and size) to a dict a row: name, output, size, seconds, error, skipped.

    Args:
      files: The command's.
    """

    def __init__(self, files: StylizeFiles) -> None:
        self._files = files
        self._models: Models | None = None

    def setup(self) -> None:
        """Once a worker: stylizers are kept from batch to batch."""
        self._models = Models()

    def process(self, element: tuple[str, Iterable[Row]]) -> Iterator[dict[str, Any]]:
        """Paints those rows whose pictures are not there yet."""
        rows = list(element[1])
        for row in rows:
            if Path(row.files.output).is_file():
                yield _outcome(row, skipped=True)
        left = [row for row in rows if not Path(row.files.output).is_file()]
        if left:
            yield from self._paint(left)

    def _paint(self, rows: list[Row]) -> Iterator[dict[str, Any]]:
        report = FolderReport(len(rows), [], self._files.output, quiet=True)
        assert self._models is not None
        try:
            for painter in painters_of_rows(rows, report, self._models):
                if not painter.paint_all(Interruption()):
                    raise KeyboardInterrupt
        except images.WriteError as error:  # a full disk: the failure of these rows, not the end of the pipeline
            told = {row["name"] for row in report.record(False)["pictures"]}
            for job in map(job_of, rows):
                if job.name not in told:
                    report.failed(job, error)
        for painted in report.record(True)["pictures"]:
            yield {**painted, "skipped": False}


def _absolute_files(files: StylizeFiles) -> StylizeFiles:
    """The same files for workers, whose working folder is another one.

    Raises:
      ConfigError: A URL came, which would be taken for a folder.
    """
    for option in ("manifest", "output"):
        if "://" in getattr(files, option):
            raise ConfigError(
                f"--{option}={getattr(files, option)} is a URL, but workers see files only; mount the bucket (gcsfuse, "
                "s3fs) and give its path."
            )
    here = Path.cwd()
    return dataclasses.replace(
        files,
        manifest=str(here / files.manifest),
        output=str(here / files.output),
        style=tuple(path_or_name(here, style) for style in files.style),
        color_from=str(here / files.color_from) if files.color_from else "",
    )


def _absolute_options(config: StylizeConfig) -> StylizeConfig:
    here = Path.cwd()
    weights = str(here / config.weights) if config.weights else ""
    return dataclasses.replace(config, weights=weights, network=path_or_name(here, config.network, EMBEDDED))


def _bucket(row: Row) -> str:
    """The same for rows that may be painted together: of one kind, and of one size as far as headers tell.

    A picture that is painted in tiles is alone, so that workers share such work.
    """
    size = plan_size(images.read_size(row.files.content), row.config)
    alone = 0 if large_size(row.config, row.files) is None else row.number
    return hashlib.sha256(repr((kind_of_row(row), size, alone)).encode()).hexdigest()


def _outcome(row: Row, *, skipped: bool) -> dict[str, Any]:
    job = job_of(row)
    return {
        "name": job.name, "output": str(job.target), "size": None, "seconds": 0.0, "error": None, "skipped": skipped,
    }  # fmt: skip


def _json_line(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def _count(row: dict[str, Any]) -> None:
    beam.metrics.Metrics.counter(_NAMESPACE, _ROWS).inc()
    if row["error"] is not None:
        beam.metrics.Metrics.counter(_NAMESPACE, _FAILURES).inc()


def _status(result: Any, num_rows: int, folder: str) -> int:
    """The exit status by what was counted; some runners count nothing, and that is not success."""
    counts = {_ROWS: 0, _FAILURES: 0}
    try:
        for counter in result.metrics().query(beam.metrics.MetricsFilter().with_namespace(_NAMESPACE))["counters"]:
            counts[counter.key.metric.name] += counter.result or 0
    except Exception:  # NotImplementedError, that of a service which does not answer, metrics that are None
        counts[_ROWS] = 0
    if counts[_FAILURES]:
        return 1
    if counts[_ROWS] >= num_rows:
        return 0
    place = f"{Path(folder) / RESULTS}-*.jsonl"
    print(
        f"tf-style: Beam's runner does not tell whether pictures failed; look for errors in {place}.", file=sys.stderr
    )
    return 1

"""A manifest as an Apache Beam pipeline: rows of one kind and size form batches, spread over the workers.

Pictures that exist are not painted again, and files appear whole or not at all. So when Beam retries a bundle after a
worker died, or you restart the whole job, only the missing pictures are painted.
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
    """Paints the rows of a manifest with Beam, and writes a JSON line for each to `results-*.jsonl` beside them.

    Args:
      config: The command's options; rows may have their own.
      files: Where from, where to; all workers must see these paths.
      given: Names of the options given besides the preset.
      options: Beam's own flags, such as --runner=FlinkRunner.

    Returns:
      The exit status: 0; 1 if pictures could not be painted, or Beam's runner cannot tell; 130 after an interruption.

    Raises:
      ConfigError: The manifest asks for something that is not allowed, or a flag is unknown to Beam.
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
        except BaseException:  # Beam's threads raise many things when interrupted
            if not interruption.asked:
                raise
            done = sum(Path(row.files.output).is_file() for row in rows)
            display.say(
                f"Interrupted: {done} of {len(rows)} pictures are in {files.output}; repeat the command to resume."
            )
            return INTERRUPTED
    status = _status(result, len(rows), files.output)
    if status == 0:
        display.say(f"All {len(rows)} pictures are in {files.output}; {RESULTS}-*.jsonl has a line about each.")
    return status


class PaintRows(beam.DoFn):
    """Turns (bucket, rows of one kind and size) into a dict per row: name, output, size, seconds, error, skipped.

    Args:
      files: The command's files.
    """

    def __init__(self, files: StylizeFiles) -> None:
        self._files = files
        self._models: Models | None = None

    def setup(self) -> None:
        """Runs once per worker: stylizers are kept from batch to batch."""
        self._models = Models()

    def process(self, element: tuple[str, Iterable[Row]]) -> Iterator[dict[str, Any]]:
        """Paints the rows whose pictures do not exist yet."""
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
        except images.WriteError as error:  # a full disk fails these rows, not the pipeline
            told = {row["name"] for row in report.record(False)["pictures"]}
            for job in map(job_of, rows):
                if job.name not in told:
                    report.failed(job, error)
        for painted in report.record(True)["pictures"]:
            yield {**painted, "skipped": False}


def _absolute_files(files: StylizeFiles) -> StylizeFiles:
    """The same files for workers, which have another working folder.

    Raises:
      ConfigError: A URL, which would be taken for a folder.
    """
    for option in ("manifest", "output"):
        if "://" in getattr(files, option):
            raise ConfigError(
                f"--{option}={getattr(files, option)} is a URL, but workers only see files; mount the bucket (gcsfuse, "
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
    """The same text for rows that may be painted together: one kind, and one size according to the headers.

    A picture painted in tiles is alone in its bucket, so that workers share such work.
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
    """The exit status according to Beam's counters; a runner that counts nothing is not a success."""
    counts = {_ROWS: 0, _FAILURES: 0}
    try:
        for counter in result.metrics().query(beam.metrics.MetricsFilter().with_namespace(_NAMESPACE))["counters"]:
            counts[counter.key.metric.name] += counter.result or 0
    except Exception:  # not implemented, a service that does not answer, metrics that are None
        counts[_ROWS] = 0
    if counts[_FAILURES]:
        return 1
    if counts[_ROWS] >= num_rows:
        return 0
    place = f"{Path(folder) / RESULTS}-*.jsonl"
    print(f"tf-style: Beam's runner cannot tell whether pictures failed; look for errors in {place}.", file=sys.stderr)
    return 1

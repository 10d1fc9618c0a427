"""A manifest as an Apache Beam pipeline: rows of one kind and size form batches, spread over the workers.

Pictures that exist are not painted again, and files appear whole or not at all. So when Beam tries a batch again after
a worker died, or you restart the whole job, only the missing pictures are painted. The pipeline is made of what every
runner has: elements, a reshuffle and a function without state, side inputs or outputs. Workers report in files.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Hashable, Sequence
from pathlib import Path

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.beam.options import hushed, load_runner, pipeline_options
from tf_style.jobs.beam.pipeline import absolute_options, complain, refuse_urls, run_pipeline
from tf_style.jobs.beam.results import RESULTS, clear, gather
from tf_style.jobs.beam.worker import PaintRows
from tf_style.jobs.folder.catalogue import kind_of_row
from tf_style.jobs.folder.manifest import Row, path_or_name, read_manifest
from tf_style.jobs.folder.plan import plan_size
from tf_style.jobs.large.inputs import large_size
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.progress import ProgressDisplay

_FAILED = 1
_UNKNOWN = "it was not painted, or its worker could not say so; see the runner's log, and repeat the command."


def run(config: StylizeConfig, files: StylizeFiles, given: tuple[str, ...], options: Sequence[str]) -> int:
    """Paints the rows of a manifest with Beam, and writes a JSON line for each to `results.jsonl` beside them.

    Args:
      config: The command's options; rows may have their own.
      files: Where from, where to; this machine and all workers must see these paths.
      given: Names of the options given besides the preset.
      options: Beam's own flags, such as --runner=FlinkRunner.

    Returns:
      The exit status: 0; 1 if pictures could not be painted; 130 after an interruption.

    Raises:
      ConfigError: The manifest asks for something that is not allowed, or Beam does not know a flag or runner.
    """
    known = pipeline_options(options)
    runner = load_runner(known)
    files = _absolute_files(files)
    rows = [
        dataclasses.replace(row, config=absolute_options(row.config)) for row in read_manifest(config, files, given)
    ]
    there = [Path(row.files.output).is_file() for row in rows]
    skipped = list(itertools.compress(rows, there))
    batches = make_batches([row for row, done in zip(rows, there, strict=True) if not done], files.batch_size)
    clear(files.output)
    with Interruption() as interruption, hushed(known):
        ending = run_pipeline(batches, PaintRows(files.output), known, runner, interruption) if batches else ""
    outcomes = gather(batches, skipped, files.output, _UNKNOWN)
    done = sum(told["error"] is None for told in outcomes)
    display = ProgressDisplay(quiet=False)
    if interruption.asked:
        display.say(f"Interrupted: {done} of {len(rows)} pictures are in {files.output}; repeat the command to resume.")
        return INTERRUPTED
    for sentence in dict.fromkeys(itertools.chain.from_iterable(told["remarks"] for told in outcomes)):
        complain(sentence)
    where = f"{len(rows)} pictures are in {files.output}; {RESULTS} there has a line about each."
    if done == len(rows):
        display.say(f"All {where}")
        return 0
    errors = [told["error"] for told in outcomes if told["error"] and not (ending and _UNKNOWN in told["error"])]
    for sentence in (*errors, ending, f"{done} of {where}"):
        complain(sentence)
    return _FAILED


def make_batches(rows: list[Row], batch_size: int) -> list[tuple[Row, ...]]:
    """Puts rows together that may be painted together: of one kind, and one size according to the headers.

    A picture painted in tiles is a batch of its own, so that workers share such work.
    """
    groups: dict[Hashable, list[Row]] = {}
    for row in rows:
        size = plan_size(images.read_size(row.files.content), row.config)
        alone = 0 if large_size(row.config, row.files) is None else row.number
        groups.setdefault((kind_of_row(row), size, alone), []).append(row)
    return [
        tuple(group[start : start + batch_size])
        for group in groups.values()
        for start in range(0, len(group), batch_size)
    ]


def _absolute_files(files: StylizeFiles) -> StylizeFiles:
    """The same files for workers, which have another working folder.

    Raises:
      ConfigError: A URL, which would be taken for a folder; or an output that is no folder.
    """
    refuse_urls(files, "manifest", "output")
    here = Path.cwd()
    if (here / files.output).exists() and not (here / files.output).is_dir():
        raise ConfigError(f"--output={files.output} is a file, but a list is painted into a folder; give a folder.")
    return dataclasses.replace(
        files,
        manifest=str(here / files.manifest),
        output=str(here / files.output),
        style=tuple(path_or_name(here, style) for style in files.style),
        color_from=str(here / files.color_from) if files.color_from else "",
    )

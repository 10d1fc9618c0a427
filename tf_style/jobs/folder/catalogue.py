"""A manifest, or all pairs of two folders, in one process: one model, pictures of one kind and size together."""

from __future__ import annotations

import functools
import time
from collections.abc import Hashable, Iterator
from pathlib import Path

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.folder.manifest import Row, read_manifest
from tf_style.jobs.folder.painter import Painter
from tf_style.jobs.folder.pairs import pair_rows
from tf_style.jobs.folder.plan import Job, Plan, plan_jobs
from tf_style.jobs.folder.report import FolderReport
from tf_style.jobs.folder.run import paint_and_report, painters_of
from tf_style.jobs.folder.share import Share
from tf_style.jobs.run.inputs import check_options, check_writable
from tf_style.jobs.run.models import Models

_FOR_SINGLE_PICTURES = ("figure", "checkpoint_dir", "save_every", "tensorboard_dir")


def run(config: StylizeConfig, files: StylizeFiles, preset: str, given: tuple[str, ...] = ()) -> int:
    """Paints all rows of a manifest; each picture is written as soon as it is done.

    Args:
      config: The command's options; rows may have their own.
      files: Where from, where to.
      preset: Its name, for the record.
      given: Names of the options given beside the preset.

    Returns:
      The exit status: 0, 1 if pictures could not be painted, or 130 after an interruption (Ctrl-C or SIGTERM).

    Raises:
      ConfigError, ImageError, NetworkError, WeightsError: Before anything is painted or written.
      WriteError: The disk refuses; what was written before stays.
    """
    for option in (*_FOR_SINGLE_PICTURES, "content", "content_mask", "style_masks", "keep_mask"):
        if getattr(files, option):
            raise ConfigError(f"--{option} is for single pictures, but --manifest was given; leave --{option} out.")
    check_writable("json", files.json)
    return _paint_rows(read_manifest(config, files, given), config, files, preset)


def run_pairs(config: StylizeConfig, files: StylizeFiles, preset: str) -> int:
    """Paints the content, or each picture of a content folder, in each style of a folder. Otherwise as `run`."""
    for option in _FOR_SINGLE_PICTURES:
        if getattr(files, option):
            raise ConfigError(f"--{option} is for single pictures, but --style is a folder; leave --{option} out.")
    check_writable("json", files.json)
    return _paint_rows(pair_rows(config, files), config, files, preset)


def _paint_rows(rows: list[Row], config: StylizeConfig, files: StylizeFiles, preset: str) -> int:
    started = time.monotonic()
    existing = {row.number for row in rows if files.skip_existing and Path(row.files.output).is_file()}
    left = [row for row in rows if row.number not in existing]
    skipped = [job_of(row).name for row in rows if row.number in existing]
    report = FolderReport(len(left), skipped, files.output, quiet=files.quiet)
    painters = functools.partial(_painters, left)
    return paint_and_report(painters, report, config, files, preset, started)


def _painters(rows: list[Row], report: FolderReport, share: Share) -> Iterator[Painter]:
    """Yields the painters of a share of each kind of row, in the order in which the kinds first appear."""
    models = Models()
    kinds: dict[Hashable, list[Row]] = {}
    for row in rows:
        kinds.setdefault(kind_of_row(row), []).append(row)
    for group in kinds.values():
        yield from painters_of_rows(group, report, models, share)


def painters_of_rows(
    rows: list[Row], report: FolderReport, models: Models, share: Share | None = None
) -> Iterator[Painter]:
    """Yields the painters of rows of one kind; reports the rows as failed if they cannot be painted."""
    share = share or Share()
    first = rows[0]
    try:
        plan = _plan_rows(rows)
    except ValueError as error:  # such as a style that cannot be read: the other rows are painted
        for row in share.of(rows):
            report.failed(job_of(row), images.ImageError(str(error)))
        return
    yield from painters_of(first.config, first.files, share.of_plan(plan), report, models, one_of_many=True)


def kind_of_row(row: Row) -> Hashable:
    """What rows must share to be painted by one stylizer with one set of targets."""
    files = row.files
    masks = (files.content_mask, files.style_masks, files.keep_mask)
    alone = row.number if any(masks) else 0
    return row.config.replace(size=0), row.config.size, files.style, files.color_from, masks, alone


def _plan_rows(rows: list[Row]) -> Plan:
    """Plans rows of one kind.

    Raises:
      ConfigError, ImageError, NetworkError: Their styles or options cannot be used.
    """
    first = rows[0]
    check_options(first.config, first.files)
    return plan_jobs(list(map(job_of, rows)), first.config, first.files)


def job_of(row: Row) -> Job:
    """A row's picture, named by its number and its file."""
    source, target = Path(row.files.content), Path(row.files.output)
    return Job(f"{row.number} {source.name}", source, target, row.number)

"""A folder of pictures painted into another folder: one model for all, and a bad file does not stop the rest."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.jobs.folder.devices import Painters, paint_on_devices, paint_share
from tf_style.jobs.folder.painter import Painter, TiledPainter, WholePainter
from tf_style.jobs.folder.plan import Plan, make_plan
from tf_style.jobs.folder.report import FolderReport
from tf_style.jobs.folder.share import Share
from tf_style.jobs.run.interruption import Interruption
from tf_style.jobs.run.models import Models
from tf_style.jobs.run.quiet import quiet_tensorflow


def run(config: StylizeConfig, files: StylizeFiles, preset: str) -> int:
    """Paints all pictures of the content folder; each is written as soon as it is done.

    Args:
      config: All options.
      files: Where from, where to; `content` and `output` are folders.
      preset: Its name, for the record.

    Returns:
      The exit status: 0, 1 if pictures could not be painted, or 130 after an interruption (Ctrl-C or SIGTERM).

    Raises:
      ImageError, ConfigError, NetworkError, WeightsError: Before anything is painted or written.
      WriteError: The disk refuses; what was written before stays.
    """
    started = time.monotonic()
    plan = make_plan(config, files)
    report = FolderReport(plan.num_pictures, [job.name for job in plan.skipped], files.output, quiet=files.quiet)
    painters = functools.partial(_painters, config, files, plan)
    return paint_and_report(painters, report, config, files, preset, started)


def _painters(
    config: StylizeConfig, files: StylizeFiles, plan: Plan, report: FolderReport, share: Share
) -> Iterator[Painter]:
    return painters_of(config, files, share.of_plan(plan), report, Models())


def paint_and_report(
    painters: Painters,
    report: FolderReport,
    config: StylizeConfig,
    files: StylizeFiles,
    preset: str,
    started: float,
) -> int:
    """Paints one plan after the other; returns the exit status.

    Args:
      painters: Makes the painters of a share, one or two per plan.
      report: Collects each picture's outcome.
      config: The command's options, for the record.
      files: Where from, where to.
      preset: Its name, for the record.
      started: When the command began, by `time.monotonic`.
    """
    with Interruption() as interruption:
        if files.devices:
            complete, begun = paint_on_devices(painters, files.devices, report, interruption)
        else:
            complete, begun = paint_share(painters, Share(), report, interruption)
        interruption.at_once = False
        if files.json and (complete or begun):
            with quiet_tensorflow():
                from tf_style.jobs.folder.session import write_folder_record

                outcome, seconds = report.record(complete), time.monotonic() - started
                write_folder_record(config, files, preset, seconds, outcome)
    return report.conclude(time.monotonic() - started, complete)


def painters_of(
    config: StylizeConfig,
    files: StylizeFiles,
    plan: Plan,
    report: FolderReport,
    models: Models,
    *,
    one_of_many: bool = False,
) -> Iterator[Painter]:
    """Yields the painters of a plan: one for whole pictures, one for those in tiles. Arguments: see `Painter`."""
    if plan.batches:
        yield WholePainter(config, files, plan, report, models, one_of_many=one_of_many)
    if plan.large:
        yield TiledPainter(config, files, plan, report, models, one_of_many=one_of_many)

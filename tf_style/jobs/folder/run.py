"""A folder of pictures painted into another one: one model, one bad file is not the end, what is done stays done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tf_style import images
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.jobs.folder.large_painter import LargePainter
from tf_style.jobs.folder.plan import Job, Plan, make_plan
from tf_style.jobs.folder.report import FolderReport
from tf_style.jobs.run.inputs import read_content
from tf_style.jobs.run.interruption import Interruption
from tf_style.jobs.run.lazy_models import LazyModels
from tf_style.jobs.run.memory import check_memory
from tf_style.jobs.run.quiet import quiet_tensorflow

if TYPE_CHECKING:
    from tf_style.jobs.folder.session import FolderSession

Contents = list[tuple[Job, images.Picture | images.ImageError]]


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
    return paint_and_report(
        painters_of(config, files, plan, report, LazyModels()), report, config, files, preset, started
    )


def paint_and_report(
    painters: Iterable[Painter | LargePainter],
    report: FolderReport,
    config: StylizeConfig,
    files: StylizeFiles,
    preset: str,
    started: float,
) -> int:
    """Paints one plan after the other; returns the exit status.

    Args:
      painters: Of the plans, made one after the other.
      report: Theirs.
      config: The command's options, for the record.
      files: Where from, where to.
      preset: Its name, for the record.
      started: When the command began, by `time.monotonic`.
    """
    with Interruption() as interruption:
        complete, begun = True, False
        for painter in painters:
            complete = painter.paint_all(interruption)
            begun = begun or painter.begun
            if not complete:
                break
        interruption.at_once = False
        if files.json and (complete or begun):
            with quiet_tensorflow():
                from tf_style.jobs.folder.session import write_folder_record

                outcome, seconds = report.record(complete), time.monotonic() - started
                write_folder_record(config, files, preset, seconds, outcome)
    return report.conclude(time.monotonic() - started, complete)


class Painter:
    """Paints a plan, pass after pass.

    Args:
      config: All options.
      files: Where from, where to.
      plan: What is painted.
      report: To tell.
      models: Of the run.
      one_of_many: Whether there are other plans, which are painted even if this one's model cannot be.
    """

    def __init__(
        self,
        config: StylizeConfig,
        files: StylizeFiles,
        plan: Plan,
        report: FolderReport,
        models: LazyModels,
        *,
        one_of_many: bool = False,
    ) -> None:
        self._config, self._files, self._plan, self._report, self._models = config, files, plan, report, models
        self.session: FolderSession | None = None
        self._one_of_many = one_of_many

    @property
    def begun(self) -> bool:
        """Whether a model was loaded."""
        return self.session is not None

    def paint_all(self, interruption: Interruption) -> bool:
        """Whether all was done; false after an interruption."""
        try:
            with contextlib.closing(_one_ahead(self._plan.batches, self._read)) as batches:
                for contents in batches:
                    if interruption.asked or not self._paint_pass(contents, interruption):
                        return False
        except KeyboardInterrupt:
            interruption.at_once = False
            return False
        finally:
            self._report.display.close()
        return True

    def _read(self, job: Job) -> images.Picture | images.ImageError:
        try:
            images.check_output_path(job.target, bit_depth=self._files.bit_depth)
            content = read_content(job.source, self._config, self._files)
            check_memory(self._config, content.size)
            return content
        except images.ImageError as error:
            return error

    def _paint_pass(self, contents: Contents, interruption: Interruption) -> bool:
        """Paints and writes pictures that were read together; whether it was not interrupted."""
        groups: dict[tuple[int, int], list[tuple[Job, images.Picture]]] = {}
        for job, content in contents:
            if isinstance(content, images.ImageError):
                self._report.failed(job, content)
            else:  # of one size, unless a header was wrong
                groups.setdefault(content.size, []).append((job, content))
        for group in groups.values():
            started = time.monotonic()
            try:
                paintings = self._paint(group, interruption)
            except images.WriteError:
                raise
            except images.ImageError as error:  # not enough memory, or a model that cannot be
                for job, content in group:
                    self._report.failed(job, error, content.size)
                continue
            if paintings is None:
                return False
            seconds = (time.monotonic() - started) / len(group)
            for (job, content), pixels in zip(group, paintings, strict=True):
                self._write(job, content, pixels, seconds)
        return True

    def _paint(self, group: list[tuple[Job, images.Picture]], interruption: Interruption) -> list[Any] | None:
        """The paintings of pictures of one size, or None after an interruption before the last step."""
        if self.session is None:
            self.session = self._open_or_fail() if self._one_of_many else self._open_session()
            self._models.say_once(self.session.headline(), self._report.display)
        for progress in self.session.paint([content for _, content in group]):
            interruption.at_once = False  # from now on there is something to lose
            if progress.step < progress.num_steps:
                if interruption.asked:
                    return None
                share = len(group) * progress.fraction
                self._report.step(group[0][0], progress.step, progress.num_steps, share, progress.losses)
        return self.session.pixels(progress)

    def _write(self, job: Job, content: images.Picture, pixels: Any, seconds: float) -> None:
        try:
            images.write_image(
                job.target,
                pixels,
                alpha=content.alpha,
                bit_depth=self._files.bit_depth,
                quality=self._files.quality,
                dpi=content.dpi,
            )
        except images.WriteError:  # the next one would not fare better
            raise
        except images.ImageError as error:
            self._report.failed(job, error, content.size, seconds)
            return
        self._report.done(job, content.size, seconds)

    def _open_or_fail(self) -> FolderSession:
        """Among many plans, a model that cannot be is the failure of this plan's pictures, not of the run."""
        try:
            return self._open_session()
        except images.WriteError:
            raise
        except ValueError as error:
            raise images.ImageError(str(error)) from None

    def _open_session(self) -> FolderSession:
        with quiet_tensorflow():
            from tf_style.jobs.folder.session import FolderSession

            session = FolderSession(self._config, self._files, self._plan, self._models.get())
            session.load()
        return session


def painters_of(
    config: StylizeConfig,
    files: StylizeFiles,
    plan: Plan,
    report: FolderReport,
    models: LazyModels,
    *,
    one_of_many: bool = False,
) -> Iterator[Painter | LargePainter]:
    """Those of a plan: first of what is painted whole, then of what is painted in tiles; arguments as of `Painter`."""
    if plan.batches:
        yield Painter(config, files, plan, report, models, one_of_many=one_of_many)
    if plan.large:
        yield LargePainter(config, files, plan, report, models, one_of_many=one_of_many)


def _one_ahead(
    batches: Sequence[tuple[Job, ...]], read: Callable[[Job], images.Picture | images.ImageError]
) -> Generator[Contents, None, None]:
    """Reads each pass while the one before is painted: no more than two are in memory, and one file is open."""

    def read_all(batch: tuple[Job, ...]) -> Contents:
        return [(job, read(job)) for job in batch]

    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = [pool.submit(read_all, batch) for batch in batches[:1]]
        for index in range(len(batches)):
            contents = coming.pop().result()
            coming += [pool.submit(read_all, batch) for batch in batches[index + 1 : index + 2]]
            yield contents
            del contents

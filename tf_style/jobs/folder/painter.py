"""Paints a plan: pictures of one size together, large ones one after the other in tiles."""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.images.picture import one_line
from tf_style.jobs.folder.plan import Job, Plan, files_of
from tf_style.jobs.folder.report import FolderReport
from tf_style.jobs.large.inputs import read_large_inputs
from tf_style.jobs.run.inputs import read_content
from tf_style.jobs.run.interruption import Interruption
from tf_style.jobs.run.memory import check_memory, is_lack_of_memory
from tf_style.jobs.run.models import Models
from tf_style.jobs.run.quiet import quiet_tensorflow

if TYPE_CHECKING:
    from tf_style.jobs.folder.session import FolderSession
    from tf_style.jobs.large.picture import LargePicture

Contents = list[tuple[Job, images.Picture | images.ImageError]]


class Painter(ABC):
    """Paints a plan in passes.

    Args:
      config: All options.
      files: Where from, where to.
      plan: What to paint.
      report: Collects each picture's outcome.
      models: The run's stylizers.
      one_of_many: Whether there are other plans, to be painted even if this plan's model cannot be loaded.
    """

    def __init__(
        self,
        config: StylizeConfig,
        files: StylizeFiles,
        plan: Plan,
        report: FolderReport,
        models: Models,
        *,
        one_of_many: bool = False,
    ) -> None:
        self._config, self._files, self._plan, self._report, self._models = config, files, plan, report, models
        self._one_of_many = one_of_many
        #: Whether a model was loaded.
        self.begun = False

    def paint_all(self, interruption: Interruption) -> bool:
        """Returns True once all is done, False after an interruption."""
        try:
            with contextlib.closing(self._passes()) as passes:
                for contents in passes:
                    if interruption.asked or not self._paint_pass(contents, interruption):
                        return False
        except KeyboardInterrupt:
            interruption.at_once = False
            return False
        finally:
            self._report.display.close()
        return True

    @abstractmethod
    def _passes(self) -> Generator[Any, None, None]:
        """What to paint together."""

    @abstractmethod
    def _paint_pass(self, contents: Any, interruption: Interruption) -> bool:
        """Paints, writes and reports a pass; returns False after an interruption."""


class WholePainter(Painter):
    """Paints the pictures of a plan that fit in memory, those of one size together."""

    session: FolderSession | None = None

    def _passes(self) -> Generator[Contents, None, None]:
        return _one_ahead(self._plan.batches, self._read)

    def _read(self, job: Job) -> images.Picture | images.ImageError:
        try:
            images.check_output_path(job.target, bit_depth=self._files.bit_depth)
            content = read_content(job.source, self._config, self._files)
            check_memory(self._config, content.size)
            return content
        except images.ImageError as error:
            return error

    def _paint_pass(self, contents: Contents, interruption: Interruption) -> bool:
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
            except images.ImageError as error:  # not enough memory, or a model that cannot be loaded
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
        """Returns the paintings of pictures of one size, or None after an interruption before the last step."""
        if self.session is None:
            self.session = self._open()
            self.begun = True
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
        except images.WriteError:  # the next picture would fail as well
            raise
        except images.ImageError as error:
            self._report.failed(job, error, content.size, seconds)
            return
        self._report.done(job, content.size, seconds)

    def _open(self) -> FolderSession:
        """Loads the model. Among many plans a model that fails to load fails this plan's pictures, not the run."""
        try:
            with quiet_tensorflow():
                from tf_style.jobs.folder.session import FolderSession

                session = FolderSession(self._config, self._files, self._plan, self._models)
                session.load()
            return session
        except images.WriteError:
            raise
        except ValueError as error:
            if not self._one_of_many:
                raise
            raise images.ImageError(str(error)) from None


class TiledPainter(Painter):
    """Paints the large pictures of a plan, each in tiles.

    Each picture has its own planes on the disk, removed once it is done, fails or is interrupted. A full disk fails
    only that picture: without its planes there is room again.
    """

    def _passes(self) -> Generator[tuple[Job, tuple[int, int]], None, None]:
        yield from self._plan.large

    def _paint_pass(self, contents: tuple[Job, tuple[int, int]], interruption: Interruption) -> bool:
        job, size = contents
        started = time.monotonic()
        try:
            if not self._paint(job, size, interruption):
                return False
        except ValueError as error:  # with one plan, a model that cannot be loaded ends the run
            if not (self._one_of_many or isinstance(error, (images.ImageError, ConfigError))):
                raise
            failure = images.ImageError(str(error))
        except OSError as error:
            failure = images.ImageError(f"it cannot be painted ({one_line(error)}); check the disk and the folder")
        except Exception as error:
            if not is_lack_of_memory(error):
                raise
            failure = images.ImageError("there is not enough memory for its tiles; lower --tile_size")
        else:
            self._report.done(job, size, time.monotonic() - started)
            return True
        self._report.failed(job, failure, size, time.monotonic() - started)
        return True

    def _paint(self, job: Job, size: tuple[int, int], interruption: Interruption) -> bool:
        session = self._open(job, size)
        try:
            self.begun = True
            self._models.say_once(session.headline(), self._report.display)
            for progress in session.steps():
                interruption.at_once = False  # from now on there is something to lose
                if progress.step < progress.num_steps:
                    if interruption.asked:
                        return False
                    self._report.step(job, progress.step, progress.num_steps, progress.fraction, progress.losses)
            session.write_picture()
        finally:
            interruption.at_once = False  # files are removed
            session.close()
        return True

    def _open(self, job: Job, size: tuple[int, int]) -> LargePicture:
        files = files_of(job, self._files)
        inputs = read_large_inputs(self._config, files, size)
        with quiet_tensorflow():
            from tf_style.jobs.large.open import open_large

            return open_large(self._config, files, inputs)


def _one_ahead(
    batches: Sequence[tuple[Job, ...]], read: Callable[[Job], images.Picture | images.ImageError]
) -> Generator[Contents, None, None]:
    """Reads each pass while the one before is painted, so that two at most are in memory."""

    def read_all(batch: tuple[Job, ...]) -> Contents:
        return [(job, read(job)) for job in batch]

    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = [pool.submit(read_all, batch) for batch in batches[:1]]
        for index in range(len(batches)):
            contents = coming.pop().result()
            coming += [pool.submit(read_all, batch) for batch in batches[index + 1 : index + 2]]
            yield contents
            del contents

"""Those pictures of a folder or a catalogue that are painted in tiles: one after the other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.images.picture import one_line
from tf_style.jobs.folder.plan import Job, Plan, files_of
from tf_style.jobs.folder.report import FolderReport
from tf_style.jobs.large.inputs import read_large_inputs
from tf_style.jobs.run.interruption import Interruption
from tf_style.jobs.run.lazy_models import LazyModels
from tf_style.jobs.run.memory import is_lack_of_memory
from tf_style.jobs.run.quiet import quiet_tensorflow

if TYPE_CHECKING:
    from tf_style.jobs.large.session import LargeSession


class LargePainter:
    """Paints what a plan says is large, picture after picture; the same methods as `Painter`.

    Each has planes of its own on the disk, which go when it is done, fails or is interrupted. A disk that is full is
    the failure of one picture: without its planes there is room again.

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
        self._fails_alone = (ValueError,) if one_of_many else (images.ImageError, ConfigError)
        self.begun = False

    def paint_all(self, interruption: Interruption) -> bool:
        """Whether all was done; false after an interruption."""
        try:
            for job, size in self._plan.large:
                if interruption.asked or not self._paint_or_fail(job, size, interruption):
                    return False
        except KeyboardInterrupt:
            interruption.at_once = False
            return False
        finally:
            self._report.display.close()
        return True

    def _paint_or_fail(self, job: Job, size: tuple[int, int], interruption: Interruption) -> bool:
        """Paints and writes a picture, or reports why not; whether it was not interrupted."""
        started = time.monotonic()
        try:
            if not self._paint(job, size, interruption):
                return False
        except self._fails_alone as error:
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

    def _open(self, job: Job, size: tuple[int, int]) -> LargeSession:
        files = files_of(job, self._files)
        inputs = read_large_inputs(self._config, files, size)
        with quiet_tensorflow():
            from tf_style.jobs.large.session import LargeSession

            return LargeSession(self._config, files, inputs)

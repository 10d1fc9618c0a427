"""Pictures painted on this machine, by the job of `tf-style stylize`, and by a model server."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

import numpy as np

from tf_style.config import ConfigError, StylizeFiles
from tf_style.jobs.large.inputs import LargeInputs, large_size, read_large_inputs
from tf_style.jobs.large.open import open_large
from tf_style.jobs.large.picture import LargePicture
from tf_style.jobs.picture.session import Session
from tf_style.jobs.requesting.run import Request, connect
from tf_style.jobs.run.inputs import Inputs, read_inputs
from tf_style.jobs.run.memory import check_memory, is_lack_of_memory, too_large
from tf_style.jobs.run.models import Models
from tf_style.serving.client.answers import Step
from tf_style.serving.client.errors import ServerError
from tf_style.studio.works.settings import Settings
from tf_style.studio.works.work import Work, as_view
from tf_style.types import Progress


class PictureWork(Work):
    """A picture painted here, to the byte as `tf-style stylize` paints it.

    Args:
      settings: What to paint.
      folder: Where its files lie.
      models: Keeps the models between paintings.
      max_pixels: Pictures with more are refused.
    """

    def __init__(self, settings: Settings, folder: Path, models: Models, max_pixels: int) -> None:
        super().__init__(folder / settings.output)
        self.settings = settings
        self._folder, self._models, self._max_pixels = folder, models, max_pixels

    def _paint(self) -> bool:
        config = self.settings.config
        files = self.settings.files(self._folder, self._max_pixels)
        size = large_size(config, files)
        inputs = read_inputs(config, files) if size is None else read_large_inputs(config, files, size)
        if isinstance(inputs, Inputs):
            check_memory(config, inputs.content.size)
        try:
            return self._run(files, inputs)
        except Exception as error:
            if isinstance(inputs, LargeInputs) or not is_lack_of_memory(error):
                raise
            raise too_large(config, inputs.content.size) from None

    def _run(self, files: StylizeFiles, inputs: Inputs | LargeInputs) -> bool:
        config = self.settings.config
        session: Session | LargePicture
        if isinstance(inputs, LargeInputs):
            session = open_large(config, files, inputs)
        else:
            session = Session(config, files, inputs, self._models)
        with contextlib.closing(session):
            for progress in session.steps():
                self._show(_place(progress), progress.fraction, functools.partial(_view_of, progress))
                if self.stopping:
                    break
            if session.progress is None:
                return False
            session.write_picture()
            return session.complete


class RequestWork(Work):
    """A picture painted by a model server, as `tf-style request` asks for it.

    Args:
      settings: What to paint.
      folder: Where its files lie.
      max_pixels: Pictures with more are refused.
    """

    def __init__(self, settings: Settings, folder: Path, max_pixels: int) -> None:
        super().__init__(folder / settings.output)
        self.settings = settings
        self._options = settings.request(folder, max_pixels)

    def _paint(self) -> bool:
        request = Request(self._options)
        last: Step | None = None
        try:
            with contextlib.closing(connect(self._options)) as client:
                for last in request.steps(client):
                    self._show(f"step {last.step}", last.fraction, functools.partial(as_view, last.image))
                    if self.stopping:
                        break
        except ServerError as error:
            raise ConfigError(str(error)) from None
        finally:
            if last is not None:
                request.write(last.image)
        return last is not None and last.finished


def _place(progress: Progress) -> str:
    return f"step {progress.step} of {progress.num_steps}"


def _view_of(progress: Progress) -> bytes:
    return as_view(np.clip(np.asarray(progress.image[0]), 0.0, 1.0))

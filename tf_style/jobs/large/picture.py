"""A picture on the disk that is painted piece by piece: what both ways of painting it share."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.images.strips.planes import Plane
from tf_style.images.strips.resampling import resample
from tf_style.images.strips.streams import decode_to_plane
from tf_style.jobs.large.inputs import LargeInputs, tile_side
from tf_style.jobs.large.masks import write_masks
from tf_style.jobs.large.result import DecodedContent, write_result
from tf_style.jobs.large.state import run_identity
from tf_style.jobs.large.work import WorkFolder
from tf_style.jobs.run.model import choose_model, load_stylizer, picture_tensor, run_record
from tf_style.jobs.run.record import write_record
from tf_style.ops.positions import as_painted
from tf_style.types import Image, Progress

_LOOK_SIDE = 1024  # long side in pixels at which the content's colours are measured


class LargePicture(abc.ABC):
    """The content, masks and stylizer of a run in tiles, and its result; it has the methods of `Session`.

    Subclasses paint: they define `_prepare`, `headline`, `steps` and `_painting_plane`.

    Args:
      config: All options.
      files: Where from, where to.
      inputs: The checked inputs.

    Raises:
      ConfigError: The checkpoint belongs to another run.
      ImageError: The content cannot be read.
      NetworkError, WeightsError: The network's or the backbone's weights are missing or do not fit.
    """

    def __init__(self, config: StylizeConfig, files: StylizeFiles, inputs: LargeInputs) -> None:
        self._config, self._files, self._inputs = config, files, inputs
        self.progress: Progress | None = None
        self.history: list[dict[str, float]] = []
        self._painting_seconds = 0.0
        self._choice = choose_model(config, quiet=files.quiet)
        self._work = WorkFolder(files, run_identity(config, files, inputs, self._choice))
        self._folder = self._work.path
        try:
            self._content = Plane(self._folder / "content.f32", inputs.size)
            self._alpha = Plane(self._folder / "alpha.f32", inputs.size, channels=1)
            self._source = decode_to_plane(inputs.content, self._content, self._alpha)
            alpha = self._alpha if self._source.has_alpha else None
            self._masks, self._guides = write_masks(files, inputs, alpha, self._folder)
            self._stylizer: Any = load_stylizer(config, self._guides)
            self._prepare()
        except BaseException:
            self.close()
            raise

    @abc.abstractmethod
    def _prepare(self) -> None:
        """Gets what painting needs before its first step."""

    @abc.abstractmethod
    def headline(self) -> str:
        """Says which model paints, why, where it runs, and how much is in tiles."""

    @abc.abstractmethod
    def steps(self) -> Iterator[Progress]:
        """Paints; yields after each step or tile."""

    @abc.abstractmethod
    def _painting_plane(self) -> Plane:
        """The unfinished painting so far, at the size of the result."""

    @property
    def complete(self) -> bool:
        """True once the last step is done."""
        return self.progress is not None and self.progress.step == self.progress.num_steps

    def write_picture(self) -> None:
        """Writes the picture so far at the size of the result, with the content's alpha, profile and resolution."""
        painting = self._painting_plane()
        content = DecodedContent(self._inputs.content, self._source, self._content, self._alpha)
        write_result(self._files, content, painting, self._finished, self._masks.planes.get("regions", ()))
        painting.path.unlink(missing_ok=True)

    def save_checkpoint_on_interrupt(self) -> str:
        """Saves the state if asked to; returns a sentence that says how to resume."""
        return "It cannot be resumed; repeat the command to start over."

    def finish(self, preset: str, seconds: float) -> None:
        """Writes the record and removes the checkpoint.

        Args:
          preset: The preset's name, for the record.
          seconds: Duration of the whole command.
        """
        if self._files.json:
            write_record(Path(self._files.json), self._record(preset, seconds))
        self._work.remove()

    def close(self) -> None:
        """Removes the temporary files; the checkpoint and the result stay."""
        self._work.close()

    def _styles(self, fit: Any) -> list[tf.Tensor]:
        """The style pictures, changed by `prepare` if their colours depend on the content.

        Args:
          fit: Gives a style picture the size at which it is prepared.
        """
        styles = [picture_tensor(style) for style in self._inputs.styles]
        if not self._stylizer.prepare:
            return styles
        small = images.fit_size(self._inputs.size, min(_LOOK_SIDE, max(self._inputs.size)))
        reference = as_painted(self._content_at(small), self._masks_at(small))
        return [self._stylizer.prepare(fit(style), reference) for style in styles]

    def _content_at(self, size: tuple[int, int]) -> tf.Tensor:
        plane = Plane(self._folder / "coarse.f32", size)
        resample(self._content, plane, clip=True)
        pixels = plane.read(0, 0, *plane.size)
        plane.path.unlink()
        return tf.constant(pixels[np.newaxis])

    def _masks_at(self, size: tuple[int, int]) -> dict[str, tf.Tensor]:
        planes = self._masks.at(size, self._folder)
        return {name: tf.constant(plane.read(0, 0, *size)[np.newaxis]) for name, plane in planes.items()}

    def _masks_in(self, window: tuple[int, int, int, int]) -> dict[str, tf.Tensor]:
        """The masks in a window of the result."""
        return {name: tf.constant(plane.read(*window)[np.newaxis]) for name, plane in self._masks.full().items()}

    def _whole_picture(self) -> Image:
        return tf.constant(self._painting_plane().read(0, 0, *self._inputs.size)[np.newaxis])

    def _finished(self, painting: np.ndarray, content: np.ndarray, rows: tuple[int, int, int, int]) -> np.ndarray:
        pictures = (tf.constant(pixels[np.newaxis]) for pixels in (painting, content))
        return np.clip(self._stylizer.shown(*pictures, self._masks_in(rows))[0].numpy(), 0.0, 1.0)

    def _record(self, preset: str, seconds: float) -> dict[str, Any]:
        assert self.progress is not None
        return {
            **run_record(self._config, self._files, preset, self._choice, self._guides),
            "size": list(self._inputs.size),
            "tile_size": tile_side(self._config),
            "steps": self.progress.step,
            "objective_evaluations": self.progress.evaluations,
            "loss": self.progress.loss,
            "losses": self.progress.losses,
            "history": self.history,
            "seconds": seconds,
            "painting_seconds": self._painting_seconds,
        }

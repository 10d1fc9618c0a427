"""A run in progress: the stylizer, its state, and what is written about it."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_style import images
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.jobs.picture.board import TensorBoard
from tf_style.jobs.picture.figure import write_figure
from tf_style.jobs.run.checkpoint import Checkpoint, fingerprint
from tf_style.jobs.run.inputs import Inputs
from tf_style.jobs.run.model import (
    choose_model,
    guides_of,
    load_stylizer,
    model_headline,
    picture_tensor,
    run_record,
)
from tf_style.jobs.run.models import Models
from tf_style.jobs.run.record import write_record
from tf_style.stylizers import FeedForwardStylizer, PyramidStylizer
from tf_style.types import Image, Masks, Progress
from tf_style.version import versions


class Session:
    """The part of one run that needs TensorFlow.

    Args:
      config: All options.
      files: Where from, where to.
      inputs: The checked pictures.
      models: Keeps the stylizer for other runs.

    Raises:
      ConfigError: The checkpoint belongs to another run.
      WeightsError: The backbone's weights are missing or do not fit.
    """

    def __init__(
        self, config: StylizeConfig, files: StylizeFiles, inputs: Inputs, models: Models | None = None
    ) -> None:
        self._config, self._files, self._inputs = config, files, inputs
        self.progress: Progress | None = None
        self.history: list[dict[str, float]] = []
        self._resume: tuple[int, list[tf.Tensor]] | None = None
        self._choice = choose_model(config, quiet=files.quiet)
        self._checkpoint = self._open_checkpoint()
        self._stylizer = (load_stylizer if models is None else models.stylizer)(config, guides_of(inputs))
        if isinstance(self._stylizer, FeedForwardStylizer):
            self._stylizer.paint_uncompiled()
        self._painting_seconds = 0.0

    def headline(self) -> str:
        """Says which backbone, why, where it runs, and whether an earlier run is resumed."""
        line = model_headline(self._config, self._choice)
        if self._resume is not None:
            step = self.history[-1]["step"] if self.history else 0
            line += f" Resuming from step {step} in {self._files.checkpoint_dir}."
        return line

    def steps(self) -> Iterator[Progress]:
        """Runs the optimisation, and keeps history, checkpoint, previews and TensorBoard up to date."""
        content, masks = self._content()
        styles = self._inputs.style_names or [picture_tensor(style) for style in self._inputs.styles]
        files = self._files
        started = last_save = time.monotonic()
        with TensorBoard(files.tensorboard_dir) if files.tensorboard_dir else contextlib.nullcontext() as board:
            for progress in self._stylizer.run(content, styles, self._resume, masks=masks):
                self.progress = progress
                if progress.losses:
                    self.history.append({"step": progress.step, "loss": progress.loss, **progress.losses})
                if board is not None:
                    board.update(progress)
                if self._checkpoint is not None and time.monotonic() - last_save >= files.checkpoint_seconds:
                    self._save_checkpoint()
                    last_save = time.monotonic()
                if files.save_every and progress.step // files.save_every > self._previous_step() // files.save_every:
                    self.write_picture()
                self._painting_seconds = time.monotonic() - started
                yield progress

    @property
    def complete(self) -> bool:
        """True once the last step is done."""
        progress = self.progress
        if progress is None:
            return False
        if progress.step == progress.num_steps:
            return True
        return progress.scale == progress.num_scales - 1 and bool(tf.reduce_all(progress.state.done))

    def write_picture(self) -> None:
        """Writes the picture so far, at the size of the result, with the content's alpha."""
        images.write_image(
            self._files.output,
            self._pixels(),
            alpha=self._inputs.content.alpha,
            bit_depth=self._files.bit_depth,
            quality=self._files.quality,
            dpi=self._inputs.content.dpi,
        )

    def save_checkpoint_on_interrupt(self) -> str:
        """Saves the state if asked to; returns a sentence that says how to resume."""
        if self._checkpoint is None:
            return "It cannot be resumed; with --checkpoint_dir=DIR an interrupted run can."
        self._save_checkpoint()
        return f"Repeat the same command to resume (the state is in {self._checkpoint.path})."

    def finish(self, preset: str, seconds: float) -> None:
        """Writes figure and record, and removes the checkpoint.

        Args:
          preset: The preset's name, for the record.
          seconds: Duration of the whole command.
        """
        if self._files.figure:
            styles = [style.pixels for style in self._inputs.styles]
            write_figure(Path(self._files.figure), self._inputs.content.pixels, styles, self._pixels(), self.history)
        if self._files.json:
            write_record(Path(self._files.json), self._record(preset, seconds))
        if self._checkpoint is not None:
            self._checkpoint.remove()

    def close(self) -> None:
        """Does nothing: this run keeps no files of its own on the disk."""

    def _record(self, preset: str, seconds: float) -> dict[str, Any]:
        assert self.progress is not None
        return {
            **run_record(self._config, self._files, preset, self._choice, guides_of(self._inputs)),
            "size": list(self._inputs.content.size),
            "steps": self.progress.step,
            "objective_evaluations": self.progress.evaluations,
            "loss": self.progress.loss,
            "losses": self.progress.losses,
            "history": self.history,
            "seconds": seconds,
            "painting_seconds": self._painting_seconds,
        }

    def _pixels(self) -> Any:
        assert self.progress is not None
        if self.progress.size == self._inputs.content.size or not isinstance(self._stylizer, PyramidStylizer):
            image = self.progress.image
        else:  # a coarse scale
            image = self._stylizer.picture_at_full_size(self.progress.state, *self._content())
        return tf.clip_by_value(image[0], 0.0, 1.0).numpy()

    def _content(self) -> tuple[Image, Masks]:
        """The content and the masks, in the form that stylizers take."""
        masks = {name: tf.constant(mask) for name, mask in self._inputs.masks.arrays().items()}
        return tf.constant(self._inputs.content.pixels[None]), masks

    def _previous_step(self) -> int:
        return int(self.history[-2]["step"]) if len(self.history) > 1 else 0

    def _open_checkpoint(self) -> Checkpoint | None:
        if not self._files.checkpoint_dir:
            return None
        settings = {
            **dataclasses.asdict(self._config),
            "backbone": self._choice.name,
            "compute_dtype": self._choice.compute_dtype,
            "devices": [device.device_type for device in tf.config.list_physical_devices()],
            "versions": versions(),
        }
        directory = Path(self._files.checkpoint_dir)
        checkpoint = Checkpoint(directory, fingerprint(settings, self._inputs.all_pixels()))
        loaded = checkpoint.load()
        if loaded is not None:
            self._resume, self.history = loaded
        return checkpoint

    def _save_checkpoint(self) -> None:
        if self._checkpoint is not None and self.progress is not None and not self.complete:
            self._checkpoint.save(self.progress, self.history)

"""The loop of a training, whatever is trained: steps, validation, checkpoints, TensorBoard."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_style.config import ConfigError
from tf_style.jobs.training.state import load_state, save_state
from tf_style.networks.sources import Source


class TrainingError(ValueError):
    """Training cannot continue; the message says why and what to do."""


class TrainingProgress(NamedTuple):
    """The progress after a step; `losses` are the weighted terms, which add up to `loss`."""

    step: int
    loss: float
    losses: dict[str, float]


class TrainingLoop(ABC):
    """Base class of the sessions, which say what to train, and on what.

    Args:
      config: All options.
      files: Where from, where to.
      name: The file of the result in the output folder.
    """

    #: Flags to lower when the loss becomes infinite.
    flags_to_lower = "--learning_rate"
    #: What to do, besides repeating the command, when a checkpoint belongs to another training.
    advice = "give another --output_dir"

    def __init__(self, config: Any, files: Any, name: str) -> None:
        self._config, self._files = config, files
        self._folder = Path(files.output_dir)
        self._state = self._folder / "checkpoint.npz"
        #: Where the result is written.
        self.result = self._folder / name
        self.step = 0
        self._seconds = 0.0
        self._losses: dict[str, float] = {}
        self._done_before = False

    @property
    def complete(self) -> bool:
        """True once the last step is done."""
        return self.step >= self._config.num_steps

    @abstractmethod
    def headline(self) -> str:
        """Says what is trained, on what, and whether an earlier training is resumed."""

    def prepare(self) -> Iterator[tuple[str, float]]:
        """Does the work before the first step; yields what was done, and the share done."""
        yield from ()

    def steps(self) -> Iterator[TrainingProgress]:
        """Trains; keeps checkpoint, result and TensorBoard up to date on the way."""
        writer = tf.summary.create_file_writer(str(self._folder / "logs"))
        last_save = last = time.monotonic()
        batches = iter(self._batches())
        compiled = tf.function(self._train_step, reduce_retracing=True, autograph=False)
        while not self.complete:
            with self._reading_batch():
                batch = next(batches)
            self._losses = {name: float(loss) for name, loss in compiled(*batch).items()}
            self.step += 1
            now = time.monotonic()
            self._seconds, last = self._seconds + now - last, now
            loss = sum(self._losses.values())
            if not math.isfinite(loss):
                raise TrainingError(
                    f"The loss became {loss} at step {self.step}; lower {self.flags_to_lower} and repeat the command: "
                    f"training resumes from the last checkpoint in {self._folder}, if there is one."
                )
            if self.step % self._files.log_every == 0:
                with writer.as_default(step=self.step):
                    tf.summary.scalar("loss", loss)
                    for name, value in self._losses.items():
                        tf.summary.scalar(f"loss/{name}", value)
            yield TrainingProgress(self.step, loss, self._losses)  # first: from now on there is something to lose
            if self.step % self._files.validate_every == 0 or self.complete:
                self._validate(writer)
            if now - last_save >= 60.0 * self._files.checkpoint_minutes and not self.complete:
                self.save()
                last_save = time.monotonic()
        self._finish()
        writer.close()

    def save(self) -> Path:
        """Writes the result, and the checkpoint unless the training is complete; returns the result's path."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self.complete:
            facts = {"step": self.step, "seconds": self._seconds, **self._facts()}
            save_state(self._state, self._identity(), facts, self._arrays())
        self._write_result()
        if self.complete:
            self._state.unlink(missing_ok=True)  # last: until the result is written, it is all there is
        return self.result

    # What is trained -----------------------------------------------------------------------------------------------

    @abstractmethod
    def _batches(self) -> tf.data.Dataset:
        """Batches from the current step on, without end; each is the arguments of `_train_step`."""

    @abstractmethod
    def _reading_batch(self) -> AbstractContextManager[None]:
        """Raises a DataError that names the picture if the next batch cannot be read."""

    @abstractmethod
    def _train_step(self, *batch: Any) -> dict[str, tf.Tensor]:
        """Takes a step; returns the weighted losses by term."""

    @abstractmethod
    def _validate(self, writer: Any) -> None:
        """Measures on the held-out pictures, with the averaged weights."""

    def _finish(self) -> None:  # noqa: B027  (not every session has something to do)
        """Does what is left to do after the last step."""

    @abstractmethod
    def _write_result(self) -> None:
        """Writes the result, whole or not at all."""

    # Checkpoint ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def _identity(self) -> str:
        """A digest of what decides the weights, except for what may have to change when training fails."""

    def _facts(self) -> dict[str, Any]:
        """More facts of the checkpoint, as JSON."""
        return {}

    @abstractmethod
    def _arrays(self) -> dict[str, np.ndarray]:
        """The arrays of the checkpoint."""

    @abstractmethod
    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Restores what `_facts` and `_arrays` gave."""

    @abstractmethod
    def _card_of_result(self) -> dict[str, Any]:
        """The card of the result that exists."""

    def _resume(self) -> None:
        """Resumes an earlier training; refuses to touch the result of another one."""
        if self._state.exists():
            facts, arrays = load_state(self._state, self._identity(), self.advice)
            self.step, self._seconds = facts["step"], facts["seconds"]
            self._restore(facts, arrays)
        elif self.result.exists():
            card = self._card_of_result()
            if card.get("identity") != self._identity() or card.get("steps_done") != self._config.num_steps:
                raise ConfigError(
                    f"{self._folder} holds the {self.result.name} of another training; give another --output_dir, or "
                    "remove the file."
                )
            self.step, self._done_before = self._config.num_steps, True


def identity_of_sources(sources: Sequence[Source]) -> list[list[Any]]:
    """What identifies the pictures of a training."""
    return [
        [[Path(file).name for file in source.files], list(source.leave_out), source.num_pictures, source.num_held]
        for source in sources
    ]

"""A distillation in progress: student, data, and everything that is written about it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_style.backbones import compact_kernels, empty_kernels, resolve_compute_dtype
from tf_style.backbones.weights import write_kernels
from tf_style.build.distillation import (
    build_distiller,
    student_readouts,
    student_widths,
    teacher_channels,
    teacher_kernels,
)
from tf_style.config import ConfigError, DistillConfig, DistillFiles
from tf_style.distillation.initialization import Student, fit_student
from tf_style.jobs.distilling.data import DistillationData
from tf_style.jobs.run.files import replacing
from tf_style.jobs.training.session import TrainingError, TrainingProgress
from tf_style.jobs.training.state import load_state, numbered, restore, save_state
from tf_style.networks.training import RunningAverage
from tf_style.version import versions

#: The student's file in the folder where it was made.
BACKBONE_FILE = "backbone.npz"
_BATCH = 4  # of the pictures to measure with
_MAY_CHANGE = ("learning_rate",)  # between two parts of one training


class DistillationSession:
    """Everything of one distillation: fit, then train.

    Args:
      config: All options.
      files: Where from, where to.

    Raises:
      ConfigError: A checkpoint of another distillation, layers or channels that do not fit the teacher.
      DataError, WeightsError: What was given cannot be used.
    """

    def __init__(self, config: DistillConfig, files: DistillFiles) -> None:
        self._config, self._files = config, files
        self._folder = Path(files.output_dir)
        self.backbone, self._state = self._folder / BACKBONE_FILE, self._folder / "checkpoint.npz"
        self._data = DistillationData(config, files)
        keras.utils.set_random_seed(config.seed)
        self._teacher = teacher_kernels(config)
        self._validation = self._data.validation()
        self.step, self._seconds = 0, 0.0
        self._losses: dict[str, float] = {}
        self._errors: dict[str, dict[str, float]] = {}
        self._student, self._done_before = Student({}, {}), False
        self._readouts: dict[str, np.ndarray] = {}
        self._resume()

    def headline(self) -> str:
        """What is made from what, and whether an earlier distillation goes on."""
        widths = student_widths(self._config)
        gpus = len(tf.config.list_physical_devices("GPU"))
        line = (
            f"Distilling {self._config.teacher} into {len(widths)} layers of {min(widths.values())} to "
            f"{max(widths.values())} channels on {self._data.num_pictures} pictures, in "
            f"{resolve_compute_dtype(self._config.compute_dtype)} on {f'{gpus} GPU' if gpus else 'CPU'}."
        )
        return line + (f" Going on from step {self.step} in {self._folder}." if self.fitted else "")

    @property
    def fitted(self) -> bool:
        """Whether every layer has its kernel."""
        return len(self._student.kernels) == len(student_widths(self._config))

    @property
    def complete(self) -> bool:
        """Whether the last step is done."""
        return self.step >= self._config.num_steps and (self.fitted or self._done_before)

    def fit(self) -> Iterator[tuple[str, float]]:
        """Fits the student; yields the layer that is done, and the share of all that are."""
        started = time.monotonic()
        images = self._data.first(self._config.fit_pictures)
        widths = student_widths(self._config)
        for layer, student in fit_student(self._teacher, widths, images, seed=self._config.seed):
            yield layer, len(student.kernels) / len(widths)
        self._student = student
        self._begin()
        self._seconds += time.monotonic() - started
        self._errors["fitted"] = self._validate(None)

    def steps(self) -> Iterator[TrainingProgress]:
        """Trains; keeps checkpoint, backbone and TensorBoard up to date on the way."""
        writer = tf.summary.create_file_writer(str(self._folder / "logs"))
        last_save = last = time.monotonic()
        batches = iter(self._data.batches(self.step))
        compiled = tf.function(self._step)
        while not self.complete:
            with self._data.reading_batch(self.step):
                images, seed = next(batches)
            losses = {name: float(loss) for name, loss in compiled(images, seed).items()}
            self.step += 1
            now = time.monotonic()
            self._seconds, last = self._seconds + now - last, now
            self._losses, loss = losses, sum(losses.values())
            if not math.isfinite(loss):
                raise TrainingError(
                    f"The loss became {loss} at step {self.step}; lower --learning_rate and repeat: training goes on "
                    f"from the last checkpoint in {self._folder}, if there is one."
                )
            if self.step % self._files.log_every == 0:
                with writer.as_default(step=self.step):
                    for name, value in losses.items():
                        tf.summary.scalar(f"loss/{name}", value)
            yield TrainingProgress(self.step, loss, losses)
            if self.step % self._files.validate_every == 0 or self.complete:
                self._errors["trained"] = self._validate(writer)
            if now - last_save >= 60.0 * self._files.checkpoint_minutes and not self.complete:
                self.save()
                last_save = time.monotonic()
        images = self._data.first(self._config.fit_pictures)
        with self._average.in_place():
            self._readouts = student_readouts(self._config, self._distiller, images)
        writer.close()

    def save(self) -> Path:
        """Writes the checkpoint, unless the training is complete, and the backbone; returns the backbone's path.

        Readouts come with the last step: they are fitted to the kernels as they are in the end.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self.complete:
            facts = {"step": self.step, "seconds": self._seconds, "errors": self._errors}
            save_state(self._state, self._identity(), facts, self._arrays())
        with self._average.in_place():
            kernels = self._distiller.kernels()
        origin = teacher_channels(self._config)
        extras = {
            f"{layer}/channels": origin[layer][chosen] if layer in origin else chosen
            for layer, chosen in self._student.channels.items()
        } | {f"{layer}/readout": readout.astype(np.float16) for layer, readout in self._readouts.items()}
        with replacing(self.backbone) as temporary:
            write_kernels(temporary, kernels, card=np.array(json.dumps(self._card(), sort_keys=True)), **extras)
        if self.complete:
            self._state.unlink(missing_ok=True)  # last: until the backbone is written, it is all there is
        return self.backbone

    # Training ------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """What trains the fitted student."""
        self._distiller = build_distiller(self._config, self._teacher, self._student)
        self._average = RunningAverage(self._distiller.variables, self._config.average_decay)

    def _step(self, images: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        losses = self._distiller.step(images, seed)
        self._average.update(self._distiller.optimizer.iterations.value)
        return losses

    def _validate(self, writer: Any) -> dict[str, float]:
        """By layer, the squared error of the features relative to the features, with the averaged weights."""
        batches = np.array_split(self._validation, math.ceil(len(self._validation) / _BATCH))
        with self._average.in_place():
            found = [self._distiller.errors(tf.constant(batch)) for batch in batches]
        errors = {
            layer: round(
                sum(float(part[layer]) for part, _ in found) / max(sum(float(part[layer]) for _, part in found), 1e-9),
                5,
            )
            for layer in self._student.kernels
        }
        if writer:
            with writer.as_default(step=self.step):
                for layer, error in errors.items():
                    tf.summary.scalar(f"error/{layer}", error)
        return errors

    # Checkpoint ----------------------------------------------------------------------------------------------------

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            **{f"channels/{layer}": chosen for layer, chosen in self._student.channels.items()},
            **numbered("variable", self._distiller.variables),
            **numbered("optimizer", self._distiller.optimizer.variables),
            **numbered("average", self._average.values),
        }

    def _resume(self) -> None:
        if not self._state.exists():
            self._check_untouched()
            return
        facts, arrays = load_state(self._state, self._identity(), "give another --output_dir")
        channels = {layer: arrays[f"channels/{layer}"] for layer in student_widths(self._config)}
        self._student = Student(empty_kernels(student_widths(self._config)), channels)
        self._begin()
        restore("variable", self._distiller.variables, arrays)
        restore("optimizer", self._distiller.optimizer.variables, arrays)
        restore("average", self._average.values, arrays)
        self.step, self._seconds, self._errors = facts["step"], facts["seconds"], facts["errors"]

    def _check_untouched(self) -> None:
        """A backbone that is there already is either this distillation's, which is then complete, or not to be lost."""
        if not self.backbone.exists():
            return
        compact_kernels(str(self.backbone))  # or it is no backbone at all
        with np.load(self.backbone) as archive:
            card = json.loads(str(archive["card"])) if "card" in archive else {}
        if card.get("identity") != self._identity() or card.get("steps_done") != self._config.num_steps:
            raise ConfigError(
                f"{self._folder} holds a {BACKBONE_FILE} of another distillation; give another --output_dir, or remove "
                "it there."
            )
        self.step, self._done_before = self._config.num_steps, True

    def _identity(self) -> str:
        """A digest of what decides the weights, but for what may have to change when training fails."""
        sources = [
            [[Path(file).name for file in source.files], list(source.leave_out), source.num_pictures, source.num_held]
            for source in self._data.sources
        ]
        config = dataclasses.asdict(self._config) | {"compute_dtype": resolve_compute_dtype(self._config.compute_dtype)}
        parts = [{name: value for name, value in config.items() if name not in _MAY_CHANGE}, sources]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _card(self) -> dict[str, Any]:
        return {
            **dataclasses.asdict(self._config),
            "weights": Path(self._config.weights).name,
            "pictures": self._data.num_pictures,
            "identity": self._identity(),
            "steps_done": self.step,
            "losses": self._losses,
            "errors": self._errors,
            "seconds": round(self._seconds),
            "machine": f"{platform.machine()}, {len(tf.config.list_physical_devices('GPU'))} GPUs",
            "versions": versions(),
        }

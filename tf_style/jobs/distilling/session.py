"""A distillation: its student, its data, and what is written about it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import platform
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
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
from tf_style.config import DistillConfig, DistillFiles
from tf_style.distillation.initialization import Student, fit_student
from tf_style.images import replacing
from tf_style.jobs.distilling.data import DistillationData
from tf_style.jobs.training.loop import TrainingLoop, identity_of_sources
from tf_style.jobs.training.state import numbered, restore
from tf_style.networks.training import RunningAverage
from tf_style.version import versions

#: The student's file in the output folder.
BACKBONE_FILE = "backbone.npz"
_BATCH = 4  # of the pictures held out
_MAY_CHANGE = ("learning_rate",)  # while a training is interrupted


class DistillationSession(TrainingLoop):
    """One distillation: fit, then train.

    Args:
      config: All options.
      files: Where from, where to.

    Raises:
      ConfigError: The checkpoint belongs to another distillation, or layers or channels do not fit the teacher.
      DataError, WeightsError: The pictures or the weights cannot be used.
    """

    def __init__(self, config: DistillConfig, files: DistillFiles) -> None:
        super().__init__(config, files, BACKBONE_FILE)
        self._data = DistillationData(config, files)
        keras.utils.set_random_seed(config.seed)
        self._teacher = teacher_kernels(config)
        self._validation = self._data.validation()
        self._errors: dict[str, dict[str, float]] = {}
        self._student = Student({}, {})
        self._readouts: dict[str, np.ndarray] = {}
        self._resume()

    def headline(self) -> str:
        """Says what is made from what, and whether an earlier distillation is resumed."""
        widths = student_widths(self._config)
        gpus = len(tf.config.list_physical_devices("GPU"))
        line = (
            f"Distilling {self._config.teacher} into {len(widths)} layers of {min(widths.values())} to "
            f"{max(widths.values())} channels on {self._data.num_pictures} pictures, in "
            f"{resolve_compute_dtype(self._config.compute_dtype)} on {f'{gpus} GPU' if gpus else 'CPU'}."
        )
        return line + (f" Resuming from step {self.step} in {self._folder}." if self._fitted else "")

    @property
    def _fitted(self) -> bool:
        """True if every layer has its kernel."""
        return len(self._student.kernels) == len(student_widths(self._config))

    @property
    def complete(self) -> bool:
        """True once the last step is done."""
        return super().complete and (self._fitted or self._done_before)

    def prepare(self) -> Iterator[tuple[str, float]]:
        """Fits the student unless it is fitted already; yields each layer that is done, and the share done."""
        if self._fitted:
            return
        started = time.monotonic()
        images = self._data.first(self._config.fit_pictures)
        widths = student_widths(self._config)
        for layer, student in fit_student(self._teacher, widths, images, seed=self._config.seed):
            yield f"fitted {layer}", len(student.kernels) / len(widths)
        self._student = student
        self._begin()
        self._seconds += time.monotonic() - started
        self._errors["fitted"] = self._measure()

    # Training ------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Makes the distiller that trains the fitted student."""
        self._distiller = build_distiller(self._config, self._teacher, self._student)
        self._average = RunningAverage(self._distiller.variables, self._config.average_decay)

    def _batches(self) -> tf.data.Dataset:
        return self._data.batches(self.step)

    def _reading_batch(self) -> AbstractContextManager[None]:
        return self._data.reading_batch(self.step)

    def _train_step(self, *batch: Any) -> dict[str, tf.Tensor]:
        losses = self._distiller.step(*batch)
        self._average.update(self._distiller.optimizer.iterations.value)
        return losses

    def _validate(self, writer: Any) -> None:
        self._errors["trained"] = self._measure()
        with writer.as_default(step=self.step):
            for layer, error in self._errors["trained"].items():
                tf.summary.scalar(f"error/{layer}", error)

    def _measure(self) -> dict[str, float]:
        """By layer, the squared error of the features relative to the features, with the averaged weights."""
        batches = np.array_split(self._validation, math.ceil(len(self._validation) / _BATCH))
        with self._average.in_place():
            found = [self._distiller.errors(tf.constant(batch)) for batch in batches]
        return {
            layer: round(
                sum(float(part[layer]) for part, _ in found) / max(sum(float(part[layer]) for _, part in found), 1e-9),
                5,
            )
            for layer in self._student.kernels
        }

    def _finish(self) -> None:
        """Fits the readouts, which come with the last step: they belong to the final kernels."""
        images = self._data.first(self._config.fit_pictures)
        with self._average.in_place():
            self._readouts = student_readouts(self._config, self._distiller, images)

    def _write_result(self) -> None:
        with self._average.in_place():
            kernels = self._distiller.kernels()
        origin = teacher_channels(self._config)
        extras = {
            f"{layer}/channels": origin[layer][chosen] if layer in origin else chosen
            for layer, chosen in self._student.channels.items()
        } | {f"{layer}/readout": readout.astype(np.float16) for layer, readout in self._readouts.items()}
        with replacing(self.result) as temporary:
            write_kernels(temporary, kernels, card=np.array(json.dumps(self._card(), sort_keys=True)), **extras)

    # Checkpoint ----------------------------------------------------------------------------------------------------

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            **{f"channels/{layer}": chosen for layer, chosen in self._student.channels.items()},
            **numbered("variable", self._distiller.variables),
            **numbered("optimizer", self._distiller.optimizer.variables),
            **numbered("average", self._average.values),
        }

    def _facts(self) -> dict[str, Any]:
        return {"errors": self._errors}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        channels = {layer: arrays[f"channels/{layer}"] for layer in student_widths(self._config)}
        self._student = Student(empty_kernels(student_widths(self._config)), channels)
        self._begin()
        restore("variable", self._distiller.variables, arrays)
        restore("optimizer", self._distiller.optimizer.variables, arrays)
        restore("average", self._average.values, arrays)
        self._errors = facts["errors"]

    def _card_of_result(self) -> dict[str, Any]:
        compact_kernels(str(self.result))  # refuses what is not a backbone
        with np.load(self.result) as archive:
            return json.loads(str(archive["card"])) if "card" in archive else {}

    def _identity(self) -> str:
        sources = identity_of_sources(self._data.sources)
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

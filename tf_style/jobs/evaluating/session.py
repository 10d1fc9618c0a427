"""The part of an evaluation that needs TensorFlow: the model, loaded once, and each painting's numbers."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
from typing import Any

import keras
import tensorflow as tf

from tf_style.build import build_evaluation, choose_backbone
from tf_style.config import EvaluateConfig
from tf_style.evaluation import Evaluation
from tf_style.images import Picture
from tf_style.jobs.evaluating.pairs import Pair
from tf_style.jobs.evaluating.pictures import Pictures
from tf_style.types import Nest
from tf_style.version import versions

_STYLES_KEPT = 8


class EvaluationSession:
    """Measures paintings one by one.

    Args:
      config: All options.

    Call `load` before `measure` and `record`. `headline` works before it.
    """

    evaluation: Evaluation

    def __init__(self, config: EvaluateConfig) -> None:
        self._config = config
        self._choice = choose_backbone(config)
        self._devices = [device.name for device in tf.config.list_logical_devices()]
        self._style_targets = functools.lru_cache(_STYLES_KEPT)(self._new_style_targets)  # by the picture's identity

    def headline(self) -> str:
        """Says which backbone measures, and why."""
        return f"Measuring with backbone {self._choice.name} in {self._choice.compute_dtype} ({self._choice.reason})."

    def load(self, *, quiet: bool) -> None:
        """Builds the model.

        Args:
          quiet: Do not report downloads.

        Raises:
          WeightsError: The backbone's weights are missing or do not fit.
        """
        if quiet:
            keras.utils.disable_interactive_logging()
        with contextlib.redirect_stdout(sys.stderr):  # Keras reports downloads; stdout is for the table
            self.evaluation = build_evaluation(self._config)

    def measure(self, pair: Pair, pictures: Pictures) -> dict[str, Any]:
        """A painting's numbers, its paths, and the size at which it was compared."""
        measures = self.evaluation(
            _tensor(pictures.painting), _tensor(pictures.content), self._style_targets(pictures.style)
        )
        values = tf.nest.map_structure(lambda tensor: float(tensor.numpy()[0]), measures._asdict())
        return {**pair._asdict(), "size": list(pictures.painting.size), **values}

    def record(self) -> dict[str, Any]:
        """Everything the numbers depend on: settings, versions, backbone, objective, devices."""
        return {
            "settings": dataclasses.asdict(self._config),
            "backbone": dataclasses.asdict(self._choice),
            "objective": repr(self.evaluation.objective),
            "devices": self._devices,
            "versions": versions(),
        }

    def _new_style_targets(self, style: Picture) -> Nest:
        return self.evaluation.style_targets(_tensor(style))


def _tensor(picture: Picture) -> tf.Tensor:
    return tf.constant(picture.pixels[None])

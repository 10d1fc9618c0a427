"""A step of training in TensorFlow: a network learns to paint by the library's own objective."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_style.networks.arbitrary import ArbitraryStyleNetwork
from tf_style.networks.many_styles import ManyStylesNetwork
from tf_style.networks.training_losses import CONTENT, TrainingLosses
from tf_style.types import Backbone, Image


class Trainer(TrainingLosses):
    """The steps of training and validation for one network.

    Args:
      network: As for `TrainingLosses`.
      backbone: As for `TrainingLosses`.
      objective: As for `TrainingLosses`.
      optimizer: A Keras optimiser.
      content_factor: From the number of steps made to a factor of the term "content" in training.
      stability_weight: As for `TrainingLosses`.
    """

    def __init__(
        self,
        network: ArbitraryStyleNetwork | ManyStylesNetwork,
        backbone: Backbone,
        objective: Any,
        optimizer: keras.optimizers.Optimizer,
        content_factor: Callable[[tf.Tensor], tf.Tensor] | None = None,
        stability_weight: float = 0.0,
    ) -> None:
        super().__init__(network, backbone, objective, stability_weight)
        self.optimizer = optimizer
        self._content = {term.name: weight for weight, term in objective.terms if term.name == CONTENT}
        self._content_factor = content_factor
        optimizer.build(self.variables)

    def step(self, contents: Image, styles: tf.Tensor, neutral: tf.Tensor) -> dict[str, tf.Tensor]:
        """Trains on a batch.

        Args:
          contents: As for `losses`.
          styles: As for `losses`.
          neutral: As for `losses`.

        Returns:
          The weighted losses by term, means over the batch.
        """
        with tf.GradientTape() as tape:
            losses, _ = self.losses(contents, styles, neutral, self._weights(), self._turn())
            loss = tf.add_n(list(losses.values())) / tf.distribute.get_strategy().num_replicas_in_sync
        gradients = tape.gradient(loss, [variable.value for variable in self.variables])
        self.optimizer.apply(gradients, self.variables)
        return losses

    @tf.function(autograph=False)
    def validate(self, contents: Image, styles: tf.Tensor) -> tuple[dict[str, tf.Tensor], Image]:
        """The weighted losses by term (means over the batch), and the pictures, none of them neutral."""
        return self.losses(contents, styles, tf.zeros_like(contents[:, 0, 0, 0], tf.bool), turn=self._turn())

    def _weights(self) -> dict[str, tf.Tensor]:
        """The weight of the content in this step."""
        if self._content_factor is None:
            return {}
        factor = self._content_factor(tf.cast(self.optimizer.iterations.value, tf.float32))
        return {name: weight * factor for name, weight in self._content.items()}

    def _turn(self) -> tf.Tensor:
        """A number for each step and each replica."""
        replica = tf.distribute.get_replica_context()
        step = tf.cast(self.optimizer.iterations.value, tf.int32)
        return step * replica.num_replicas_in_sync + tf.cast(replica.replica_id_in_sync_group, tf.int32)


class RunningAverage:
    """A running average of variables. Its decay grows to `decay`, so that early weights are soon forgotten.

    Args:
      variables: Keras variables.
      decay: In [0, 1); 0 keeps the last values.

    Reference:
      Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 30, 1992; the
      growing decay is from `tf.train.ExponentialMovingAverage`.
    """

    def __init__(self, variables: list[keras.Variable], decay: float) -> None:
        self.variables, self.decay = variables, decay
        self.values = [tf.Variable(variable.value, trainable=False) for variable in variables]

    def update(self, step: tf.Tensor) -> None:
        """Updates the average after step number `step`."""
        step = tf.cast(step, tf.float32)
        decay = tf.minimum(self.decay, (1.0 + step) / (10.0 + step))
        for value, variable in zip(self.values, self.variables, strict=True):
            value.assign(decay * value + (1.0 - decay) * variable.value)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside the block, the variables hold their averages; after it, their own values again."""
        own = [np.asarray(variable) for variable in self.variables]
        for value, variable in zip(self.values, self.variables, strict=True):
            variable.assign(value)
        try:
            yield
        finally:
            for value, variable in zip(own, self.variables, strict=True):
                variable.assign(value)

"""Fine-tunes a student, to match its teacher's features and their Gram matrices."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tf_style.backbones import Kernels
from tf_style.losses import Objective
from tf_style.types import Backbone, Features, Image, References


class Distiller:
    """The steps of fine-tuning and validation for one student.

    Args:
      teacher: Picture to features; frozen.
      student: A Keras model from pictures to features with the same names and fewer channels; its weights are trained.
      channels: Which of the teacher's channels each layer has.
      objective: The loss terms; the teacher's features are both content and style reference.
      optimizer: A Keras optimiser.
      noise: Largest standard deviation of the noise added to pictures, because a painting in progress is not as smooth
        as a photo.

    Reference:
      Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015 (https://arxiv.org/abs/1412.6550).
    """

    def __init__(
        self,
        teacher: Backbone,
        student: keras.Model,
        channels: Mapping[str, np.ndarray],
        objective: Objective,
        optimizer: keras.optimizers.Optimizer,
        *,
        noise: float = 0.0,
    ) -> None:
        self.teacher, self.student, self.objective, self.optimizer = teacher, student, objective, optimizer
        self.variables = list(student.trainable_variables)
        self._channels = {layer: tf.constant(chosen, tf.int32) for layer, chosen in channels.items()}
        self._noise = noise
        optimizer.build(self.variables)

    def step(self, images: Image, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Trains on a batch.

        Args:
          images: Float32 [B, H, W, 3] in [0, 1].
          seed: Seed of the noise, int [2].

        Returns:
          The weighted losses by term, means over the batch.
        """
        images = self._roughen(images, seed)
        targets = self._targets(images)
        with tf.GradientTape() as tape:
            losses = self._losses(images, targets)
            loss = tf.add_n(list(losses.values()))
        self.optimizer.apply(tape.gradient(loss, [variable.value for variable in self.variables]), self.variables)
        return losses

    @tf.function(reduce_retracing=True, autograph=False)
    def errors(self, images: Image) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """By layer, sums over the batch: squared differences of features, and the teacher's squared features."""
        wanted, features = self._chosen(images), self.student(images)
        differences = {name: tf.reduce_sum(tf.math.squared_difference(features[name], wanted[name])) for name in wanted}
        return differences, {name: tf.reduce_sum(tf.square(value)) for name, value in wanted.items()}

    def kernels(self) -> Kernels:
        """The student's kernels and biases, float32, shallow to deep."""
        arrays = {layer: self.student.get_layer(layer).get_weights() for layer in self._channels}
        return {layer: (kernel.astype(np.float32), bias.astype(np.float32)) for layer, (kernel, bias) in arrays.items()}

    def _losses(self, images: Image, targets: dict) -> dict[str, tf.Tensor]:
        losses = self.objective.losses(self.student(images, training=True), targets)
        return {name: tf.reduce_mean(loss) for name, loss in losses.items()}

    def _targets(self, images: Image) -> dict:
        wanted = self._chosen(images)
        return self.objective.targets(References(wanted, (wanted,)))

    def _chosen(self, images: Image) -> Features:
        features = self.teacher(images)
        return {layer: tf.gather(features[layer], chosen, axis=-1) for layer, chosen in self._channels.items()}

    def _roughen(self, images: Image, seed: tf.Tensor) -> Image:
        if not self._noise:
            return images
        strength_seed, noise_seed = tf.unstack(tf.random.split(seed, 2))
        strength = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], strength_seed, maxval=self._noise)
        return tf.clip_by_value(images + strength * tf.random.stateless_normal(tf.shape(images), noise_seed), 0.0, 1.0)

"""Adam on pixels as pure functions: state in, state out, no variables."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from tf_style.optimizers.rows import where_rows
from tf_style.types import Image, LossFn, Optimizer


class AdamState(NamedTuple):
    """The running means of the gradient and its square, [B, H, W, 3], and the number of steps, [B]."""

    first: tf.Tensor
    second: tf.Tensor
    steps: tf.Tensor


class AdamRule(NamedTuple):
    """Adam's arithmetic pixel by pixel, which also works on parts of a picture; arguments as for `adam`."""

    learning_rate: float = 0.02
    beta_1: float = 0.9
    beta_2: float = 0.99
    epsilon: float = 1e-8

    def means(self, gradient: tf.Tensor, first: tf.Tensor, second: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The running means of the gradient and its square after one more gradient; all have one shape."""
        first += (1.0 - self.beta_1) * (gradient - first)
        return first, second + (1.0 - self.beta_2) * (tf.square(gradient) - second)

    def root(self, second: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """The root of the mean of squares after `count` steps, bias corrected."""
        return tf.sqrt(second / (1.0 - tf.pow(self.beta_2, count)))

    def move(self, image: Image, first: tf.Tensor, second: tf.Tensor, count: tf.Tensor, mean_root: tf.Tensor) -> Image:
        """The picture after the step, in [0, 1]; `mean_root` is the mean of `root` over the whole picture."""
        floor = self.epsilon * mean_root + 1e-30
        update = self.learning_rate * first / (1.0 - tf.pow(self.beta_1, count)) / (self.root(second, count) + floor)
        return tf.clip_by_value(image - update, 0.0, 1.0)


def adam(learning_rate: float = 0.02, *, beta_1: float = 0.9, beta_2: float = 0.99, epsilon: float = 1e-8) -> Optimizer:
    """Adam; pixels are clipped to [0, 1] after each step.

    `keras.optimizers.Adam` keeps its state in variables, which requests, resumed runs and SavedModels cannot share.

    Args:
      learning_rate: Step size in pixel values, where white is 1.
      beta_1: Decay of the gradient's mean.
      beta_2: Decay of the squared gradient's mean.
      epsilon: Added to the root of the squares' mean, as a share of that root's mean over the picture, so scaling the
        objective does not change the steps.

    Returns:
      An `Optimizer`. To change the size, it resizes both means.

    Reference:
      Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1. https://arxiv.org/abs/1412.6980
      Carrying the means between scales: K. Crowson, style-transfer-pytorch, 2021.
    """
    rule = AdamRule(learning_rate, beta_1, beta_2, epsilon)

    def init(image: Image) -> AdamState:
        return AdamState(tf.zeros_like(image), tf.zeros_like(image), tf.zeros_like(image[:, 0, 0, 0], tf.int32))

    def step(
        loss_fn: LossFn, image: Image, state: AdamState, num_steps: tf.Tensor
    ) -> tuple[Image, AdamState, dict[str, tf.Tensor]]:
        del num_steps  # one step per call
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss, losses = loss_fn(image)
            total = tf.reduce_sum(loss)
        gradient = tape.gradient(total, image)
        steps = state.steps + 1
        first, second = rule.means(gradient, state.first, state.second)
        count = _per_picture(tf.cast(steps, tf.float32))
        mean_root = tf.reduce_mean(rule.root(second, count), axis=[1, 2, 3], keepdims=True)
        return rule.move(image, first, second, count, mean_root), AdamState(first, second, steps), losses

    def resize(state: AdamState, size: tuple[tf.Tensor, tf.Tensor]) -> AdamState:
        return AdamState(
            tf.image.resize(state.first, size, "bicubic"),
            tf.nn.relu(tf.image.resize(state.second, size, "bilinear")),
            state.steps,
        )

    def hold(before: AdamState, after: AdamState, done: tf.Tensor) -> AdamState:
        return AdamState(*(where_rows(done, old, new) for old, new in zip(before, after, strict=True)))

    return Optimizer(init, step, resize, hold, evaluations=lambda state: tf.reduce_max(state.steps))


def _per_picture(values: tf.Tensor) -> tf.Tensor:
    """[B] -> [B, 1, 1, 1]."""
    return values[:, tf.newaxis, tf.newaxis, tf.newaxis]

"""A step of training: a network learns to paint by the library's own objective."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_style.networks.arbitrary import ArbitraryStyleNetwork
from tf_style.networks.many_styles import ManyStylesNetwork
from tf_style.networks.noise import Noise
from tf_style.networks.stability import instability
from tf_style.types import Backbone, Features, Image, Nest, References

#: What the names of the terms begin with that keep neutral pictures unchanged.
RECONSTRUCTION = "reconstruction"
#: What the names of the terms begin with that compare statistics with the style's, relative to it.
STYLE = "style"
#: The content term, whose weight may change from step to step.
CONTENT = "content"
#: The term of paintings that do not follow motion.
STABILITY = "stability"
#: The `Trainer`'s feature that holds a picture without its strokes, at an eighth of the size.
COLORS = "colors"
_COLORS_POOL = 8
_SOFT_LIMIT = 3.0  # relative style losses beyond this count by their logarithm


class Trainer:
    """The steps of training and validation for one network.

    Some pictures, the neutral ones, are painted with strength 0 and must come out unchanged, so that the strength of a
    style can be chosen after training.

    Args:
      network: The network to train.
      backbone: Picture to features, for the losses; frozen.
      objective: The loss terms. Those whose names begin with "reconstruction" count for neutral pictures (and for all
        if there is a teacher), the others only for those that are not neutral.
      optimizer: A Keras optimiser.
      content_factor: From the number of steps made to a factor of the term "content" in training.
      stability_weight: Weight of `instability`, for a network that takes no noise.
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
        self.network, self.backbone, self.objective = network, backbone, objective
        self.optimizer = optimizer
        self._content = {term.name: weight for weight, term in objective.terms if term.name == CONTENT}
        self._content_factor = content_factor
        self._stability_weight = stability_weight
        self.variables = [variable for layer in network.layers for variable in layer.trainable_variables]
        optimizer.build(self.variables)
        self._style_targets: Nest = None
        self._teacher: ArbitraryStyleNetwork | None = None
        self._teacher_codes: tf.Tensor | None = None

    def features(self, image: Image) -> Features:
        """The backbone's features, the picture itself under "image", its "colors", and the "step"."""
        return {**self.backbone(image), **_pixels(image), "step": self._turn()}

    def prepare_styles(self, styles: list[Image], teacher: ArbitraryStyleNetwork | None = None) -> None:
        """Computes the targets of named styles, once.

        Args:
          styles: A picture [1, h, w, 3] for each style.
          teacher: Another network; its paintings in these styles are the "reconstruction" targets of pictures that are
            not neutral (knowledge distillation: Hinton, Vinyals, Dean, 2015, https://arxiv.org/abs/1503.02531).
        """
        style_objective = self.objective.reading("styles")
        targets = [style_objective.targets(References({}, (self.features(style),))) for style in styles]
        self._style_targets = tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *targets)
        if teacher is not None:
            self._teacher = teacher
            self._teacher_codes = tf.concat([teacher.encode_style(style) for style in styles], 0)

    def step(self, contents: Image, styles: tf.Tensor, neutral: tf.Tensor) -> dict[str, tf.Tensor]:
        """Trains on a batch.

        Args:
          contents: Float32 [B, H, W, 3] in [0, 1].
          styles: Pictures [B, h, w, 3], or indices of named styles, int32 [B].
          neutral: Which contents must stay unchanged, bool [B].

        Returns:
          The weighted losses by term, means over the batch.
        """
        with tf.GradientTape() as tape:
            losses, _ = self.losses(contents, styles, neutral, self._weights())
            loss = tf.add_n(list(losses.values())) / tf.distribute.get_strategy().num_replicas_in_sync
        gradients = tape.gradient(loss, [variable.value for variable in self.variables])
        self.optimizer.apply(gradients, self.variables)
        return losses

    @tf.function(autograph=False)
    def validate(self, contents: Image, styles: tf.Tensor) -> tuple[dict[str, tf.Tensor], Image]:
        """The weighted losses by term (means over the batch), and the pictures, none of them neutral."""
        return self.losses(contents, styles, tf.zeros_like(contents[:, 0, 0, 0], tf.bool))

    def losses(
        self,
        contents: Image,
        styles: tf.Tensor,
        neutral: tf.Tensor,
        weights: Mapping[str, tf.Tensor] | None = None,
    ) -> tuple[dict[str, tf.Tensor], Image]:
        """The weighted losses by term (means over the batch), and the pictures.

        Args:
          contents: As for `step`.
          styles: As for `step`.
          neutral: As for `step`.
          weights: Weights that replace the objective's own, by the term's name.
        """
        content_features = self.features(contents)
        code, style_targets = self._style(styles)
        strength, noise = tf.where(neutral, 0.0, 1.0), self._noise(tf.shape(contents)[0])

        def paint(pictures: Image) -> Image:
            content = self.network.encode_content(pictures)
            return self.network.paint(content, code[:, tf.newaxis], tf.ones([1]), strength, noise)

        image = paint(contents)
        references = {**content_features, **_pixels(self._reference(contents, styles, neutral))}
        content_targets = self.objective.reading("content").targets(References(references, ()))
        targets = tf.nest.map_structure(tf.stop_gradient, {**content_targets, **style_targets})
        losses = self.objective.losses(self.features(image), targets, weights)
        for weight, term in self.objective.terms:
            loss = losses[term.name]
            if term.name.startswith(STYLE):  # almost flat styles have huge relative losses, which would drown the rest
                limit = weight * _SOFT_LIMIT
                loss = limit * tf.math.log1p(loss / limit)
            if not term.name.startswith(RECONSTRUCTION):
                losses[term.name] = tf.where(neutral, 0.0, loss)
            elif self._teacher is None:
                losses[term.name] = tf.where(neutral, loss, 0.0)
        if self._stability_weight:
            losses[STABILITY] = self._stability_weight * instability(contents, paint, image, noise.seed)
        return {name: tf.reduce_mean(loss) for name, loss in losses.items()}, image

    def _reference(self, contents: Image, styles: tf.Tensor, neutral: tf.Tensor) -> Image:
        """What pictures should look like: as they were, or as the teacher paints them."""
        if self._teacher is None:
            return contents
        codes = tf.gather(self._teacher_codes, styles)
        content = self._teacher.encode_content(contents)
        painted = self._teacher.paint(content, codes[:, tf.newaxis], tf.ones([1]), tf.ones_like(contents[:, 0, 0, 0]))
        return tf.where(neutral[:, tf.newaxis, tf.newaxis, tf.newaxis], contents, tf.clip_by_value(painted, 0.0, 1.0))

    def _weights(self) -> dict[str, tf.Tensor]:
        """The weight of the content in this step."""
        if self._content_factor is None:
            return {}
        factor = self._content_factor(tf.cast(self.optimizer.iterations.value, tf.float32))
        return {name: weight * factor for name, weight in self._content.items()}

    def _noise(self, batch: tf.Tensor) -> Noise:
        """Other noise for each picture, each step and each replica."""
        return Noise(self._turn() * batch + tf.range(batch))

    def _turn(self) -> tf.Tensor:
        """A number for each step and each replica."""
        replica = tf.distribute.get_replica_context()
        step = tf.cast(self.optimizer.iterations.value, tf.int32)
        return step * replica.num_replicas_in_sync + tf.cast(replica.replica_id_in_sync_group, tf.int32)

    def _style(self, styles: tf.Tensor) -> tuple[tf.Tensor, Nest]:
        """The codes and the targets of styles."""
        if self._style_targets is not None:
            targets = tf.nest.map_structure(lambda target: tf.gather(target, styles), self._style_targets)
            return self.network.encode_style(styles), targets
        targets = self.objective.reading("styles").targets(References({}, (self.features(styles),)))
        return self.network.encode_style(styles), targets


def _pixels(image: Image) -> Features:
    return {"image": image, COLORS: tf.nn.avg_pool2d(image, _COLORS_POOL, _COLORS_POOL, "VALID")}


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

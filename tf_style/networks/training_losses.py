"""What a network learns by: the library's own objective on what it paints. Keras operations only, on any backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from tf_style.networks.arbitrary import ArbitraryStyleNetwork
from tf_style.networks.many_styles import ManyStylesNetwork
from tf_style.networks.stability import instability
from tf_style.ops.noise import Noise
from tf_style.types import Backbone, Features, Image, Nest, References, Tensor

#: What the names of the terms begin with that keep neutral pictures unchanged.
RECONSTRUCTION = "reconstruction"
#: What the names of the terms begin with that compare statistics with the style's, relative to it.
STYLE = "style"
#: The content term, whose weight may change from step to step.
CONTENT = "content"
#: The term of paintings that do not follow motion.
STABILITY = "stability"
#: The feature that holds a picture without its strokes, at an eighth of the size.
COLORS = "colors"
_COLORS_POOL = 8
_SOFT_LIMIT = 3.0  # relative style losses beyond this count by their logarithm


class TrainingLosses:
    """The losses of one network in training and validation.

    Some pictures, the neutral ones, are painted with strength 0 and must come out unchanged, so that the strength of a
    style can be chosen after training.

    Args:
      network: The network to train.
      backbone: Picture to features, for the losses; frozen.
      objective: The loss terms. Those whose names begin with "reconstruction" count for neutral pictures (and for all
        if there is a teacher), the others only for those that are not neutral.
      stability_weight: Weight of `instability`, for a network that takes no noise.
    """

    def __init__(
        self,
        network: ArbitraryStyleNetwork | ManyStylesNetwork,
        backbone: Backbone,
        objective: Any,
        stability_weight: float = 0.0,
    ) -> None:
        self.network, self.backbone, self.objective = network, backbone, objective
        self._stability_weight = stability_weight
        self.variables = [variable for layer in network.layers for variable in layer.trainable_variables]
        self._style_targets: Nest = None
        self._teacher: ArbitraryStyleNetwork | None = None
        self._teacher_codes: Tensor | None = None

    def features(self, image: Image, turn: Any = 0) -> Features:
        """The backbone's features, the picture itself under "image", its "colors", and the "step", `turn`."""
        return {**self.backbone(image), **_pixels(image), "step": turn}

    def prepare_styles(self, styles: list[Image], teacher: ArbitraryStyleNetwork | None = None) -> None:
        """Computes the targets of named styles, once.

        Args:
          styles: A picture [1, h, w, 3] for each style.
          teacher: Another network; its paintings in these styles are the "reconstruction" targets of pictures that are
            not neutral (knowledge distillation: Hinton, Vinyals, Dean, 2015, https://arxiv.org/abs/1503.02531).
        """
        style_objective = self.objective.reading("styles")
        targets = [style_objective.targets(References({}, (self.features(style),))) for style in styles]
        self._style_targets = keras.tree.map_structure(lambda *parts: ops.concatenate(parts, 0), *targets)
        if teacher is not None:
            self._teacher = teacher
            self._teacher_codes = ops.concatenate([teacher.encode_style(style) for style in styles], 0)

    def losses(
        self,
        contents: Image,
        styles: Tensor,
        neutral: Tensor,
        weights: Mapping[str, Tensor] | None = None,
        turn: Any = 0,
    ) -> tuple[dict[str, Tensor], Image]:
        """The weighted losses by term (means over the batch), and the pictures.

        Args:
          contents: Float32 [B, H, W, 3] in [0, 1].
          styles: Pictures [B, h, w, 3], or indices of named styles, int32 [B].
          neutral: Which contents must stay unchanged, bool [B].
          weights: Weights that replace the objective's own, by the term's name.
          turn: Decides noise and places, int32 []: another one for each step.
        """
        content_features = self.features(contents, turn)
        code, style_targets = self._style(styles, turn)
        batch = ops.shape(contents)[0]
        strength = ops.where(neutral, 0.0, 1.0)
        noise = Noise(turn * batch + ops.arange(batch, dtype="int32"))

        def paint(pictures: Image) -> Image:
            content = self.network.encode_content(pictures)
            return self.network.paint(content, code[:, None], ops.ones((1,)), strength, noise)

        image = paint(contents)
        references = {**content_features, **_pixels(self._reference(contents, styles, neutral))}
        content_targets = self.objective.reading("content").targets(References(references, ()))
        targets = keras.tree.map_structure(ops.stop_gradient, {**content_targets, **style_targets})
        losses = self.objective.losses(self.features(image, turn), targets, weights)
        for weight, term in self.objective.terms:
            loss = losses[term.name]
            if term.name.startswith(STYLE):  # almost flat styles have huge relative losses, which would drown the rest
                limit = weight * _SOFT_LIMIT
                loss = limit * ops.log1p(loss / limit)
            if not term.name.startswith(RECONSTRUCTION):
                losses[term.name] = ops.where(neutral, 0.0, loss)
            elif self._teacher is None:
                losses[term.name] = ops.where(neutral, loss, 0.0)
        if self._stability_weight:
            losses[STABILITY] = self._stability_weight * instability(contents, paint, image, noise.seed)
        return {name: ops.mean(loss) for name, loss in losses.items()}, image

    def _reference(self, contents: Image, styles: Tensor, neutral: Tensor) -> Image:
        """What pictures should look like: as they were, or as the teacher paints them.

        The teacher paints at twice the size: on crops, its attention has few places, whose grid would show as a weave.
        """
        if self._teacher is None:
            return contents
        codes = ops.take(self._teacher_codes, styles, axis=0)
        height, width = ops.shape(contents)[1:3]
        content = self._teacher.encode_content(ops.image.resize(contents, (2 * height, 2 * width)))
        strength = ops.ones_like(contents[:, 0, 0, 0])
        painted = ops.average_pool(self._teacher.paint(content, codes[:, None], ops.ones((1,)), strength), 2, 2)
        return ops.where(neutral[:, None, None, None], contents, ops.clip(painted, 0.0, 1.0))

    def _style(self, styles: Tensor, turn: Any) -> tuple[Tensor, Nest]:
        """The codes and the targets of styles."""
        if self._style_targets is not None:
            targets = keras.tree.map_structure(lambda target: ops.take(target, styles, axis=0), self._style_targets)
            return self.network.encode_style(styles), targets
        targets = self.objective.reading("styles").targets(References({}, (self.features(styles, turn),)))
        return self.network.encode_style(styles), targets


def _pixels(image: Image) -> Features:
    return {"image": image, COLORS: ops.average_pool(image, _COLORS_POOL, _COLORS_POOL)}

"""Measures how close a painting is to its style and its content, however it was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from tf_style.losses import Objective, content_loss, style_loss
from tf_style.ops import structural_similarity
from tf_style.types import Backbone, Image, Nest, References

_CONTENT = "content"
_PICTURES = tf.TensorSpec([None, None, None, 3], tf.float32)
_GRAM = tf.TensorSpec([None, None, None], tf.float32)


class Measures(NamedTuple):
    """The measures of each painting, float32 [B].

    Distances are relative to their target: 0 for the target itself, about 1 for a picture that has nothing of it.
    `style_distance` is the mean of `style_distance_by_layer`. `structural_similarity` is 1 for the content itself.
    """

    style_distance: tf.Tensor
    content_distance: tf.Tensor
    structural_similarity: tf.Tensor
    style_distance_by_layer: dict[str, tf.Tensor]


class Evaluation:
    """The compiled measures for one backbone: the library's own losses as distances. One trace serves all sizes.

    Args:
      backbone: Picture to features.
      style_layers: Layers at which to compare Gram matrices.
      content_layers: Layers at which to compare features.

    Example:
      >>> evaluation = Evaluation(backbone, ["block1_conv1"], ["block4_conv2"])
      >>> measures = evaluation(painting, content, evaluation.style_targets(style))

    Reference:
      Gatys et al., CVPR 2016, eq. 1, 4 and 5, each divided by the square of its target; structural similarity: Wang et
      al., IEEE Transactions on Image Processing 13, 2004.
    """

    def __init__(self, backbone: Backbone, style_layers: Sequence[str], content_layers: Sequence[str]) -> None:
        self.backbone = backbone
        self.style_layers = tuple(style_layers)
        terms = [content_loss(content_layers, normalization="target", name=_CONTENT)] + [
            style_loss([layer], statistic="gram", normalization="target", name=layer) for layer in self.style_layers
        ]
        self.objective = Objective(tuple(pair for objective in terms for pair in objective.terms))
        self.num_traces = 0
        grams = {layer: {layer: _GRAM} for layer in self.style_layers}
        self._compiled_style_targets = tf.function(self._style_targets, input_signature=[_PICTURES], autograph=False)
        self._compiled_measures = tf.function(
            self._measures, input_signature=[_PICTURES, _PICTURES, grams], autograph=False
        )

    def style_targets(self, style: Image) -> Nest:
        """The targets that paintings in this style are compared with.

        Args:
          style: Float32 [B or 1, h, w, 3] in [0, 1], any size.

        Returns:
          Gram matrices by term and layer.
        """
        return self._compiled_style_targets(style)

    def __call__(self, painting: Image, content: Image, style_targets: Nest) -> Measures:
        """Measures paintings.

        Args:
          painting: Float32 [B, H, W, 3] in [0, 1].
          content: The same shape.
          style_targets: What `style_targets` returned.
        """
        return self._compiled_measures(painting, content, style_targets)

    def _style_targets(self, style: Image) -> Nest:
        self.num_traces += 1  # runs once per trace; tests count it
        return self.objective.reading("styles").targets(References({}, (self.backbone(style),)))

    def _measures(self, painting: Image, content: Image, style_targets: Nest) -> Measures:
        self.num_traces += 1
        content_targets = self.objective.reading("content").targets(References(self.backbone(content), ()))
        losses = self.objective.losses(self.backbone(painting), {**content_targets, **style_targets})
        by_layer = {layer: losses[layer] for layer in self.style_layers}
        return Measures(
            style_distance=tf.add_n(list(by_layer.values())) / len(by_layer),
            content_distance=losses[_CONTENT],
            structural_similarity=structural_similarity(painting, content),
            style_distance_by_layer=by_layer,
        )

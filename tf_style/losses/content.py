"""Content loss: keeps the picture's deep features close to the content image's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from tf_style.losses.objective import Objective, additive_term
from tf_style.losses.weighting import check_normalization, layer_weights_of, relative
from tf_style.ops.positions import position_weights
from tf_style.types import Features, Nest, References


def content_loss(
    layers: Sequence[str] = ("block4_conv2",),
    *,
    layer_weights: Mapping[str, float] | Sequence[float] | None = None,
    normalization: str = "target",
    name: str = "content",
) -> Objective:
    """Mean squared difference of feature maps.

    Args:
      layers: Names of the backbone's layers.
      layer_weights: A weight for each layer, by name or in order; None: equal weights that add up to 1.
      normalization: "target" divides each layer by the mean square of the content's features, so that one weight
        holds for all backbones and pictures; "none" is the plain mean squared error of the classic scripts.
      name: The term's name in logs.

    Returns:
      An `Objective` of one term, [B].

    Raises:
      ValueError: Unknown normalization, no layers, or not one weight for each layer.

    Example:
      >>> objective = content_loss(["block4_conv2"]) + 10.0 * style_loss()

    Reference:
      Gatys et al., CVPR 2016, eq. 1 (half the sum of squares there; a mean here, so that one weight holds across
      sizes). https://openaccess.thecvf.com/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf
    """
    check_normalization(normalization)
    weights = layer_weights_of(layers, layer_weights)

    def target(references: References) -> Nest:
        return {layer: references.content[layer] for layer in layers}

    def sums(features: Features, targets: Nest) -> Nest:
        totals = {}
        for layer in layers:
            counts = position_weights(features[layer], features.get("mask"))
            squares = (tf.math.squared_difference(features[layer], targets[layer]), tf.square(targets[layer]))
            error, energy = (tf.reduce_sum(counts * tf.reduce_mean(square, -1), [1, 2]) for square in squares)
            totals[layer] = {"error": error, "energy": energy, "count": tf.reduce_sum(counts, [1, 2])}
        return totals

    def from_sums(totals: Nest, targets: Nest) -> tf.Tensor:
        del targets
        total = tf.zeros([])
        for layer, weight in zip(layers, weights, strict=True):
            error, energy = (
                tf.math.divide_no_nan(totals[layer][key], totals[layer]["count"]) for key in ("error", "energy")
            )
            total += weight * relative(error, energy, normalization)
        return total

    return Objective(((1.0, additive_term(name, target, sums, from_sums)),))

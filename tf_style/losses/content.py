"""Content loss: keeps the picture's deep features close to the content image's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keras import ops

from tf_style.losses.objective import Objective, additive_term
from tf_style.losses.weighting import check_normalization, layer_weights_of, relative
from tf_style.ops.positions import position_weights
from tf_style.types import Features, Nest, References, Tensor

_LEAST_VARIANCE = 1.0  # of a channel, in the backbone's units; it keeps channels that are silent from being amplified


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
            squares = (ops.square(features[layer] - targets[layer]), ops.square(targets[layer]))
            error, energy = (ops.sum(counts * ops.mean(square, -1), (1, 2)) for square in squares)
            totals[layer] = {"error": error, "energy": energy, "count": ops.sum(counts, (1, 2))}
        return totals

    def from_sums(totals: Nest, targets: Nest) -> Tensor:
        del targets
        total = 0.0
        for layer, weight in zip(layers, weights, strict=True):
            error, energy = (
                ops.divide_no_nan(totals[layer][key], totals[layer]["count"]) for key in ("error", "energy")
            )
            total += weight * relative(error, energy, normalization)
        return total

    return Objective(((1.0, additive_term(name, target, sums, from_sums)),))


def pixel_loss(*, name: str = "pixels") -> Objective:
    """Mean absolute difference of pixels, for pictures that must come out as they were.

    Args:
      name: The term's name in logs.

    Returns:
      An `Objective` of one term, [B], in [0, 1].

    Reference:
      Zhao et al., "Loss Functions for Image Restoration with Neural Networks", IEEE Transactions on Computational
      Imaging 3, 2017, section III-A (absolute differences blur less than squares). https://arxiv.org/abs/1511.08861
    """

    def sums(features: Features, targets: Nest) -> Nest:
        counts = position_weights(features["image"], features.get("mask"))
        error = ops.mean(ops.abs(features["image"] - targets), -1)
        return {"error": ops.sum(counts * error, (1, 2)), "count": ops.sum(counts, (1, 2))}

    def from_sums(totals: Nest, targets: Nest) -> Tensor:
        del targets
        return ops.divide_no_nan(totals["error"], totals["count"])

    return Objective(((1.0, additive_term(name, lambda references: references.content["image"], sums, from_sums)),))


def standardized_content_loss(
    layers: Sequence[str] = ("block4_conv2",),
    *,
    layer_weights: Mapping[str, float] | Sequence[float] | None = None,
    name: str = "content",
) -> Objective:
    """Mean squared difference of feature maps whose channels have mean 0 and deviation 1.

    It keeps forms, and leaves light and colour to the style. It takes part in `Objective`s as `content_loss` does.

    Args:
      layers: Names of the backbone's layers.
      layer_weights: A weight for each layer, by name or in order; None: equal weights that add up to 1.
      name: The term's name in logs.

    Returns:
      An `Objective` of one term, [B]; about 2 for another picture.

    Raises:
      ValueError: No layers, or not one weight for each layer.

    Reference:
      Park and Lee, "Arbitrary Style Transfer with Style-Attentional Networks", CVPR 2019, section 3.2.
      https://arxiv.org/abs/1812.02342
    """
    weights = layer_weights_of(layers, layer_weights)

    def target(references: References) -> Nest:
        return {layer: _standardized(references.content[layer], references.content.get("mask")) for layer in layers}

    def sums(features: Features, targets: Nest) -> Nest:
        totals = {}
        for layer in layers:
            counts = position_weights(features[layer], features.get("mask"))[..., None]
            own, other = features[layer] - targets[layer]["mean"], targets[layer]["standardized"]
            products = {"own": own, "energy": ops.square(own), "both": own * other, "other": ops.square(other)}
            totals[layer] = {
                **{key: ops.sum(counts * value, (1, 2)) for key, value in products.items()},
                "mean": ops.sum(counts * other, (1, 2)),
                "count": ops.sum(counts, (1, 2)),
            }
        return totals

    def from_sums(totals: Nest, targets: Nest) -> Tensor:
        del targets
        total = 0.0
        for layer, weight in zip(layers, weights, strict=True):
            own, energy, both, other, mean = (
                ops.divide_no_nan(totals[layer][key], totals[layer]["count"])
                for key in ("own", "energy", "both", "other", "mean")
            )
            variance = ops.relu(energy - ops.square(own))
            root = ops.rsqrt(variance + _LEAST_VARIANCE)
            error = variance * ops.square(root) - 2.0 * (both - own * mean) * root + other
            total += weight * ops.mean(ops.relu(error), -1)
        return total

    return Objective(((1.0, additive_term(name, target, sums, from_sums, repr=f"{name}(standardized)")),))


def _standardized(features: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
    """The features with mean 0 and deviation 1, by channel, and what their means were, [B, 1, 1, C]."""
    counts = position_weights(features, mask)[..., None]
    total = ops.sum(counts, (1, 2), keepdims=True)
    mean = ops.divide_no_nan(ops.sum(counts * features, (1, 2), keepdims=True), total)
    variance = ops.divide_no_nan(ops.sum(counts * ops.square(features - mean), (1, 2), keepdims=True), total)
    return {"standardized": (features - mean) * ops.rsqrt(variance + _LEAST_VARIANCE), "mean": mean}

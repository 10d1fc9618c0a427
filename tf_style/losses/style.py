"""Style loss: brings the picture's feature statistics close to the style images'."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence

import keras

from tf_style.controls import shares_of
from tf_style.losses.objective import Objective, additive_term
from tf_style.losses.weighting import check_normalization, layer_weights_of, relative
from tf_style.ops.positions import position_weights
from tf_style.ops.statistics import STATISTICS
from tf_style.types import Features, Nest, References, Tensor

STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")


def style_loss(
    layers: Sequence[str] = STYLE_LAYERS,
    *,
    statistic: str = "gram",
    layer_weights: Mapping[str, float] | Sequence[float] | None = None,
    style_blend: Sequence[float] | None = None,
    normalization: str = "target",
    name: str = "style",
) -> Objective:
    """Distance between the picture's feature statistics and those of one or several style images.

    Args:
      layers: Names of the backbone's layers.
      statistic: "gram" (Gram matrix, mean squared difference), "mean_std" (mean and standard deviation), or
        "wasserstein" (mean and covariance, squared 2-Wasserstein distance).
      layer_weights: A weight for each layer, by name or in order; None: equal weights that add up to 1.
      style_blend: The share of each style image, scaled to add up to 1; None: equal shares.
      normalization: "target" divides each layer by the energy of its target (for "gram" the mean square of the
        target's entries), so that one weight holds for all backbones, statistics and styles; "none" does not.
      name: The term's name in logs.

    Returns:
      An `Objective` of one term, [B].

    Raises:
      ValueError: Unknown statistic or normalization, no layers, or not one weight for each layer. While painting: not
        one share for each style.

    Reference:
      Gatys et al., CVPR 2016, eq. 4 and 5; Huang and Belongie, ICCV 2017, section 5 (mean_std); K. Crowson,
      style-transfer-pytorch, 2021 (wasserstein).
    """
    if statistic not in STATISTICS:
        raise ValueError(f"Unknown style statistic {statistic!r}. Allowed: {', '.join(STATISTICS)}.")
    check_normalization(normalization)
    weights = layer_weights_of(layers, layer_weights)
    kind = STATISTICS[statistic]

    def target(references: References) -> Nest:
        shares = shares_of(style_blend, len(references.styles)) if references.shares is None else references.shares
        summaries = {
            layer: [
                kind.summary(style[layer])  # what `style_sums` returned
                if isinstance(style[layer], Mapping)
                else kind.describe(style[layer], _weights(style, layer))
                for style in references.styles
            ]
            for layer in layers
        }
        return {layer: kind.prepare(_blend(summaries[layer], shares)) for layer in layers}

    def sums(features: Features, targets: Nest) -> Nest:
        del targets
        return {layer: kind.sums(features[layer], _weights(features, layer)) for layer in layers}

    def from_sums(totals: Nest, targets: Nest) -> Tensor:
        total = 0.0
        for layer, weight in zip(layers, weights, strict=True):
            error = kind.distance(kind.summary(totals[layer]), targets[layer])
            total += weight * relative(error, kind.energy(targets[layer]), normalization)
        return total

    term = additive_term(
        name,
        target,
        sums,
        from_sums,
        repr=f"{name}({statistic})",
        reads="styles",
        style_sums=lambda features: sums(features, ()),
    )
    return Objective(((1.0, term),))


def _weights(features: Features, layer: str) -> Tensor | None:
    """The weights of a layer's positions; None: all equal."""
    return position_weights(features[layer], features["mask"]) if "mask" in features else None


def _blend(summaries: list[Nest], shares: list[float] | Tensor) -> Nest:
    def weighted_sum(*tensors: Tensor) -> Tensor:  # broadcasts a style of batch 1 to a batch
        return functools.reduce(operator.add, [shares[place] * tensor for place, tensor in enumerate(tensors)])

    return keras.tree.map_structure(weighted_sum, *summaries)

"""Relaxed optimal transport: every place of the picture looks like some place of the style, and the other way round."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from keras import ops

from tf_style.controls import shares_of
from tf_style.losses.objective import Objective
from tf_style.losses.weighting import layer_weights_of, unit
from tf_style.ops.noise import uniform
from tf_style.ops.positions import position_weights
from tf_style.types import Features, Nest, References, Tensor, Term

TRANSPORT_LAYERS = ("block3_conv1", "block4_conv1", "block5_conv1")

_FAR = 1e4  # a distance that no two places have
_EPSILON = 1e-6
_PICTURE, _STYLE = 0, 1  # what places are drawn for


def relaxed_transport_loss(
    layers: Sequence[str] = TRANSPORT_LAYERS,
    *,
    distance: str = "cosine",
    pool: int = 1,
    num_places: int = 1024,
    seed: int = 0,
    layer_weights: Mapping[str, float] | Sequence[float] | None = None,
    style_blend: Sequence[float] | None = None,
    name: str = "transport",
) -> Objective:
    """Relaxed earth mover's distance between the places of the picture and those of the style images.

    It is the mean distance of the picture's places to the nearest of any style, plus that of each style's places to the
    nearest of the picture. The second part is what brings a style's rare colours. Of larger feature maps, places are
    drawn at random: the style's with the targets, the picture's anew in each step, by "step" among its features.

    Args:
      layers: Names of the backbone's layers; "image" compares colours.
      distance: "cosine" (1 - the cosine of the angle between features), or "euclidean".
      pool: Means over squares of so many positions are compared, instead of single ones.
      num_places: At most so many places of each picture are compared.
      seed: Decides the places.
      layer_weights: A weight for each layer, by name or in order; None: equal weights that add up to 1.
      style_blend: The share of each style image, scaled to add up to 1; None: equal shares.
      name: The term's name in logs.

    Returns:
      An `Objective` of one term, [B]. It cannot be added up from tiles.

    Raises:
      ValueError: Unknown distance, no layers, or not one weight for each layer. While painting: not one share for each
        style.

    Reference:
      Kolkin, Salavon, Shakhnarovich, "Style Transfer by Relaxed Optimal Transport and Self-Similarity", CVPR 2019,
      section 2.2, eq. 4 to 7 (there the larger of the two parts; their sum here). https://arxiv.org/abs/1904.12785
    """
    if distance not in _DISTANCES:
        raise ValueError(f"Unknown distance {distance!r}. Allowed: {', '.join(_DISTANCES)}.")
    weights = layer_weights_of(layers, layer_weights)
    distances = _DISTANCES[distance]

    def sample(features: Features, layer: str, purpose: int) -> dict[str, Tensor]:
        draw = uniform((2 * seed + purpose, features.get("step", 0)), num_places)
        return _places(features[layer], features.get("mask"), pool, draw)

    def target(references: References) -> Nest:
        shares = shares_of(style_blend, len(references.styles)) if references.shares is None else references.shares
        return {
            layer: [
                {**sample(style, layer, _STYLE), "share": ops.reshape(ops.cast(shares[place], "float32"), (1,))}
                for place, style in enumerate(references.styles)
            ]
            for layer in layers
        }

    def loss(features: Features, targets: Nest) -> Tensor:
        total = 0.0
        for layer, weight in zip(layers, weights, strict=True):
            own = sample(features, layer, _PICTURE)
            total += weight * _both_ways(own, targets[layer], distances)
        return total

    return Objective(((1.0, Term(name, target, loss, f"{name}({distance})", "styles")),))


def _places(features: Tensor, mask: Tensor | None, pool: int, draw: Tensor) -> dict[str, Tensor]:
    """Features [B, N, C] of the places drawn in [0, 1), and their weights [B, N].

    If there are fewer than N places, each is there once; the rest have weight 0.
    """
    if pool > 1:
        features = ops.average_pool(features, pool, pool)
    batch, height, width, channels = ops.shape(features)
    total, count = height * width, draw.shape[0]
    by_chance = ops.cast(draw * ops.cast(total, "float32"), "int32")
    drawn = ops.where(total <= count, ops.arange(count, dtype="int32"), by_chance)
    chosen = ops.minimum(drawn, total - 1)
    weights = ops.take(ops.reshape(position_weights(features, mask), (batch, total)), chosen, axis=1)
    return {
        "features": ops.take(ops.reshape(features, (batch, total, channels)), chosen, axis=1),
        "weights": ops.where(drawn < total, weights, 0.0),
    }


def _both_ways(own: Nest, styles: Sequence[Nest], distances: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The mean way to the nearest place of any style, and the mean way back from each style by its share, [B]."""
    nearest, back = [], 0.0
    for style in styles:
        between = distances(own["features"], style["features"])  # [B, own places, the style's]
        hidden = ops.where(style["weights"] > 0.0, 0.0, _FAR) + ops.where(style["share"][:, None] > 0.0, 0.0, _FAR)
        nearest.append(ops.min(between + hidden[:, None], axis=2))
        outside = ops.where(own["weights"] > 0.0, 0.0, _FAR)
        way = ops.min(between + outside[:, :, None], axis=1)
        back += style["share"] * _mean(way, style["weights"])
    return _mean(functools.reduce(ops.minimum, nearest), own["weights"]) + back


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return ops.divide_no_nan(ops.sum(weights * values, 1), ops.sum(weights + 0.0 * values, 1))


def _cosine(own: Tensor, other: Tensor) -> Tensor:
    return 1.0 - _products(unit(own), unit(other))


def _euclidean(own: Tensor, other: Tensor) -> Tensor:
    squares = ops.sum(ops.square(own), -1)[:, :, None] + ops.sum(ops.square(other), -1)[:, None]
    squares = ops.relu(squares - 2.0 * _products(own, other))
    return ops.sqrt(squares + _EPSILON) - _EPSILON**0.5  # the root of 0 has no gradient


def _products(own: Tensor, other: Tensor) -> Tensor:
    return ops.matmul(own, ops.transpose(other, (0, 2, 1)))


_DISTANCES = {"cosine": _cosine, "euclidean": _euclidean}

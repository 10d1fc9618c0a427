"""Relaxed optimal transport: every place of the picture looks like some place of the style, and the other way round."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from tf_style.controls import shares_of
from tf_style.losses.objective import Objective
from tf_style.losses.weighting import layer_weights_of
from tf_style.ops.positions import position_weights
from tf_style.types import Features, Nest, References, Term

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

    def sample(features: Features, layer: str, purpose: int) -> dict[str, tf.Tensor]:
        step = features.get("step", tf.zeros([], tf.int32))
        draw = tf.random.stateless_uniform([num_places], tf.stack([2 * seed + purpose, step]), alg="philox")  # XLA, too
        return _places(features[layer], features.get("mask"), pool, draw)

    def target(references: References) -> Nest:
        shares = shares_of(style_blend, len(references.styles)) if references.shares is None else references.shares
        return {
            layer: [
                {**sample(style, layer, _STYLE), "share": tf.convert_to_tensor(shares[place], tf.float32)[tf.newaxis]}
                for place, style in enumerate(references.styles)
            ]
            for layer in layers
        }

    def loss(features: Features, targets: Nest) -> tf.Tensor:
        total = tf.zeros([])
        for layer, weight in zip(layers, weights, strict=True):
            own = sample(features, layer, _PICTURE)
            total += weight * _both_ways(own, targets[layer], distances)
        return total

    return Objective(((1.0, Term(name, target, loss, f"{name}({distance})", "styles")),))


def _places(features: tf.Tensor, mask: tf.Tensor | None, pool: int, draw: tf.Tensor) -> dict[str, tf.Tensor]:
    """Features [B, N, C] of the places drawn in [0, 1), and their weights [B, N].

    If there are fewer than N places, each is there once; the rest have weight 0.
    """
    if pool > 1:
        features = tf.nn.avg_pool2d(features, pool, pool, "VALID")
    shape = tf.shape(features)
    total, count = shape[1] * shape[2], tf.shape(draw)[0]
    drawn = tf.where(total <= count, tf.range(count), tf.cast(draw * tf.cast(total, tf.float32), tf.int32))
    chosen = tf.minimum(drawn, total - 1)
    weights = tf.gather(tf.reshape(position_weights(features, mask), [-1, total]), chosen, axis=1)
    return {
        "features": tf.gather(tf.reshape(features, [shape[0], total, features.shape[-1]]), chosen, axis=1),
        "weights": tf.where(drawn < total, weights, 0.0),
    }


def _both_ways(own: Nest, styles: Sequence[Nest], distances: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """The mean way to the nearest place of any style, and the mean way back from each style by its share, [B]."""
    nearest, back = [], tf.zeros([])
    for style in styles:
        between = distances(own["features"], style["features"])  # [B, own places, the style's]
        hidden = tf.where(style["weights"] > 0.0, 0.0, _FAR) + tf.where(style["share"][:, tf.newaxis] > 0.0, 0.0, _FAR)
        nearest.append(tf.reduce_min(between + hidden[:, tf.newaxis], axis=2))
        outside = tf.where(own["weights"] > 0.0, 0.0, _FAR)
        way = tf.reduce_min(between + outside[:, :, tf.newaxis], axis=1)
        back += style["share"] * _mean(way, style["weights"])
    return _mean(functools.reduce(tf.minimum, nearest), own["weights"]) + back


def _mean(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.math.divide_no_nan(tf.reduce_sum(weights * values, 1), tf.reduce_sum(weights + 0.0 * values, 1))


def _cosine(own: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    return 1.0 - tf.matmul(tf.math.l2_normalize(own, -1), tf.math.l2_normalize(other, -1), transpose_b=True)


def _euclidean(own: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    squares = (
        tf.reduce_sum(tf.square(own), -1)[:, :, tf.newaxis]
        + tf.reduce_sum(tf.square(other), -1)[:, tf.newaxis]
        - 2.0 * tf.matmul(own, other, transpose_b=True)
    )
    return tf.sqrt(tf.nn.relu(squares) + _EPSILON) - _EPSILON**0.5  # the root of 0 has no gradient


_DISTANCES = {"cosine": _cosine, "euclidean": _euclidean}

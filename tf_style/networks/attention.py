"""Attention from the places of a picture to those of styles: each takes the values whose keys fit.

Reference:
  Park, Lee, "Arbitrary Style Transfer with Style-Attentional Networks", CVPR 2019 (https://arxiv.org/abs/1812.02342).
"""

from __future__ import annotations

from typing import Any

from keras import ops

_SIDE = 32
#: A style's tokens: its features at the places of a grid of 32 x 32.
TOKENS = _SIDE**2
_EPSILON = 1e-5
_NOTHING = 1e-30  # a share that is as good as none


def on_a_grid(features: Any) -> Any:
    """The features [B, h, w, C] at the nearest places of a regular grid, [B, 32, 32, C]."""
    for axis in (1, 2):
        places = (2 * ops.arange(_SIDE, dtype="int32") + 1) * ops.shape(features)[axis] // (2 * _SIDE)
        features = ops.take(features, places, axis=axis)
    return features


def mixed_moments(values: Any, shares: Any) -> tuple[Any, Any]:
    """Mean and deviation [b, values] of each style's values [b, K, T, values], by share."""
    mean, variance = ops.moments(values, axes=[2])
    shares = shares[:, None]
    return ops.sum(shares * mean, axis=1), ops.sum(shares * ops.sqrt(variance + _EPSILON), axis=1)


def attend(queries: Any, keys: Any, values: Any, shares: Any) -> Any:
    """For each query the values whose keys fit: [B, P, keys], [b, K, T, keys], [b, K, T, values] to [B, P, values].

    A style's share multiplies the weights of its tokens.
    """
    dtype, (batch, styles) = queries.dtype, ops.shape(keys)[:2]
    keys = ops.reshape(ops.cast(keys / keys.shape[-1] ** 0.5, dtype), (batch, styles * TOKENS, keys.shape[-1]))
    values = ops.reshape(ops.cast(values, dtype), (batch, styles * TOKENS, values.shape[-1]))
    weights = ops.cast(ops.repeat(ops.log(ops.maximum(shares, _NOTHING)), TOKENS), dtype)
    scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
    scores = ops.cond(styles > 1, lambda: scores + weights, lambda: scores)  # a pass less for a single style
    return ops.matmul(ops.softmax(scores), values)

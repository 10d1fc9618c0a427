"""Gives one picture the colour distribution of another."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tf_style.ops.matrix import square_root
from tf_style.types import Image

_RIDGE = 1e-4  # variance (white is 1): keeps noise in grey pictures from turning into colour
_QUANTILES = 256
_TURNS = 10  # rotations of the colour axes
_MOST = 2**16  # most pixels that quantiles are computed from
_GOLDEN = (5.0**0.5 - 1.0) / 2.0


def match_mean_and_covariance(image: Image, reference: Image) -> Image:
    """Maps a picture's colours linearly, to the mean and covariance of another picture's colours.

    Of all linear maps that do this, it takes the one that moves colours least (optimal transport between Gaussians).

    Args:
      image: Float32 [B or 1, H, W, 3], RGB in [0, 1]; or with an alpha as 4th channel; transparent pixels are ignored.
      reference: Float32 [B or 1, h, w, 3 or 4] of any size.

    Returns:
      Float32 [B, H, W, 3]; colours beyond [0, 1] are not clipped.

    Reference:
      Pitie, Kokaram, "The linear Monge-Kantorovitch linear colour mapping for example-based colour transfer", CVMP
      2007, eq. 9. As a way to keep colours: Gatys et al., "Preserving Color in Neural Artistic Style Transfer", 2016,
      section 4 (which leaves the choice among such maps open). https://arxiv.org/abs/1606.05897
    """
    mean, covariance = _moments(image)
    wanted_mean, wanted = _moments(reference)
    root = square_root(covariance + _RIDGE * tf.eye(3))
    inverse = tf.linalg.inv(root)
    map_ = inverse @ square_root(root @ wanted @ root) @ inverse
    centered = image[..., :3] - mean[:, tf.newaxis, tf.newaxis]
    return tf.einsum("bhwi,bij->bhwj", *_same_batch(centered, map_)) + wanted_mean[:, tf.newaxis, tf.newaxis]


def match_distribution(image: Image, reference: Image) -> Image:
    """Maps a picture's colours to the joint distribution of another picture's colours, not just channel by channel.

    After the linear map, the colour space is rotated ten times; along the axes of each rotation, the values' quantiles
    are mapped to the reference's.

    Args:
      image: Float32 [B or 1, H, W, 3], RGB in [0, 1]; or with an alpha as 4th channel; transparent pixels are ignored.
      reference: Float32 [B or 1, h, w, 3 or 4] of any size.

    Returns:
      Float32 [B, H, W, 3]; the few colours beyond [0, 1] are not clipped.

    Reference:
      Pitie, Kokaram, Dahyot, "N-Dimensional Probability Density Function Transfer and its Application to Colour
      Transfer", ICCV 2005, section 3.
    """
    start = match_mean_and_covariance(image, reference)
    colors, wanted = _same_batch(_columns(start), _columns(reference))
    (places, ours), (other_places, theirs) = (_sample(seen) for seen in _same_batch(_seen(image), _seen(reference)))
    wanted = tf.gather(wanted, other_places, axis=2, batch_dims=1)
    for turn in _turns():
        turned = tf.einsum("ij,bjn->bin", turn, colors)
        before = _quantiles(tf.gather(turned, places, axis=2, batch_dims=1), ours)
        after = _quantiles(tf.einsum("ij,bjn->bin", turn, wanted), theirs)
        colors = tf.einsum("ij,bin->bjn", turn, _moved(turned, before, after))
    return tf.reshape(tf.transpose(colors, [0, 2, 1]), tf.shape(start))


def _seen(image: Image) -> tf.Tensor:
    """Which pixels are visible, bool [B, N]: all of them without an alpha, or if it is 0 everywhere."""
    seen = image[..., 3] > 0.0 if image.shape[-1] == 4 else tf.ones(tf.shape(image)[:3], tf.bool)
    seen = tf.reshape(seen, [tf.shape(image)[0], -1])
    return seen | ~tf.reduce_any(seen, axis=1, keepdims=True)


def _moments(image: Image) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean [B, 3] and covariance [B, 3, 3] of the visible colours."""
    columns, seen = _columns(image), tf.cast(_seen(image), tf.float32)[:, tf.newaxis]
    count = tf.reduce_sum(seen, axis=2)
    mean = tf.reduce_sum(seen * columns, axis=2) / count
    centered = seen * (columns - mean[..., tf.newaxis])
    return mean, tf.matmul(centered, centered, transpose_b=True) / count[..., tf.newaxis]


def _columns(image: Image) -> tf.Tensor:
    """The colours as [B, 3, N], one row per channel."""
    return tf.transpose(tf.reshape(image[..., :3], [tf.shape(image)[0], -1, 3]), [0, 2, 1])


def _same_batch(one: tf.Tensor, other: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Both tensors with the larger batch; one of them may have a batch of 1."""
    batch = tf.maximum(tf.shape(one)[0], tf.shape(other)[0])
    return tf.repeat(one, batch // tf.shape(one)[0], 0), tf.repeat(other, batch // tf.shape(other)[0], 0)


def _turns() -> list[np.ndarray]:
    """Orthogonal matrices [3, 3]: the identity, then random ones, always the same."""
    rng = np.random.default_rng(0)
    random = [np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(_TURNS - 1)]
    return [turn.astype(np.float32) for turn in [np.eye(3), *random]]


def _sample(seen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The pixels to compute quantiles from: places [B, M], and whether each counts. Large pictures are subsampled.

    Visible pixels are drawn by the golden ratio: every n-th pixel would come from few columns if n divides the width.
    """
    batch, count = tf.unstack(tf.shape(seen))

    def some() -> tuple[tf.Tensor, tf.Tensor]:
        ranks = tf.cumsum(tf.cast(seen, tf.int32), axis=1)
        share = tf.math.floormod(tf.range(_MOST, dtype=tf.float64) * _GOLDEN, 1.0)
        wanted = 1 + tf.cast(share * tf.cast(ranks[:, -1:], tf.float64), tf.int32)
        return tf.searchsorted(ranks, wanted), tf.ones([batch, _MOST], tf.bool)

    return tf.cond(count > _MOST, some, lambda: (tf.tile(tf.range(count)[tf.newaxis], [batch, 1]), seen))


def _quantiles(rows: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
    """Equally spaced quantiles of the visible values, from minimum to maximum: [B, 3, M] and [B, M] to [B, 3, Q]."""
    ordered = tf.sort(tf.where(seen[:, tf.newaxis], rows, rows.dtype.max), axis=-1)  # hidden values come last
    last = tf.reduce_sum(tf.cast(seen, tf.int32), axis=1, keepdims=True) - 1
    place = tf.linspace(0.0, 1.0, _QUANTILES) * tf.cast(last, tf.float32)
    below = tf.minimum(tf.cast(place, tf.int32), last)
    low, high = (tf.gather(ordered, index, axis=2, batch_dims=1) for index in (below, tf.minimum(below + 1, last)))
    share = (place - tf.cast(below, tf.float32))[:, tf.newaxis]
    return (1.0 - share) * low + share * high


def _moved(values: tf.Tensor, before: tf.Tensor, after: tf.Tensor) -> tf.Tensor:
    """Maps rows of values [B, 3, N] so that the quantiles `before` become `after`, both [B, 3, Q]."""
    before, after = (tf.reshape(rows, [-1, _QUANTILES]) for rows in (before, after))
    flat = tf.reshape(values, [-1, tf.shape(values)[2]])
    above = tf.clip_by_value(tf.searchsorted(before, flat, side="right"), 1, _QUANTILES - 1)
    low, high = (tf.gather(before, index, batch_dims=1) for index in (above - 1, above))
    share = tf.clip_by_value(tf.math.divide_no_nan(flat - low, high - low), 0.0, 1.0)
    low, high = (tf.gather(after, index, batch_dims=1) for index in (above - 1, above))
    return tf.reshape(low + share * (high - low), tf.shape(values))

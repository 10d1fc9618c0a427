"""The distribution of a picture's colours, given to another picture."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tf_style.ops.matrix import square_root
from tf_style.types import Image

_RIDGE = 1e-4  # variance, white is 1: keeps the noise of grey pictures from becoming colour
_QUANTILES = 256
_TURNS = 10  # of the colour axes
_MOST = 2**16  # pixels that quantiles are taken from


def match_mean_and_covariance(image: Image, reference: Image) -> Image:
    """A picture with the mean and the covariance of another one's colours, by a linear map of its own.

    Of all linear maps with this effect, the one that moves colours least (the optimal transport between Gaussians).

    Args:
      image: Float32 [B or 1, H, W, 3], RGB in [0, 1].
      reference: Float32 [B or 1, h, w, 3] of any size.

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
    centered = image - mean[:, tf.newaxis, tf.newaxis]
    return tf.einsum("bhwi,bij->bhwj", *_same_batch(centered, map_)) + wanted_mean[:, tf.newaxis, tf.newaxis]


def match_distribution(image: Image, reference: Image) -> Image:
    """A picture with the whole distribution of another one's colours, not of each channel alone.

    After the linear map, along the axes of ten turns of the colour space in turn, the values' quantiles are made those
    of the reference.

    Args:
      image: Float32 [B or 1, H, W, 3], RGB in [0, 1].
      reference: Float32 [B or 1, h, w, 3] of any size.

    Returns:
      Float32 [B, H, W, 3]; colours beyond [0, 1] (there are few) are not clipped.

    Reference:
      Pitie, Kokaram, Dahyot, "N-Dimensional Probability Density Function Transfer and its Application to Colour
      Transfer", ICCV 2005, section 3.
    """
    start = match_mean_and_covariance(image, reference)
    colors, wanted = _same_batch(_columns(start), _columns(reference))
    for turn in _turns():
        matched = _match_quantiles(tf.einsum("ij,bjn->bin", turn, colors), tf.einsum("ij,bjn->bin", turn, wanted))
        colors = tf.einsum("ij,bin->bjn", turn, matched)
    return tf.reshape(tf.transpose(colors, [0, 2, 1]), tf.shape(start))


def _moments(image: Image) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean [B, 3] and covariance [B, 3, 3] of the colours."""
    columns = _columns(image)
    mean = tf.reduce_mean(columns, axis=2)
    centered = columns - mean[..., tf.newaxis]
    covariance = tf.matmul(centered, centered, transpose_b=True) / tf.cast(tf.shape(columns)[2], tf.float32)
    return mean, covariance


def _columns(image: Image) -> tf.Tensor:
    """[B, 3, N], a channel a row."""
    return tf.transpose(tf.reshape(image, [tf.shape(image)[0], -1, 3]), [0, 2, 1])


def _same_batch(one: tf.Tensor, other: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Both with the larger batch, where one of them may have but one member."""
    batch = tf.maximum(tf.shape(one)[0], tf.shape(other)[0])
    return tf.repeat(one, batch // tf.shape(one)[0], 0), tf.repeat(other, batch // tf.shape(other)[0], 0)


def _turns() -> list[np.ndarray]:
    """Orthogonal matrices [3, 3]: the axes themselves, then some at random, always the same ones."""
    rng = np.random.default_rng(0)
    random = [np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(_TURNS - 1)]
    return [turn.astype(np.float32) for turn in [np.eye(3), *random]]


def _match_quantiles(values: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Rows of values, [B, 3, N], mapped so that their quantiles are those of the rows wanted, [B, 3, M]."""
    ours, theirs = (tf.reshape(_quantiles(rows), [-1, _QUANTILES]) for rows in (values, wanted))
    flat = tf.reshape(values, [-1, tf.shape(values)[2]])
    above = tf.clip_by_value(tf.searchsorted(ours, flat, side="right"), 1, _QUANTILES - 1)
    low, high = (tf.gather(ours, index, batch_dims=1) for index in (above - 1, above))
    share = tf.clip_by_value(tf.math.divide_no_nan(flat - low, high - low), 0.0, 1.0)
    low, high = (tf.gather(theirs, index, batch_dims=1) for index in (above - 1, above))
    return tf.reshape(low + share * (high - low), tf.shape(values))


def _quantiles(rows: tf.Tensor) -> tf.Tensor:
    """Equally spaced, from the least to the largest value: [..., N] to [..., Q]; of large pictures a sample's."""
    rows = rows[..., :: tf.shape(rows)[-1] // _MOST + 1]
    last = tf.cast(tf.shape(rows)[-1] - 1, tf.float32)
    place = tf.linspace(0.0, 1.0, _QUANTILES) * last
    below = tf.cast(tf.floor(place), tf.int32)
    above = tf.minimum(below + 1, tf.cast(last, tf.int32))
    ordered = tf.sort(rows, axis=-1)
    share = place - tf.cast(below, tf.float32)
    return (1.0 - share) * tf.gather(ordered, below, axis=-1) + share * tf.gather(ordered, above, axis=-1)

"""Style statistics: what is left of a feature map once positions are averaged away.

A `Statistic` is five pure functions:

- `sums` adds features up over positions; the sums of a picture's parts add up to its own.
- `summary` turns sums into values that can be averaged over several style images, which blends them.
- `prepare` turns the blended summary into a target, once.
- `distance` compares the picture's summary with the target, every step.
- `energy` is the size of the target, by which a relative loss is divided.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tf_style.ops.matrix import product, square_root, trace_of_square_root
from tf_style.types import Nest

_VARIANCE_EPSILON = 1e-5  # keeps the gradient of the standard deviation finite for channels that are constant
_RIDGE = 1e-4  # share of the mean variance added to covariances, so that their square roots have a gradient


class Statistic(NamedTuple):
    """See the module's docstring. `distance` and `energy` return one number per picture, [B].

    `sums` takes features [B, H, W, C] and the weights of their positions, [B, H, W] or None (all equal).
    """

    sums: Callable[[tf.Tensor, tf.Tensor | None], Nest]
    summary: Callable[[Nest], Nest]
    prepare: Callable[[Nest], Nest]
    distance: Callable[[Nest, Nest], tf.Tensor]
    energy: Callable[[Nest], tf.Tensor]

    def describe(self, features: tf.Tensor, weights: tf.Tensor | None = None) -> Nest:
        """The summary of features."""
        return self.summary(self.sums(features, weights))


def gram_matrix(features: tf.Tensor) -> tf.Tensor:
    """Gram matrix of the channels, averaged over positions (the divisor is H*W, not C*H*W).

    Gatys et al. (2016) sum over positions and divide the loss by 4 C^2 (H W)^2; averaging here lets one style weight
    hold across picture sizes.

    Args:
      features: Activations, float32 [B, H, W, C].

    Returns:
      Float32 [B, C, C]; entry (i, j) is the mean over positions of channel i times channel j.

    Example:
      >>> gram_matrix(tf.ones([1, 4, 4, 2]))  # -> [[[1., 1.], [1., 1.]]]

    Reference:
      Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, eq. 3.
      https://openaccess.thecvf.com/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf
    """
    return _mean(_second_sums(features, None))["second"]


def _second_sums(features: tf.Tensor, weights: tf.Tensor | None) -> dict[str, tf.Tensor]:
    return {"second": _inner_products(_columns(features, weights)), "count": _count(features, weights)}


def _columns(features: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    """Features as [B, H*W, C], times the roots of their weights."""
    if weights is not None:
        features *= tf.sqrt(weights)[..., tf.newaxis]
    shape = tf.shape(features)
    return tf.reshape(features, [shape[0], shape[1] * shape[2], features.shape[-1]])


def _first_sums(features: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    return tf.reduce_sum(features if weights is None else weights[..., tf.newaxis] * features, axis=[1, 2])


def _moment_sums(features: tf.Tensor, weights: tf.Tensor | None) -> dict[str, tf.Tensor]:
    if weights is not None:
        return {"first": _first_sums(features, weights), **_second_sums(features, weights)}
    first, second = _sums_and_inner_products(_columns(features, None))
    return {"first": first, "second": second, "count": _count(features, None)}


def _square_sums(features: tf.Tensor, weights: tf.Tensor | None) -> dict[str, tf.Tensor]:
    return {
        "first": _first_sums(features, weights),
        "square": _first_sums(tf.square(features), weights),
        "count": _count(features, weights),
    }


def _count(features: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    """The sum of all positions' weights, [B]."""
    if weights is not None:
        return tf.reduce_sum(weights, axis=[1, 2])
    shape = tf.shape(features)
    return tf.fill(shape[:1], tf.cast(shape[1] * shape[2], features.dtype))


def _mean(sums: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Sums divided by the sum of the weights; 0 where that is 0."""
    count = sums["count"]
    return {
        key: tf.math.divide_no_nan(value, tf.reshape(count, [-1, *[1] * (len(value.shape) - 1)]))
        for key, value in sums.items()
        if key != "count"
    }


@tf.custom_gradient
def _inner_products(columns: tf.Tensor) -> tuple[tf.Tensor, object]:
    """[B, N, C] to [B, C, C]; the gradient computes its two equal halves as one product."""

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return tf.matmul(columns, upstream + tf.linalg.matrix_transpose(upstream))

    return tf.matmul(columns, columns, transpose_a=True), gradient


@tf.custom_gradient
def _sums_and_inner_products(columns: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], object]:
    """[B, N, C] to [B, C] and [B, C, C]; both gradients are written in one pass over the features."""

    def gradient(sums: tf.Tensor, products: tf.Tensor) -> tf.Tensor:
        return tf.matmul(columns, products + tf.linalg.matrix_transpose(products)) + sums[:, tf.newaxis]

    return (tf.reduce_sum(columns, axis=1), tf.matmul(columns, columns, transpose_a=True)), gradient


def mean_and_std(features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and standard deviation of each channel over positions.

    Args:
      features: Activations, float32 [B, H, W, C].

    Returns:
      Two float32 tensors [B, C]: the mean, and the (biased) standard deviation.

    Reference:
      Huang, Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", ICCV 2017,
      section 5. https://arxiv.org/abs/1703.06868
    """
    mean, variance = tf.nn.moments(features, axes=[1, 2])
    return mean, tf.sqrt(variance + _VARIANCE_EPSILON)


def moments(features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """First and second raw moment of the channels over positions.

    Raw moments, unlike covariances, can be averaged over several styles: the average is the moment of their pooled
    positions.

    Args:
      features: Activations, float32 [B, H, W, C].

    Returns:
      The mean, float32 [B, C], and the second raw moment, float32 [B, C, C] (what `gram_matrix` returns).

    Reference:
      The pair (mean, covariance) as a style: Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis",
      CVPR 2021, section 3 discusses it; blending by raw moments as in K. Crowson, style-transfer-pytorch (2021).
    """
    return tf.reduce_mean(features, axis=[1, 2]), gram_matrix(features)


def wasserstein_distance(
    mean: tf.Tensor, covariance: tf.Tensor, target_mean: tf.Tensor, target_covariance_root: tf.Tensor
) -> tf.Tensor:
    """Squared 2-Wasserstein (Bures) distance between two Gaussians, per channel.

    |m - m'|^2 + tr(S + S' - 2 (S'^1/2 S S'^1/2)^1/2), divided by the number of channels.

    Args:
      mean: Float32 [B, C].
      covariance: Float32 [B, C, C], symmetric, positive semi-definite.
      target_mean: Float32 [B or 1, C].
      target_covariance_root: The symmetric square root of the target covariance, float32 [B or 1, C, C].

    Returns:
      Float32 [B], never negative.

    Reference:
      Olkin, Pukelsheim, "The distance between two random vectors with given dispersion matrices", Linear Algebra and
      its Applications 48, 1982. Used as a style loss in K. Crowson, style-transfer-pytorch (2021).
    """
    root = target_covariance_root
    channels = tf.cast(tf.shape(mean)[-1], mean.dtype)
    inner = product(product(root, covariance), root)
    bures = (
        tf.linalg.trace(covariance)
        + tf.reduce_sum(tf.square(root), axis=[1, 2])  # the trace of the target covariance
        - 2.0 * trace_of_square_root(inner)
    )
    return (tf.reduce_sum(tf.math.squared_difference(mean, target_mean), axis=1) + tf.nn.relu(bures)) / channels


def _moments_of(sums: Nest) -> Nest:
    means = _mean(sums)
    return means["first"], means["second"]


def _mean_and_std_of(sums: Nest) -> Nest:
    means = _mean(sums)
    variance = tf.nn.relu(means["square"] - tf.square(means["first"]))
    return means["first"], tf.sqrt(variance + _VARIANCE_EPSILON)


def _mean_square(tensor: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.square(tensor), axis=list(range(1, len(tensor.shape))))


def _covariance(summary: Nest, ridge: tf.Tensor) -> tf.Tensor:
    mean, second = summary
    covariance = second - mean[:, :, tf.newaxis] * mean[:, tf.newaxis, :]
    return covariance + ridge[:, tf.newaxis, tf.newaxis] * tf.eye(mean.shape[-1])


def _prepare_wasserstein(summary: Nest) -> Nest:
    mean, second = summary
    variance = tf.reduce_mean(tf.linalg.diag_part(second) - tf.square(mean), axis=1)
    ridge = _RIDGE * tf.nn.relu(variance) + 1e-8
    return {
        "mean": mean,
        "covariance_root": square_root(_covariance(summary, ridge)),
        "ridge": ridge,
        "energy": tf.reduce_mean(tf.linalg.diag_part(second), axis=1),
    }


def _wasserstein(summary: Nest, target: Nest) -> tf.Tensor:
    covariance = _covariance(summary, target["ridge"])
    return wasserstein_distance(summary[0], covariance, target["mean"], target["covariance_root"])


#: Name -> statistic. A new style statistic is a new row here.
STATISTICS: dict[str, Statistic] = {
    "gram": Statistic(
        sums=_second_sums,
        summary=lambda sums: _mean(sums)["second"],
        prepare=lambda gram: gram,
        distance=lambda gram, target: _mean_square(gram - target),
        energy=_mean_square,
    ),
    "mean_std": Statistic(
        sums=_square_sums,
        summary=_mean_and_std_of,
        prepare=lambda summary: summary,
        distance=lambda summary, target: _mean_square(summary[0] - target[0]) + _mean_square(summary[1] - target[1]),
        energy=lambda target: _mean_square(target[0]) + _mean_square(target[1]),
    ),
    "wasserstein": Statistic(
        sums=_moment_sums,
        summary=_moments_of,
        prepare=_prepare_wasserstein,
        distance=_wasserstein,
        energy=lambda target: target["energy"],
    ),
}

"""Style statistics: what is left of a feature map once positions are averaged away.

A `Statistic` is five pure functions:

- `sums` adds features up over positions; the sums of a picture's parts add up to its own.
- `summary` turns sums into values that can be averaged over several style images, which blends them.
- `prepare` turns the blended summary into a target, once.
- `distance` compares the picture's summary with the target, every step.
- `energy` is the size of the target, by which a relative loss is divided.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import keras
from keras import ops

from tf_style.types import Nest, Tensor

_VARIANCE_EPSILON = 1e-5  # keeps the gradient of the standard deviation finite for channels that are constant
_RIDGE = 1e-4  # share of the mean variance added to covariances, so that their square roots have a gradient


class Statistic(NamedTuple):
    """See the module's docstring. `distance` and `energy` return one number per picture, [B].

    `sums` takes features [B, H, W, C] and the weights of their positions, [B, H, W] or None (all equal).
    """

    sums: Callable[[Tensor, Tensor | None], Nest]
    summary: Callable[[Nest], Nest]
    prepare: Callable[[Nest], Nest]
    distance: Callable[[Nest, Nest], Tensor]
    energy: Callable[[Nest], Tensor]

    def describe(self, features: Tensor, weights: Tensor | None = None) -> Nest:
        """The summary of features."""
        return self.summary(self.sums(features, weights))


def gram_matrix(features: Tensor) -> Tensor:
    """Gram matrix of the channels, averaged over positions (the divisor is H*W, not C*H*W).

    Gatys et al. (2016) sum over positions and divide the loss by 4 C^2 (H W)^2; averaging here lets one style weight
    hold across picture sizes.

    Args:
      features: Activations, float32 [B, H, W, C].

    Returns:
      Float32 [B, C, C]; entry (i, j) is the mean over positions of channel i times channel j.

    Example:
      >>> gram_matrix(keras.ops.ones([1, 4, 4, 2]))  # -> [[[1., 1.], [1., 1.]]]

    Reference:
      Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, eq. 3.
      https://openaccess.thecvf.com/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf
    """
    return _mean(_second_sums(features, None))["second"]


def _second_sums(features: Tensor, weights: Tensor | None) -> dict[str, Tensor]:
    return {"second": _inner_products(_columns(features, weights)), "count": _count(features, weights)}


def _columns(features: Tensor, weights: Tensor | None) -> Tensor:
    """Features as [B, H*W, C], times the roots of their weights."""
    if weights is not None:
        features = features * ops.sqrt(weights)[..., None]
    batch, height, width, channels = ops.shape(features)
    return ops.reshape(features, (batch, height * width, channels))


def _first_sums(features: Tensor, weights: Tensor | None) -> Tensor:
    return ops.sum(features if weights is None else weights[..., None] * features, axis=(1, 2))


def _moment_sums(features: Tensor, weights: Tensor | None) -> dict[str, Tensor]:
    if weights is not None:
        return {"first": _first_sums(features, weights), **_second_sums(features, weights)}
    first, second = _matrix().sums_and_inner_products(_columns(features, None))
    return {"first": first, "second": second, "count": _count(features, None)}


def _square_sums(features: Tensor, weights: Tensor | None) -> dict[str, Tensor]:
    return {
        "first": _first_sums(features, weights),
        "square": _first_sums(ops.square(features), weights),
        "count": _count(features, weights),
    }


def _count(features: Tensor, weights: Tensor | None) -> Tensor:
    """The sum of all positions' weights, [B]."""
    if weights is not None:
        return ops.sum(weights, axis=(1, 2))
    batch, height, width = ops.shape(features)[:3]
    return ops.broadcast_to(ops.cast(height * width, features.dtype), (batch,))


def _mean(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    """Sums divided by the sum of the weights; 0 where that is 0."""
    count = sums["count"]
    return {
        key: ops.divide_no_nan(value, ops.reshape(count, (-1, *[1] * (len(value.shape) - 1))))
        for key, value in sums.items()
        if key != "count"
    }


def _inner_products(columns: Tensor) -> Tensor:
    """[B, N, C] to [B, C, C]."""
    return _matrix().inner_products(columns) if _on_tensorflow() else ops.einsum("bni,bnj->bij", columns, columns)


def _on_tensorflow() -> bool:
    return keras.backend.backend() == "tensorflow"


def _matrix() -> ModuleType:
    """The room `ops.matrix`, which needs TensorFlow.

    Raises:
      ValueError: Keras has another backend.
    """
    if not _on_tensorflow():
        raise ValueError(
            "The statistic 'wasserstein' needs Keras's backend tensorflow, but it is "
            f"{keras.backend.backend()}; choose gram or mean_std."
        )
    return importlib.import_module("tf_style.ops.matrix")


def mean_and_std(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over positions.

    Args:
      features: Activations, float32 [B, H, W, C].

    Returns:
      Two float32 tensors [B, C]: the mean, and the (biased) standard deviation.

    Reference:
      Huang, Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", ICCV 2017,
      section 5. https://arxiv.org/abs/1703.06868
    """
    mean, variance = ops.moments(features, axes=[1, 2])
    return mean, ops.sqrt(variance + _VARIANCE_EPSILON)


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
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
    return ops.mean(features, axis=(1, 2)), gram_matrix(features)


def wasserstein_distance(
    mean: Tensor, covariance: Tensor, target_mean: Tensor, target_covariance_root: Tensor
) -> Tensor:
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
    matrix = _matrix()
    inner = matrix.product(matrix.product(root, covariance), root)
    bures = (
        ops.sum(ops.diagonal(covariance, axis1=1, axis2=2), axis=1)
        + ops.sum(ops.square(root), axis=(1, 2))  # the trace of the target covariance
        - 2.0 * matrix.trace_of_square_root(inner)
    )
    return (ops.sum(ops.square(mean - target_mean), axis=1) + ops.relu(bures)) / mean.shape[-1]


def _moments_of(sums: Nest) -> Nest:
    means = _mean(sums)
    return means["first"], means["second"]


def _mean_and_std_of(sums: Nest) -> Nest:
    means = _mean(sums)
    variance = ops.relu(means["square"] - ops.square(means["first"]))
    return means["first"], ops.sqrt(variance + _VARIANCE_EPSILON)


def _mean_square(tensor: Tensor) -> Tensor:
    return ops.mean(ops.square(tensor), axis=tuple(range(1, len(tensor.shape))))


def _covariance(summary: Nest, ridge: Tensor) -> Tensor:
    mean, second = summary
    covariance = second - mean[:, :, None] * mean[:, None, :]
    return covariance + ridge[:, None, None] * ops.eye(mean.shape[-1])


def _prepare_wasserstein(summary: Nest) -> Nest:
    mean, second = summary
    variance = ops.mean(ops.diagonal(second, axis1=1, axis2=2) - ops.square(mean), axis=1)
    ridge = _RIDGE * ops.relu(variance) + 1e-8
    return {
        "mean": mean,
        "covariance_root": _matrix().square_root(_covariance(summary, ridge)),
        "ridge": ridge,
        "energy": ops.mean(ops.diagonal(second, axis1=1, axis2=2), axis=1),
    }


def _wasserstein(summary: Nest, target: Nest) -> Tensor:
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

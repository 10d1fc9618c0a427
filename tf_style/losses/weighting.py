"""Layer weights, normalization and unit vectors, shared by the terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keras import ops

from tf_style.types import Tensor

#: "target" divides a layer's loss by the mean square of its target, so it is 1 for a picture that has nothing of the
#: target; "none" leaves it in the backbone's own units.
NORMALIZATIONS = ("target", "none")

_EPSILON = 1e-8


def layer_weights_of(layers: Sequence[str], layer_weights: Mapping[str, float] | Sequence[float] | None) -> list[float]:
    """One weight for each layer.

    Args:
      layers: Layer names.
      layer_weights: By layer name, or in the order of `layers`; None: equal weights that add up to 1.

    Raises:
      ValueError: No layers, or not one weight for each layer.
    """
    if not layers:
        raise ValueError("No layers were given; name at least one, for example 'block4_conv2'.")
    if layer_weights is None:
        return [1.0 / len(layers)] * len(layers)
    if isinstance(layer_weights, Mapping):
        missing = [layer for layer in layers if layer not in layer_weights]
        if missing:
            raise ValueError(f"Layer {missing[0]} has no weight; give one for each of {', '.join(layers)}.")
        return [float(layer_weights[layer]) for layer in layers]
    if len(layer_weights) != len(layers):
        raise ValueError(f"{len(layer_weights)} layer weights for {len(layers)} layers were given; give one for each.")
    return [float(weight) for weight in layer_weights]


def check_normalization(normalization: str) -> None:
    """Raises ValueError unless `normalization` is one of NORMALIZATIONS."""
    if normalization not in NORMALIZATIONS:
        raise ValueError(f"Unknown normalization {normalization!r}. Allowed: {', '.join(NORMALIZATIONS)}.")


def relative(loss: Tensor, energy: Tensor, normalization: str) -> Tensor:
    """The loss [B], divided by the target's energy [B] if `normalization` is "target"."""
    return loss / (energy + _EPSILON) if normalization == "target" else loss


def unit(vectors: Tensor, shortest: float = 1e-6) -> Tensor:
    """Vectors [..., C] of length 1; those shorter than `shortest` are divided by it, so that gradients stay finite."""
    return vectors * ops.rsqrt(ops.maximum(ops.sum(ops.square(vectors), -1, keepdims=True), shortest**2))

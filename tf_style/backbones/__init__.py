"""Frozen networks whose activations the losses compare."""

from tf_style.backbones.compact import compact_channels, compact_kernels, compact_readouts, compact_vgg19
from tf_style.backbones.precision import auto_compute_dtype, resolve_compute_dtype
from tf_style.backbones.vgg import canonical_layer, empty_kernels, known_layer, up_to, vgg16, vgg19, vgg_features
from tf_style.backbones.weights import Kernels, WeightsError, cached_weights, weights_cache

#: Name -> factory. A new backbone is a new row here.
BACKBONES = {"vgg19": vgg19, "vgg16": vgg16, "compact_vgg19": compact_vgg19}

__all__ = [
    "BACKBONES",
    "Kernels",
    "WeightsError",
    "auto_compute_dtype",
    "cached_weights",
    "canonical_layer",
    "compact_channels",
    "compact_kernels",
    "compact_readouts",
    "compact_vgg19",
    "empty_kernels",
    "known_layer",
    "resolve_compute_dtype",
    "up_to",
    "vgg16",
    "vgg19",
    "vgg_features",
    "weights_cache",
]

"""The embedded backbone: a narrow student of VGG-19."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from tf_style.backbones.vgg import vgg_features
from tf_style.backbones.weights import Kernels, archive_channels, archive_kernels, archive_readouts

_EMBEDDED = Path(__file__).parent / "data" / "compact_vgg19.npz"


def compact_vgg19(
    layers: Sequence[str],
    *,
    weights: str | None = None,
    pooling: str = "max",
    padding: str = "zero",
    compute_dtype: str = "float32",
) -> keras.Model:
    """A narrow VGG-19 of nine layers, up to block5_conv1; its weights come with the package.

    Its layers approximate 24 to 256 of VGG-19's channels, the fewest at the largest size. They return mixtures of these
    channels, in which distances are about the same as in all of VGG-19's (`tf_style.distillation.readouts`), so losses
    mean the same at about a sixth of the cost. Derived from VGG-19 (Simonyan and Zisserman, CC BY 4.0); see NOTICE.

    Args:
      layers: Names of the layers to return, Keras's ("block4_conv2") or the papers' ("conv4_2", "relu4_2").
      weights: Path of another archive of the same form; None: the embedded one.
      pooling: "max" or "average".
      padding: "zero", "replicate" to repeat the picture's edge pixels before the first convolution, "replicate_all" to
        repeat the edges before every convolution, or "circular" to join opposite edges.
      compute_dtype: "float32" or "bfloat16"; outputs are float32 either way.

    Returns:
      A `keras.Model` from pictures (float32 [B, H, W, 3], RGB in [0, 1], with sides of at least 16 pixels) to a dict of
      features by the names in `layers`.

    Raises:
      ValueError: Unknown layer, pooling, padding or dtype.
      WeightsError: The archive cannot be used.

    Reference:
      Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
      https://arxiv.org/abs/1409.1556
    """
    kernels, readouts = compact_kernels(weights), compact_readouts(weights)
    return vgg_features("compact_vgg19", kernels, layers, pooling, padding, compute_dtype, readouts=readouts)


def compact_channels(weights: str | None = None) -> dict[str, np.ndarray]:
    """Which of VGG-19's channels each layer approximates; `weights` as for `compact_vgg19`, already checked there."""
    return archive_channels(Path(weights) if weights else _EMBEDDED)


def compact_kernels(weights: str | None = None) -> Kernels:
    """The kernels of `compact_vgg19`, in the order of its layers; argument and errors as for it."""
    return archive_kernels(Path(weights) if weights else _EMBEDDED)


def compact_readouts(weights: str | None = None) -> dict[str, np.ndarray]:
    """The matrices by which `compact_vgg19` mixes features, by layer; argument as for `compact_channels`."""
    return archive_readouts(Path(weights) if weights else _EMBEDDED)

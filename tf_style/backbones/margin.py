"""How far from a crop's edge features differ from the whole picture's."""

from __future__ import annotations

import keras

from tf_style.backbones.pooling import MaxPooling


def crop_margin(backbone: keras.Model) -> int:
    """The width in pixels of a crop's margin, in which features may differ from the whole picture's.

    It holds for crops that begin at multiples of `crop_stride`. A pixel affects no features farther away than this.

    Args:
      backbone: A sequence of convolutions of stride 1 and poolings by 2.
    """
    margin, stride = 0, 1
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Conv2D):
            margin += (layer.kernel_size[0] // 2) * stride
        elif isinstance(layer, MaxPooling | keras.layers.AveragePooling2D):
            stride *= 2
            margin = -(-margin // stride) * stride
    return margin


def crop_stride(backbone: keras.Model) -> int:
    """How many pixels, along each axis, the poolings turn into one position of the deepest layer."""
    return 2 ** sum(isinstance(layer, MaxPooling | keras.layers.AveragePooling2D) for layer in backbone.layers)

"""How far from the edge of a crop features differ from those of the whole picture."""

from __future__ import annotations

import keras

from tf_style.backbones.pooling import MaxPooling


def crop_margin(backbone: keras.Model) -> int:
    """Pixels from the edge of a crop inside which some feature of it may not be that of the whole picture.

    Crops begin at multiples of `crop_stride`. What a pixel changes reaches no farther either.

    Args:
      backbone: Convolutions of stride 1 and poolings by 2, one after the other.
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
    """Pixels that the poolings put into one position of the deepest layer."""
    return 2 ** sum(isinstance(layer, MaxPooling | keras.layers.AveragePooling2D) for layer in backbone.layers)

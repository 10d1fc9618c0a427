"""Makes colours stronger or weaker, warmer or cooler."""

from __future__ import annotations

import numpy as np
from keras import ops

from tf_style.types import Image, Tensor

_WARMEST = 0.1  # shift of white towards yellow in OkLab at a warmth of 1; darker colours move less
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_CONES, _FROM_LAB = np.linalg.inv(_TO_CONES), np.linalg.inv(_TO_LAB)


def grade(image: Image, saturation: Tensor | float = 1.0, warmth: Tensor | float = 0.0) -> Image:
    """Changes colours and leaves their lightness.

    Args:
      image: Float32 [B, H, W, 3], sRGB in [0, 1].
      saturation: Factor of the colours' strength, [] or [B], at least 0: 0 is grey, 1 leaves it.
      warmth: [] or [B], in [-1, 1]: towards yellow (1) or blue (-1); 0 leaves it.

    Returns:
      Float32 [B, H, W, 3] in [0, 1].

    Reference:
      The colour space OkLab: B. Ottosson, "A perceptual color space for image processing", 2020.
      https://bottosson.github.io/posts/oklab/
    """
    saturation, warmth = (ops.reshape(ops.cast(value, "float32"), (-1, 1, 1)) for value in (saturation, warmth))
    linear = ops.where(image <= 0.04045, image / 12.92, ops.power((image + 0.055) / 1.055, 2.4))
    cones = _mixed(linear, _TO_CONES)
    lab = _mixed(ops.power(ops.maximum(cones, 0.0), 1.0 / 3.0), _TO_LAB)
    lightness, a, b = (lab[..., index] for index in range(3))
    graded = ops.stack([lightness, saturation * a, saturation * b + _WARMEST * warmth * lightness], -1)
    linear = ops.clip(_mixed(_mixed(graded, _FROM_LAB) ** 3, _FROM_CONES), 0.0, 1.0)
    return ops.where(linear <= 0.0031308, 12.92 * linear, 1.055 * ops.power(linear, 1.0 / 2.4) - 0.055)


def _mixed(channels: Tensor, matrix: np.ndarray) -> Tensor:
    return ops.einsum("bhwi,oi->bhwo", channels, ops.cast(matrix, "float32"))

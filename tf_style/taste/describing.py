"""What a painting looks like, in numbers: colours, contrasts, and textures from coarse to fine."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tf_style import images

_SIDE = 192  # pixels of the long side; finer texture than this does not show in previews
_BANDS = 4  # octaves of texture
_HUES = 6
_SMALL = 1e-4

# Björn Ottosson, "A perceptual color space for image processing", 2020 (https://bottosson.github.io/posts/oklab/)
_TO_CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929],
     [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468],
     [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip


def oklab(pixels: np.ndarray) -> np.ndarray:
    """Lightness (0 to 1), green to red, and blue to yellow (about -0.3 to 0.3) of sRGB colours in [0, 1], [..., 3]."""
    linear = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T


def describe(picture: images.Picture) -> np.ndarray:
    """Numbers that are near for paintings that look alike, whatever they show.

    Args:
      picture: A painting of any size.

    Returns:
      Float64 [D]: lightness and colours with their spread, hues, then the strength and the sharpness of texture in
      octaves, and how far strokes have a direction. Their units differ; compare them by their spread over many.
    """
    size = images.fit_size(picture.size, _SIDE)
    lab = oklab(images.resize(picture, size).pixels)
    lightness, a, b = np.moveaxis(lab, -1, 0)
    chroma = np.hypot(a, b)
    hues = np.floor((np.arctan2(b, a) / (2 * np.pi) % 1.0) * _HUES).astype(int) % _HUES
    shares = np.bincount(hues.ravel(), chroma.ravel(), _HUES) / (chroma.sum() + _SMALL)
    numbers = [*lab.mean((0, 1)), *lab.std((0, 1)), chroma.mean(), *np.percentile(lightness, (5, 95)), *shares]
    grey, colors = lightness, chroma
    for _ in range(_BANDS):
        for plane in (grey, colors):
            band = plane - ndimage.gaussian_filter(plane, 1.0)
            strength = np.abs(band).mean()
            numbers += [np.log(strength + _SMALL), strength / (band.std() + _SMALL)]
        grey, colors = (ndimage.gaussian_filter(plane, 1.0)[::2, ::2] for plane in (grey, colors))
    return np.array([*numbers, _direction(lightness)])


def _direction(plane: np.ndarray) -> float:
    """From 0, gradients in all directions near each place, to 1, all in one: the coherence of the structure tensor."""
    dy, dx = np.gradient(plane)
    xx, yy, xy = (ndimage.gaussian_filter(product, 3.0) for product in (dx * dx, dy * dy, dx * dy))
    return float(np.hypot(xx - yy, 2 * xy).sum() / ((xx + yy).sum() + _SMALL))

"""Resizes pictures on the disk, strip by strip, with the same arithmetic as TensorFlow in memory."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tf_style.images.strips.planes import Plane

_PIXELS = 2_000_000  # of a strip, in the source and in the target


class _Taps(NamedTuple):
    """For each place of an axis, the source places [N, K] that it averages, and their weights."""

    places: np.ndarray
    weights: np.ndarray


def resample(source: Plane, target: Plane, kernel: str = "cubic", *, clip: bool = False) -> None:
    """Resizes a plane into another, like `tf.image.resize` with `antialias`.

    Args:
      source: The plane to read.
      target: The plane to create, float32, with as many channels.
      kernel: "cubic" (Keys' with a = -1/2, which may overshoot) or "linear".
      clip: Whether to clip the values to [0, 1].

    Reference:
      Keys, "Cubic Convolution Interpolation for Digital Image Processing", IEEE Transactions on Acoustics, Speech, and
      Signal Processing 29, 1981, equation 15.
    """
    target.create()
    rows, columns = (_taps(own, wanted, kernel) for own, wanted in zip(source.size, target.size, strict=True))
    ratio = max(1.0, source.size[0] / target.size[0])
    step = max(1, int(min(_PIXELS / target.size[1], _PIXELS / source.size[1] / ratio)))
    for top in range(0, target.size[0], step):
        places, weights = (array[top : top + step] for array in rows)
        first, last = int(places.min()), int(places.max()) + 1
        strip = source.read(first, 0, last, source.size[1])
        strip = _mixed(strip, _Taps(places - first, weights))
        strip = _mixed(strip.swapaxes(0, 1), columns).swapaxes(0, 1)
        target.write(top, 0, np.clip(strip, 0.0, 1.0) if clip else strip)


def _mixed(pixels: np.ndarray, taps: _Taps) -> np.ndarray:
    """Averages along the first axis: [n, m, C] to [N, m, C]."""
    total = np.zeros((len(taps.places), *pixels.shape[1:]), np.float32)
    for places, weights in zip(taps.places.T, taps.weights.T, strict=True):
        total += weights[:, np.newaxis, np.newaxis] * pixels[places]
    return total


def _taps(own: int, wanted: int, kernel: str) -> _Taps:
    stretch = max(1.0, own / wanted)  # when reducing, the kernel covers everything that falls into a pixel
    function, radius = _KERNELS[kernel]
    middles = (np.arange(wanted) + 0.5) * own / wanted - 0.5
    count = min(own, math.ceil(2 * radius * stretch) + 1)
    first = np.clip(np.ceil(middles - radius * stretch).astype(int), 0, own - count)
    places = first[:, np.newaxis] + np.arange(count)
    weights = function(np.abs(places - middles[:, np.newaxis]) / stretch)
    return _Taps(places, (weights / weights.sum(1, keepdims=True)).astype(np.float32))


def _linear(distance: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, 1.0 - distance)


def _cubic(distance: np.ndarray) -> np.ndarray:
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return np.where(distance < 1.0, near, np.where(distance < 2.0, far, 0.0))


_KERNELS = {"linear": (_linear, 1), "cubic": (_cubic, 2)}

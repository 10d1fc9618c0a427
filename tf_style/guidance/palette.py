"""A picture kept to a few given colours."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tf_style.types import Image

_CELLS = 32  # of the colour cube along each axis, for looking up the nearest colour
_DIRECTIONS = 500  # in which differences are measured around each colour
_REACH = 2.0  # longest way in RGB, white is 1
_HALVINGS = 16
_ROUNDING = 0.4  # what 8 bits add to a difference
_BLUR = (0.06, 0.24, 0.40, 0.24, 0.06)  # against specks where two colours are as near


class Palette:
    """Moves every pixel towards the nearest of some colours, as far as a difference allows.

    Which colour is the nearest one is decided on a slightly blurred picture, so that regions hold together; around its
    color a pixel keeps what it can of its own, so that strokes stay visible.

    Args:
      colors: Float [K, 3], sRGB in [0, 1].
      difference: Largest CIEDE2000 difference of a pixel to its colour, at least 1 (which is hardly seen; 5 is, side by
        side), rounding to 8 bits included.

    Reference:
      Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula", Color Research and Application 30, 2005; computed by
      scikit-image.
    """

    def __init__(self, colors: np.ndarray, difference: float) -> None:
        self.colors = tf.constant(colors, tf.float32)
        self._nearest = tf.constant(_nearest_colors(colors), tf.int32)
        self._metrics = tf.constant(np.stack([_metric(color, difference - _ROUNDING) for color in colors]), tf.float32)

    def __call__(self, image: Image) -> Image:
        """Args: image, float32 [B, H, W, 3] in [0, 1]; returns the same shape."""
        cells = tf.clip_by_value(tf.cast(_blurred(image) * _CELLS, tf.int32), 0, _CELLS - 1)
        chosen = tf.gather_nd(self._nearest, cells)
        colors, metrics = tf.gather(self.colors, chosen), tf.gather(self._metrics, chosen)
        offset = image - colors
        squared = tf.einsum("bhwi,bhwij,bhwj->bhw", offset, metrics, offset)[..., tf.newaxis]
        return tf.clip_by_value(colors + offset * tf.math.rsqrt(tf.maximum(squared, 1.0)), 0.0, 1.0)


def color_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """CIEDE2000 difference of sRGB colours: [..., 3] and [..., 3] in [0, 1] to [...]."""
    from skimage.color import deltaE_ciede2000, rgb2lab  # takes a second

    pair = np.broadcast_arrays(np.asarray(one, np.float64), np.asarray(other, np.float64))
    return deltaE_ciede2000(*map(rgb2lab, pair))


def _nearest_colors(colors: np.ndarray) -> np.ndarray:
    """For the middle of every cell of the colour cube, [N, N, N], the number of the nearest colour."""
    middles = (np.arange(_CELLS) + 0.5) / _CELLS
    cube = np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), axis=-1)
    return np.argmin([color_difference(cube, color) for color in colors], axis=0)


def _metric(color: np.ndarray, difference: float) -> np.ndarray:
    """A matrix M [3, 3] such that d^T M d <= 1 only where color + d is within the difference (and in gamut).

    The difference is no quadratic form; this is the one that is fitted to it, shrunk until it is safe.
    """
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(_DIRECTIONS, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    reach = _reach(color, directions, difference)
    products = np.einsum("ni,nj->nij", directions, directions).reshape(-1, 9)
    weight = reach**2  # the least squares are of d^T M d at the border, where it is to be 1
    flat, *_ = np.linalg.lstsq(products * weight[:, None], np.ones(len(reach)), rcond=None)
    values, vectors = np.linalg.eigh(flat.reshape(3, 3))
    metric = (vectors * np.maximum(values, 0.05 * values.max())) @ vectors.T
    inside = np.einsum("ni,ij,nj->n", directions, metric, directions) * weight
    return metric / inside.min()


def _reach(color: np.ndarray, directions: np.ndarray, difference: float) -> np.ndarray:
    """How far one can go from a colour in each direction, [N], within a difference; clipped into the gamut."""
    low, high = np.zeros(len(directions)), np.full(len(directions), _REACH)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        reached = np.clip(color + middle[:, None] * directions, 0.0, 1.0)
        within = color_difference(reached, color) <= difference
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return low


def _blurred(image: Image) -> Image:
    kernel = np.outer(_BLUR, _BLUR)
    kernel = tf.constant(kernel[:, :, None, None] / kernel.sum() * np.ones((1, 1, 3, 1)), tf.float32)
    margin = len(_BLUR) // 2
    padded = tf.pad(image, [[0, 0], [margin, margin], [margin, margin], [0, 0]], "SYMMETRIC")
    return tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")

"""Limits a picture to a few colours."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tf_style.ops.periodic import wrap_pad
from tf_style.types import Image

_CELLS = 32  # cells of the colour cube along each axis, for looking up the nearest colour
_DIRECTIONS = 2000  # directions in which differences are measured around each colour
_REACH = 2.0  # longest distance in RGB, where white is 1
_HALVINGS = 14
_INNER = (0.25, 0.5, 0.7, 0.85, 1.0)  # shares of the way to the border at which the result is checked
_MARGIN = 0.985  # share of the way to use, for safety between the directions
_SHRINK = 0.98
_CORNERS = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3, indexing="ij"), -1).reshape(8, 3) / 255.0  # rounding to 8 bits
_BLUR = (0.06, 0.24, 0.40, 0.24, 0.06)  # against specks where two colours are equally near


class Palette:
    """Moves every pixel towards the nearest colour of a palette, until it is within a given difference.

    The nearest colour is chosen on a slightly blurred picture, so that regions hold together. Within the difference a
    pixel keeps its own colour, so that strokes stay visible.

    Args:
      colors: Float [K, 3], sRGB in [0, 1].
      difference: Largest CIEDE2000 difference between a pixel and its colour, at least 1, including rounding to 8 bits.
        1 is hardly visible, 5 is visible side by side.
      wrap: Whether opposite edges of pictures are neighbours.

    Reference:
      Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula", Color Research and Application 30, 2005; computed by
      scikit-image.
    """

    def __init__(self, colors: np.ndarray, difference: float, *, wrap: bool = False) -> None:
        self._wrap = wrap
        self.colors = tf.constant(colors, tf.float32)
        self._nearest = tf.constant(_nearest_colors(colors), tf.int32)
        self._metrics = tf.constant(np.stack([_metric(color, difference) for color in colors]), tf.float32)

    def __call__(self, image: Image) -> Image:
        """Limits a picture, float32 [B, H, W, 3] in [0, 1], to the palette; returns the same shape."""
        cells = tf.clip_by_value(tf.cast(_blurred(image, wrap=self._wrap) * _CELLS, tf.int32), 0, _CELLS - 1)
        chosen = tf.gather_nd(self._nearest, cells)
        colors, metrics = tf.gather(self.colors, chosen), tf.gather(self._metrics, chosen)
        offset = image - colors
        squared = tf.einsum("bhwi,bhwij,bhwj->bhw", offset, metrics, offset)[..., tf.newaxis]
        return tf.clip_by_value(colors + offset * tf.math.rsqrt(tf.maximum(squared, 1.0)), 0.0, 1.0)


def color_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """CIEDE2000 difference of sRGB colours: [..., 3] and [..., 3], clipped to [0, 1], to [...]."""
    from skimage.color import deltaE_ciede2000, rgb2lab  # importing it takes a second

    pair = np.broadcast_arrays(*(np.clip(np.asarray(color, np.float64), 0.0, 1.0) for color in (one, other)))
    return deltaE_ciede2000(*map(rgb2lab, pair))


def _nearest_colors(colors: np.ndarray) -> np.ndarray:
    """The index of the nearest colour for the middle of every cell of the colour cube, [N, N, N]."""
    middles = (np.arange(_CELLS) + 0.5) / _CELLS
    cube = np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), axis=-1)
    return np.argmin([color_difference(cube, color) for color in colors], axis=0)


def _metric(color: np.ndarray, difference: float) -> np.ndarray:
    """A matrix M [3, 3] such that d^T M d <= 1 only if color + d is within the difference, or out of gamut.

    The difference is not a quadratic form; this one is fitted to it and then shrunk until it is safe.
    """
    directions = _directions()
    reach = _reach(color, directions, np.full(len(directions), difference))
    limits = difference - 1.1 * _rounding(color, color + reach[:, None] * directions)
    reach = np.maximum(_reach(color, directions, limits), 1e-3)
    products = np.einsum("ni,nj->nij", directions, directions).reshape(-1, 9)
    weight = reach**2  # least squares of d^T M d at the border, where it should be 1
    flat, *_ = np.linalg.lstsq(products * weight[:, None], np.ones(len(reach)), rcond=None)
    values, vectors = np.linalg.eigh(flat.reshape(3, 3))
    metric = (vectors * np.maximum(values, 0.05 * values.max())) @ vectors.T
    own = 1.0 / np.sqrt(np.einsum("ni,ij,nj->n", directions, metric, directions))
    binding = reach < _way_out(color, directions)
    metric /= min(1.0, _MARGIN * (reach / own)[binding].min(initial=1.0 / _MARGIN)) ** 2
    while not _is_safe(color, metric, directions, difference):
        metric /= _SHRINK**2
    return metric


def _directions() -> np.ndarray:
    """Evenly spread unit vectors [N, 3]: a Fibonacci spiral."""
    place = np.arange(_DIRECTIONS) + 0.5
    height, turn = 1.0 - 2.0 * place / _DIRECTIONS, np.pi * (1.0 + 5.0**0.5) * place
    flat = np.sqrt(1.0 - height**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=-1)


def _reach(color: np.ndarray, directions: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """How far each direction leads from a colour, [N], within differences [N]; clipped to the gamut."""
    low, high = np.zeros(len(directions)), np.full(len(directions), _REACH)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        within = color_difference(color + middle[:, None] * directions, color) <= limits
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return low


def _way_out(color: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """The distance from a colour to the border of the gamut in each direction, [N]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = np.where(directions > 0.0, 1.0 - color, -color) / directions
    return np.min(np.where(directions == 0.0, _REACH, ways), axis=-1)


def _rounding(color: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """The most that rounding to 8 bits can add to the differences of colours, [N, 3] to [N]."""
    rounded = color_difference(reached[:, None] + _CORNERS, color)
    return rounded.max(axis=1) - color_difference(reached, color)


def _is_safe(color: np.ndarray, metric: np.ndarray, directions: np.ndarray, difference: float) -> bool:
    """Whether every colour in the ellipsoid (and in gamut) is within the difference, after rounding."""
    way = np.minimum(
        1.0 / np.sqrt(np.einsum("ni,ij,nj->n", directions, metric, directions)), _way_out(color, directions)
    )
    reached = color + np.multiply.outer(_INNER, way)[..., None] * directions
    levels = np.round(255.0 * np.clip(reached, 0.0, 1.0)) / 255.0
    return bool(np.all(color_difference(levels, color) <= difference))


def _blurred(image: Image, *, wrap: bool) -> Image:
    kernel = np.outer(_BLUR, _BLUR)
    kernel = tf.constant(kernel[:, :, None, None] / kernel.sum() * np.ones((1, 1, 3, 1)), tf.float32)
    margin = len(_BLUR) // 2
    if wrap:
        padded = wrap_pad(image, margin, margin)
    else:
        padded = tf.pad(image, [[0, 0], [margin, margin], [margin, margin], [0, 0]], "SYMMETRIC")
    return tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")

"""Paints a picture of any size with a network, tile by tile, by the statistics of the whole.

A network that knew only a tile would paint it by the tile's own statistics: a tile of sky in other colours than the
next. So the tiles are looked at first, for the moments of the content's features and of what its places take from the
style; all tiles are then painted by those. Noise belongs to places, so it does not end at a tile's edge either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from tf_style.networks.arbitrary import ENCODER_LAYERS, Statistics
from tf_style.networks.blocks import Moments, moments
from tf_style.stylizers.feed_forward import FeedForwardStylizer, Part
from tf_style.stylizers.scaling import padded
from tf_style.stylizers.tiling import Tile, make_tiles
from tf_style.types import Features, Image, Masks

#: Pixels beyond a tile that affect its painting, and its features alone.
MARGIN, _LOOK_MARGIN = 96, 32
_STRIDE = 16  # of the coarsest layer

Read = Callable[[int, int, int, int], np.ndarray]


class TiledPass:
    """A picture [1, H, W, 3] painted in tiles, equal to the whole but for rounding.

    Args:
      stylizer: Its network must be an `ArbitraryStyleNetwork`.
      size: (height, width) of the picture.
      side: About the tiles' side in pixels.
      parts: What to paint, from `FeedForwardStylizer.parts`.
    """

    def __init__(self, stylizer: FeedForwardStylizer, size: tuple[int, int], side: int, parts: Sequence[Part]) -> None:
        self.tiles = make_tiles(size, side, MARGIN, _STRIDE)
        self._looks = make_tiles(size, side, _LOOK_MARGIN, _STRIDE)
        self.num_looks = 2 * len(self._looks)
        self._stylizer, self._network, self._parts = stylizer, stylizer.network, parts
        self._statistics: list[Statistics] = []
        picture, window = tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([4], tf.int32)
        part = tf.nest.map_structure(tf.TensorSpec.from_tensor, parts[0])
        vector = Moments(tf.TensorSpec([1, None]), tf.TensorSpec([1, None]))
        statistics = Statistics({layer: vector for layer in ENCODER_LAYERS}, vector)
        self._compiled_look, self._compiled_take, self._compiled_paint = (
            tf.function(function, input_signature=[picture, *specs], autograph=False)
            for function, specs in (
                (self._look, [window]),
                (self._take, [window, part, statistics.features]),
                (self._paint, [part, statistics, tf.TensorSpec([2], tf.int32)]),
            )
        )

    def look(self, read: Read) -> Iterator[int]:
        """Measures the statistics, before `paint`; yields after each of the `num_looks`.

        Args:
          read: Gives the pixels of a window (top, left, bottom, right), float32 [h, w, 3].
        """
        found = []
        for number, tile in enumerate(self._looks, 1):
            found.append(self._compiled_look(_batch(read, tile), tf.constant(_window(tile), tf.int32)))
            yield number
        weights = [_area(tile) for tile in self._looks]
        features = {layer: _pooled([own[layer] for own in found], weights) for layer in ENCODER_LAYERS}
        values: list[list[Moments]] = [[] for _ in self._parts]
        for number, tile in enumerate(self._looks, 1):
            seen, window = _batch(read, tile), tf.constant(_window(tile), tf.int32)
            for part, every in zip(self._parts, values, strict=True):
                every.append(self._compiled_take(seen, window, part, features))
            yield len(self._looks) + number
        self._statistics = [Statistics(features, _pooled(every, weights)) for every in values]

    def paint(self, read: Read, tile: Tile, masks: Masks) -> np.ndarray:
        """The unfinished painting of the part of a tile that counts, float32 [h, w, 3].

        Args:
          read: As for `look`.
          tile: One of `tiles`.
          masks: Those of what is seen of the tile.
        """
        content = _batch(read, tile)
        paintings = (
            self._compiled_paint(content, part, statistics, tf.constant(tile.seen[:2]))
            for part, statistics in zip(self._parts, self._statistics, strict=True)
        )
        top, left, bottom, right = np.subtract(tile.counts, np.tile(tile.seen[:2], 2))
        return np.asarray(self._stylizer.mixed(content, paintings, masks)[0, top:bottom, left:right])

    def _look(self, image: Image, window: tf.Tensor) -> dict[str, Moments]:
        return {layer: moments(own) for layer, own in self._cropped(image, window).items()}

    def _take(self, image: Image, window: tf.Tensor, part: Part, features: dict[str, Moments]) -> Moments:
        cropped = self._cropped(image, window)
        return moments(self._network.take_values(cropped, *part, features[ENCODER_LAYERS[-1]]))

    def _paint(self, image: Image, part: Part, statistics: Statistics, origin: tf.Tensor) -> Image:
        strength = tf.constant([float(self._stylizer.style_strength)])
        return self._stylizer.paint_once(image, part, strength, origin=origin, statistics=statistics)

    def _cropped(self, image: Image, window: tf.Tensor) -> Features:
        """The features of a window, given in eighths of the size."""
        features = self._network.encode_content(padded(image, self._network.multiple))
        found = {}
        for depth, layer in enumerate(ENCODER_LAYERS):
            top, left, bottom, right = tf.unstack(window * 2 ** (len(ENCODER_LAYERS) - 1 - depth))
            found[layer] = features[layer][:, top:bottom, left:right]
        return found


def _batch(read: Read, tile: Tile) -> Image:
    return tf.constant(read(*tile.seen)[np.newaxis])


def _window(tile: Tile) -> tuple[int, int, int, int]:
    """The part of a tile that counts, in eighths of the size, with the padding at the picture's edge."""
    top, left, bottom, right = np.subtract(tile.counts, np.tile(tile.seen[:2], 2))
    return top // 8, left // 8, -(-bottom // 8), -(-right // 8)


def _area(tile: Tile) -> float:
    top, left, bottom, right = _window(tile)
    return float((bottom - top) * (right - left))


def _pooled(found: Sequence[Moments], weights: Sequence[float]) -> Moments:
    """The moments of all tiles from those of each: within tiles and between them."""
    means, variances = (np.stack([own[index] for own in found]).astype(np.float64) for index in (0, 1))
    shares = (np.asarray(weights) / np.sum(weights))[:, np.newaxis, np.newaxis]
    mean = np.sum(shares * means, 0)
    variance = np.sum(shares * (variances + np.square(means - mean)), 0)
    return Moments(tf.constant(mean, tf.float32), tf.constant(variance, tf.float32))

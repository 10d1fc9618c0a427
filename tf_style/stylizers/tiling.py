"""Losses and gradients of a picture from its tiles, exactly those of the whole picture.

Terms are made from sums over positions, and sums over tiles add up. So a step passes over the tiles twice: once for the
sums, which give the losses and the worth of each sum (the gradient of the losses with respect to the sums), and once
for the gradient with respect to the pixels. Features near a tile's edge may be wrong, so each tile is read with a
margin that does not count.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tf_style.backbones.margin import crop_margin, crop_stride
from tf_style.stylizers.optimization import Optimization, call_for_any_size
from tf_style.types import Features, Image, Masks, Nest, References, Term


class Tile(NamedTuple):
    """Windows (top, left, bottom, right) in the picture: what is seen of a tile, and the part of it that counts."""

    seen: tuple[int, int, int, int]
    counts: tuple[int, int, int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the window that is seen."""
        top, left, bottom, right = self.seen
        return bottom - top, right - left


def make_tiles(size: tuple[int, int], side: int, margin: int, stride: int) -> list[Tile]:
    """Tiles that cover a picture.

    Args:
      size: (height, width) of the picture.
      side: About the tiles' side in pixels, without their margin.
      margin: Pixels around each tile that are seen too.
      stride: All edges inside the picture are multiples of it.
    """
    rows, columns = (_spans(length, side, margin, stride) for length in size)
    return [
        Tile((top, left, bottom, right), (first, start, last, end))
        for top, first, last, bottom in rows
        for left, start, end, right in columns
    ]


def _spans(length: int, side: int, margin: int, stride: int) -> list[tuple[int, int, int, int]]:
    count = max(1, round(length / side))
    step = -(-length // (count * stride)) * stride
    edge = -(-margin // stride) * stride
    spans = []
    for start in range(0, length, step):
        end = min(start + step, length)
        spans.append((max(0, start - edge), start, end, min(end + edge, length)))
    return spans


def core_of(tile: Tile) -> tf.Tensor:
    """1 where a tile counts, 0 in its margin: float32 [1, h, w, 1]."""
    top, left, bottom, right = tile.seen
    first, start, last, end = tile.counts
    inner = tf.ones([1, last - first, end - start, 1])
    return tf.pad(inner, [[0, 0], [first - top, bottom - last], [start - left, right - end], [0, 0]])


class TiledObjective:
    """The objective of an optimisation, over tiles of one picture ([1, h, w, 3]).

    Args:
      optimization: Its backbone must be one that `crop_margin` takes.

    Raises:
      ValueError: A term is not made from sums.
    """

    def __init__(self, optimization: Optimization) -> None:
        for _, term in optimization.objective.terms:
            _parts(term)
        self._optimization = optimization
        self._terms = optimization.objective.terms
        self.margin = max(1, crop_margin(optimization.backbone))  # 1 for differences of neighbours
        self.stride = crop_stride(optimization.backbone)
        self._structure: Nest = None
        self._measures = {
            term.name: tf.function(functools.partial(self._style_sums, term), autograph=False)
            for _, term in self._terms
            if term.reads == "styles"
        }
        self._compiled_targets = tf.function(self._targets, autograph=False)
        self._compiled_sums = tf.function(self._sums, autograph=False)
        self._compiled_gradient = tf.function(self._gradient, autograph=False)
        self.worth = tf.function(self._worth, autograph=False)

    def content_targets(self, content: Image) -> Nest:
        """A tile's targets of the terms that read the content."""
        return call_for_any_size(self._compiled_targets, (content,))

    def content_structure(self) -> Nest:
        """A nest with the structure that `content_targets` returns; its leaves mean nothing."""
        if self._structure is None:
            self._structure = self.content_targets(tf.zeros([1, 2 * self.stride, 2 * self.stride, 3]))
        return self._structure

    def style_targets(self, styles: Sequence[Image], side: int) -> Nest:
        """Targets of the terms that read the styles, [1, h, w, 3 or 4], from tiles of about `side` pixels."""
        by_term: dict[str, Nest] = {}
        for _, term in self._terms:
            if term.reads == "styles":
                sums = tuple(self._sums_of_style(self._measures[term.name], style, side) for style in styles)
                by_term[term.name] = term.target(References({}, sums))
        return by_term

    def _sums_of_style(self, measure: Any, style: Image, side: int) -> Nest:
        alpha = style[..., 3:] if style.shape[-1] == 4 else tf.ones_like(style[..., :1])
        total = None
        for tile in make_tiles((style.shape[1], style.shape[2]), side, self.margin, self.stride):
            top, left, bottom, right = tile.seen
            mask = alpha[:, top:bottom, left:right] * core_of(tile)
            own = call_for_any_size(measure, (style[:, top:bottom, left:right, :3], mask))
            total = own if total is None else tf.nest.map_structure(tf.add, total, own)
        return total

    def _style_sums(self, term: Term, image: Image, mask: tf.Tensor) -> Nest:
        if term.style_sums is None:
            raise ValueError(f"The term {term.name} cannot read a style in parts; give it style_sums.")
        return term.style_sums(self._optimization.features(image, {"mask": mask}))

    def _targets(self, content: Image) -> Nest:
        references = References(self._optimization.features(content), ())
        return self._optimization.objective.reading("content").targets(references)

    def sums(self, image: Image, masks: Masks, targets: Nest) -> Nest:
        """What a tile adds to each term's sums.

        Args:
          image: The tile as seen, float32 [1, h, w, 3].
          masks: "mask", [1, h, w, 1], is 1 where the tile counts; others as in `Optimization.features`.
          targets: The styles' targets, and the content's for this tile.
        """
        return call_for_any_size(self._compiled_sums, (image, masks, targets))

    def gradient(self, image: Image, masks: Masks, targets: Nest, worth: Nest) -> Image:
        """What a tile adds to the gradient of the losses, float32 [1, h, w, 3].

        Args:
          image: As in `sums`.
          masks: As in `sums`.
          targets: As in `sums`.
          worth: The worth of each sum, from `worth`.
        """
        return call_for_any_size(self._compiled_gradient, (image, masks, targets, worth))

    def _sums(self, image: Image, masks: Masks, targets: Nest) -> Nest:
        features = self._optimization.features(image, masks)
        return {term.name: _parts(term)[0](features, targets[term.name]) for _, term in self._terms}

    def _worth(self, sums: Nest, targets: Nest) -> tuple[dict[str, tf.Tensor], Nest]:
        """The weighted losses by term, [1], and the worth of each sum: the gradient of the total loss."""
        with tf.GradientTape() as tape:
            tape.watch(sums)
            losses = {
                term.name: weight * _parts(term)[1](sums[term.name], targets[term.name]) for weight, term in self._terms
            }
            total = tf.add_n([tf.reduce_sum(loss) for loss in losses.values()])
        return losses, tape.gradient(total, sums, unconnected_gradients="zero")

    def _gradient(self, image: Image, masks: Masks, targets: Nest, worth: Nest) -> Image:
        with tf.GradientTape() as tape:
            tape.watch(image)
            sums = self._sums(image, masks, targets)
            pairs = zip(tf.nest.flatten(sums), tf.nest.flatten(worth), strict=True)
            total = tf.add_n([tf.reduce_sum(own * value) for own, value in pairs])
        return tape.gradient(total, image)


def _parts(term: Term) -> tuple[Callable[[Features, Nest], Nest], Callable[[Nest, Nest], tf.Tensor]]:
    if term.sums is None or term.from_sums is None:
        raise ValueError(f"The term {term.name} is not made from sums over positions; make it with additive_term.")
    return term.sums, term.from_sums

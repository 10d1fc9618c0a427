"""Paints in one pass of a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tf_style.controls import OWN, Controls, shares_of
from tf_style.networks.arbitrary import Statistics
from tf_style.networks.archive import check_style
from tf_style.ops.noise import Noise, seed_of
from tf_style.ops.periodic import wrap_pad
from tf_style.ops.positions import as_painted, lay_over
from tf_style.stylizers.by_batch import ByBatch
from tf_style.stylizers.details import with_details
from tf_style.stylizers.scaling import enlarged, fade, fit, padded, resize, resize_under_xla, shrunk
from tf_style.stylizers.torus import on_a_torus, without_margin
from tf_style.types import Finish, Image, Masks, Nest, Progress

_MARGIN = 128  # how many pixels beyond an edge affect a network's painting there


class Part(NamedTuple):
    """What to paint somewhere: codes of K styles, float32 [B or 1, K, N], and the share of each, float32 [K]."""

    codes: tf.Tensor
    shares: tf.Tensor


def _picture(batch: int | None) -> tf.TensorSpec:
    return tf.TensorSpec([batch, None, None, 3])


class FeedForwardStylizer:
    """A `Stylizer` that paints in one pass: it encodes the styles, and paints with a mixture of their codes.

    Args:
      network: An `ArbitraryStyleNetwork` or a `ManyStylesNetwork`.
      style_scale: Long side of style images relative to the content's. They are never enlarged.
      style_blend: Share of each style; None: equal shares.
      small: Pictures of at most so many pixels are painted at twice the size and shrunk, for a network whose attention
        has too few places in them.
      wrap: Whether opposite edges of the picture are neighbours; its sides must then be multiples of 16.
      style_strength: In [0, 1]: 0 is the content itself, 1 the full style.
      noise: Deviation of the noise that the network makes strokes of in flat grounds; 0: none.
      seed: Of the noise.
      prepare: Applied to each style picture first: (style, content) -> style. With masks, the content has an alpha that
        is 0 where nothing is painted, here and in `finish`.
      finish: Applied to each painting: (painting, content, controls) -> picture.

    Reference:
      Mixing codes: Dumoulin et al., "A Learned Representation for Artistic Style", ICLR 2017, section 3.3
      (https://arxiv.org/abs/1610.07629).
    """

    def __init__(
        self,
        network: Any,
        *,
        style_scale: float = 1.0,
        style_blend: Sequence[float] | None = None,
        style_strength: float = 1.0,
        noise: float = 1.0,
        seed: int = 0,
        small: int = 0,
        wrap: bool = False,
        prepare: Callable[[Image, Image], Image] | None = None,
        finish: Finish | None = None,
    ) -> None:
        self.network = network
        self.style_scale = style_scale
        self.style_blend = style_blend
        self.style_strength = style_strength
        self.noise = noise
        self.seed = seed
        self.small = small
        self.wrap = wrap
        self.prepare = prepare
        self.finish = finish
        self.num_traces = 0
        length = network.code_length
        self._encode = ByBatch(network.encode_style, lambda batch: [_picture(batch)])
        self._compiled_paint = ByBatch(
            self._paint,
            lambda batch: [
                _picture(batch), tf.TensorSpec([batch, None, length]), tf.TensorSpec([None]), tf.TensorSpec([batch])
            ],
        )  # fmt: skip

    def __call__(
        self,
        content: Image,
        styles: Sequence[Image | str],
        *,
        masks: Masks | None = None,
        controls: Controls = OWN,
        on_step: Callable[[Progress], None] | None = None,
    ) -> Image:
        """Paints `content` in the style of `styles`.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1], with sides of at least 32 pixels.
          styles: Pictures [B or 1, h, w, 3] of any size (the network ignores an alpha), or names of styles that the
            network knows.
          masks: Where styles go: with several regions, each style is painted into its own. Under "keep" the content's
            details stay, in the painting's colours.
          controls: What to do otherwise than by default.
          on_step: Called once, with the result.

        Returns:
          Float32 [B, H, W, 3] in [0, 1].

        Raises:
          NetworkError: The network does not know a style's name.
          ValueError: `style_blend` has not one share for each style.
        """
        masks = masks or {}
        parts = self.parts(self.prepared(styles, content, masks), tf.shape(content), by_region=is_by_region(masks))
        painting = self.shown(self.paint_parts(content, parts, masks, controls), content, masks, controls)
        if on_step is not None:
            on_step(only_step(painting))
        return painting

    def paint_uncompiled(self) -> None:
        """From now on paints operation by operation: sooner done for a single picture, as compiling takes longer."""
        self._encode.compiled = self._compiled_paint.compiled = False

    def run(
        self,
        content: Image,
        styles: Sequence[Image | str],
        resume: tuple[int, Nest] | None = None,
        *,
        masks: Masks | None = None,
    ) -> Iterator[Progress]:
        """Like `PyramidStylizer.run`, with a single step; there is nothing to resume."""
        del resume
        yield only_step(self(content, styles, masks=masks))

    def prepared(
        self, styles: Sequence[Image | str], content: Image, masks: Masks | None = None
    ) -> Sequence[Image | str]:
        """The style pictures after `prepare`, ready to encode; names are left unchanged."""
        if self.prepare is None:
            return styles
        content = as_painted(content, masks)
        return [
            style if isinstance(style, str) else self.prepare(self.style_at(style, tf.shape(content)), content)
            for style in styles
        ]

    def encode_styles(self, styles: Sequence[Image | str], content_shape: tf.Tensor) -> tf.Tensor:
        """The codes of K styles for contents of a shape (int32 [4]): float32 [B or 1, K, N]."""
        return tf.stack(_as_batch([self._code(style, content_shape) for style in styles]), axis=1)

    def paint(
        self, content: Image, codes: tf.Tensor, strength: tf.Tensor | None = None, shares: tf.Tensor | None = None
    ) -> Image:
        """Paints with styles' codes.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1].
          codes: Float32 [B or 1, K, N].
          strength: Float32 [B], in [0, 1]; None: the stylizer's own.
          shares: How to mix the codes, float32 [K] with a sum of 1; None: as `style_blend` says.
        """
        shares = self._shares(codes.shape[1]) if shares is None else shares
        return self.shown(self._painted(content, Part(codes, shares), strength), content)

    def parts(self, styles: Sequence[Image | str], content_shape: tf.Tensor, *, by_region: bool = False) -> list[Part]:
        """The mixture to paint everywhere or, with a region for each style, those styles."""
        if not by_region:
            return [Part(self.encode_styles(styles, content_shape), self._shares(len(styles)))]
        return [Part(self._code(style, content_shape)[:, tf.newaxis], tf.ones([1])) for style in styles]

    def paint_parts(self, content: Image, parts: Sequence[Part], masks: Masks, controls: Controls = OWN) -> Image:
        """Paints what `parts` returned, each part in its region; `shown` makes it the picture to show."""
        strength = None
        if controls.style_strength is not None:
            strength = tf.fill(tf.shape(content)[:1], float(controls.style_strength))
        if controls.style_blend and not is_by_region(masks):
            parts = [Part(parts[0].codes, self._shares(parts[0].codes.shape[1], controls.style_blend))]
        return self.mixed(content, (self._painted(content, part, strength) for part in parts), masks)

    def mixed(self, content: Image, paintings: Iterable[Image], masks: Masks) -> Image:
        """The paintings of all parts, each in its region, with the details that a "keep" mask keeps."""
        kept = (with_details(painting, content, masks) for painting in paintings)
        if not is_by_region(masks):
            return next(kept)
        regions = masks["regions"]
        shares = tf.math.divide_no_nan(regions, tf.reduce_sum(regions, -1, keepdims=True))
        painting = content
        for index, own in enumerate(kept):
            painting += shares[..., index : index + 1] * (own - content)
        return painting

    def shown(self, painting: Image, content: Image, masks: Masks | None = None, controls: Controls = OWN) -> Image:
        """The picture to show: `finish` applied, and the content where no region is."""
        if self.finish is not None:
            base = on_a_torus(content) if self.wrap else content
            painting = tf.ensure_shape(self.finish(painting, as_painted(base, masks), controls), content.shape)
        if not masks or "regions" not in masks:
            return painting
        return lay_over(content, painting, tf.reduce_sum(masks["regions"], -1, keepdims=True))

    def _shares(self, number: int, given: Sequence[float] = ()) -> tf.Tensor:
        return tf.constant(shares_of(given or self.style_blend, number), tf.float32)

    def _painted(self, content: Image, part: Part, strength: tf.Tensor | None = None) -> Image:
        strength = tf.fill(tf.shape(content)[:1], float(self.style_strength)) if strength is None else strength
        small = self.is_small(keras.ops.shape(content)[1:3])  # ints if known
        if not tf.is_tensor(small) and not small:
            return tf.ensure_shape(self._compiled_paint(content, *part, strength), content.shape)
        times = 1 + tf.cast(small, tf.int32)  # no condition, under which XLA fails on the padding
        painting = shrunk(self._compiled_paint(enlarged(content, times), *part, strength), times)
        painting = fade(painting, content, tf.where(small, strength, 1.0))
        return tf.ensure_shape(painting, content.shape)

    def _code(self, style: Image | str, content_shape: tf.Tensor) -> tf.Tensor:
        if isinstance(style, str):
            check_style(style, self.network.styles)
            return self.network.encode_style(tf.constant([self.network.styles.index(style)]))
        return self._encode(self.style_at(style[..., :3], content_shape))

    def is_small(self, size: Sequence[int] | Sequence[tf.Tensor] | tf.Tensor) -> bool | tf.Tensor:
        """Whether pictures of a size (height, width) are painted at twice the size."""
        return self.small > 0 and size[0] * size[1] <= self.small

    def style_at(self, style: Image, content_shape: tf.Tensor) -> Image:
        """A style picture at the size at which it is encoded, for contents of a shape (int32 [4])."""
        times = tf.where(self.is_small(content_shape[1:3]), 2.0, 1.0)
        long_side = self.style_scale * times * tf.cast(tf.reduce_max(content_shape[1:3]), tf.float32)
        return fit(style, long_side, resize if tf.executing_eagerly() else resize_under_xla)

    def _paint(self, content: Image, codes: tf.Tensor, shares: tf.Tensor, strength: tf.Tensor) -> Image:
        self.num_traces += 1  # runs once per trace; tests count it
        part = Part(codes, shares)
        if not self.wrap:
            return self.paint_once(content, part, strength)
        content = on_a_torus(content)
        size = tf.shape(content)[1:3]
        margin = tf.minimum(size, _MARGIN)
        wrapped = wrap_pad(content, margin[0], margin[1])
        painting = self.paint_once(wrapped, part, strength, origin=-margin, period=size)
        return without_margin(painting, tf.unstack(margin))

    def paint_once(
        self, content: Image, part: Part, strength: tf.Tensor, statistics: Statistics | None = None, **place: Any
    ) -> Image:
        """Paints without a trace of its own.

        Args:
          content: Float32 [B, H, W, 3].
          part: The style, or the mixture.
          strength: Float32 [B].
          statistics: Of the whole picture, if `content` is a part of it.
          **place: `origin` and `period` of the noise, see `Noise`.
        """
        size = tf.shape(content)[1:3]
        known = {} if statistics is None else {"statistics": statistics}
        noise = Noise(tf.constant([seed_of(self.seed)]), self.noise, **place) if self.noise else None
        features = self.network.encode_content(padded(content, self.network.multiple))
        painting = self.network.paint(features, *part, strength, noise, **known)
        return fade(tf.clip_by_value(painting[:, : size[0], : size[1]], 0.0, 1.0), content, strength)


def is_by_region(masks: Masks) -> bool:
    """Whether each style has a region of its own."""
    return "regions" in masks and masks["regions"].shape[-1] > 1


def _as_batch(codes: list[tf.Tensor]) -> list[tf.Tensor]:
    """Broadcasts codes [B or 1, N] to the largest batch."""
    batch = tf.reduce_max(tf.stack([tf.shape(code)[0] for code in codes]))
    return [tf.broadcast_to(code, [batch, code.shape[-1]]) for code in codes]


def only_step(painting: Image) -> Progress:
    """The `Progress` of a run's only step."""
    size = (int(painting.shape[1]), int(painting.shape[2])) if painting.shape[1] and painting.shape[2] else (0, 0)
    return Progress(
        step=1, num_steps=1, scale=0, num_scales=1, size=size, loss=0.0, losses={}, evaluations=0, fraction=1.0,
        picture=lambda: painting, state=(),
    )  # fmt: skip

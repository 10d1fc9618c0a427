"""Paints in one pass of a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from tf_style.networks.archive import check_style
from tf_style.networks.noise import Noise
from tf_style.ops.periodic import wrap_pad
from tf_style.ops.positions import as_painted, lay_over
from tf_style.stylizers.scaling import fade, fit
from tf_style.stylizers.torus import on_a_torus, without_margin
from tf_style.types import Image, Masks, Nest, Progress

_MARGIN = 128  # how many pixels beyond an edge affect a network's painting there
_ANYWHERE = 2**30  # noise that does not repeat within any picture
_KEPT = 0.8  # share of the painting's details that the content's replace under a "keep" mask
_COARSE = 16  # details are finer than this many pixels, colours coarser


class FeedForwardStylizer:
    """A `Stylizer` that paints in one pass: it encodes the styles, and paints with a mixture of their codes.

    Args:
      network: An `ArbitraryStyleNetwork` or a `ManyStylesNetwork`.
      style_scale: Long side of style images relative to the content's. They are never enlarged.
      style_blend: Share of each style; None: equal shares.
      wrap: Whether opposite edges of the picture are neighbours; its sides must then be multiples of 16.
      style_strength: In [0, 1]: 0 is the content itself, 1 the full style.
      noise: Deviation of the noise that the network makes strokes of in flat grounds; 0: none.
      seed: Of the noise.
      prepare: Applied to each style picture first: (style, content) -> style. With masks, the content has an alpha that
        is 0 where nothing is painted, here and in `finish`.
      finish: Applied to each painting: (painting, content) -> picture.

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
        wrap: bool = False,
        prepare: Callable[[Image, Image], Image] | None = None,
        finish: Callable[[Image, Image], Image] | None = None,
    ) -> None:
        self.network = network
        self.style_scale = style_scale
        self.style_blend = style_blend
        self.style_strength = style_strength
        self.noise = noise
        self.seed = seed
        self.wrap = wrap
        self.prepare = prepare
        self.finish = finish
        self.num_traces = 0
        picture, batch = tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None])
        codes, shares = tf.TensorSpec([None, None, network.code_length]), tf.TensorSpec([None])
        self._encode = tf.function(network.encode_style, input_signature=[picture])
        self._compiled_paint = tf.function(self._paint, input_signature=[picture, codes, shares, batch])

    def __call__(
        self,
        content: Image,
        styles: Sequence[Image | str],
        *,
        masks: Masks | None = None,
        on_step: Callable[[Progress], None] | None = None,
    ) -> Image:
        """Paints `content` in the style of `styles`.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1], with sides of at least 32 pixels.
          styles: Pictures [B or 1, h, w, 3] of any size (the network ignores an alpha), or names of styles that the
            network knows.
          masks: Where styles go: with several regions, each style is painted into its own. Under "keep" the content's
            details stay, in the painting's colours.
          on_step: Called once, with the result.

        Returns:
          Float32 [B, H, W, 3] in [0, 1].

        Raises:
          NetworkError: The network does not know a style's name.
          ValueError: `style_blend` has not one share for each style.
        """
        painting = self._paint_regions(content, self.prepared(styles, content, masks), masks or {})
        if on_step is not None:
            on_step(only_step(painting))
        return painting

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
            style if isinstance(style, str) else self.prepare(self._style_at(style, tf.shape(content)), content)
            for style in styles
        ]

    def encode_styles(self, styles: Sequence[Image | str], content_shape: tf.Tensor) -> tf.Tensor:
        """The codes of K styles for contents of a shape (int32 [4]): float32 [B or 1, K, N]."""
        if self.style_blend is not None and len(self.style_blend) != len(styles):
            raise ValueError(
                f"style_blend has {len(self.style_blend)} shares for {len(styles)} styles; give one for each."
            )
        return tf.stack(_as_batch([self._code(style, content_shape) for style in styles]), axis=1)

    def paint(self, content: Image, codes: tf.Tensor, strength: tf.Tensor | None = None) -> Image:
        """Paints with styles' codes.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1].
          codes: Float32 [B or 1, K, N]; `style_blend` says how to mix them.
          strength: Float32 [B], in [0, 1]; None: the stylizer's own.
        """
        return self._finished(self._painted(content, codes, self._shares(codes.shape[1]), strength), content)

    def _shares(self, number: int) -> tf.Tensor:
        shares = tf.ones([number]) if self.style_blend is None else tf.constant(self.style_blend, tf.float32)
        return shares / tf.reduce_sum(shares)

    def _painted(
        self, content: Image, codes: tf.Tensor, shares: tf.Tensor, strength: tf.Tensor | None = None
    ) -> Image:
        strength = tf.fill(tf.shape(content)[:1], float(self.style_strength)) if strength is None else strength
        return tf.ensure_shape(self._compiled_paint(content, codes, shares, strength), content.shape)

    def _paint_regions(self, content: Image, styles: Sequence[Image | str], masks: Masks) -> Image:
        """Paints, restores kept details, finishes, and lays the result over the content."""
        regions = masks.get("regions")
        if regions is None or regions.shape[-1] == 1:
            codes = self.encode_styles(styles, tf.shape(content))
            painting = self._paint_kept(content, codes, self._shares(len(styles)), masks)
        else:
            painting = self._paint_each(content, styles, regions, masks)
        painting = self._finished(painting, content, masks)
        if regions is None:
            return painting
        return lay_over(content, painting, tf.reduce_sum(regions, -1, keepdims=True))

    def _paint_each(self, content: Image, styles: Sequence[Image | str], regions: tf.Tensor, masks: Masks) -> Image:
        """Paints each style and mixes the paintings by their shares of each pixel."""
        shares = tf.math.divide_no_nan(regions, tf.reduce_sum(regions, -1, keepdims=True))
        painting = content
        for index, style in enumerate(styles):
            code = self._code(style, tf.shape(content))[:, tf.newaxis]
            own = self._paint_kept(content, code, tf.ones([1]), masks)
            painting += shares[..., index : index + 1] * (own - content)
        return painting

    def _paint_kept(self, content: Image, codes: tf.Tensor, shares: tf.Tensor, masks: Masks) -> Image:
        painting = self._painted(content, codes, shares)
        if "keep" not in masks:
            return painting
        details = content - _blurred(content)
        return lay_over(painting, tf.clip_by_value(_blurred(painting) + details, 0.0, 1.0), _KEPT * masks["keep"])

    def _finished(self, painting: Image, content: Image, masks: Masks | None = None) -> Image:
        if self.finish is None:
            return painting
        content = on_a_torus(content) if self.wrap else content
        return tf.ensure_shape(self.finish(painting, as_painted(content, masks)), content.shape)

    def _code(self, style: Image | str, content_shape: tf.Tensor) -> tf.Tensor:
        if isinstance(style, str):
            check_style(style, self.network.styles)
            return self.network.encode_style(tf.constant([self.network.styles.index(style)]))
        return self._encode(self._style_at(style[..., :3], content_shape))

    def _style_at(self, style: Image, content_shape: tf.Tensor) -> Image:
        return fit(style, self.style_scale * tf.cast(tf.reduce_max(content_shape[1:3]), tf.float32))

    def _paint(self, content: Image, codes: tf.Tensor, shares: tf.Tensor, strength: tf.Tensor) -> Image:
        self.num_traces += 1  # runs once per trace; tests count it
        if not self.wrap:
            return self._paint_plainly(content, codes, shares, strength)
        content = on_a_torus(content)
        size = tf.shape(content)[1:3]
        margin = tf.minimum(size, _MARGIN)
        padded = wrap_pad(content, margin[0], margin[1])
        painting = self._paint_plainly(padded, codes, shares, strength, -margin, size)
        return without_margin(painting, tf.unstack(margin))

    def _paint_plainly(
        self,
        content: Image,
        codes: tf.Tensor,
        shares: tf.Tensor,
        strength: tf.Tensor,
        origin: Sequence = (0, 0),
        period: Sequence = (_ANYWHERE, _ANYWHERE),
    ) -> Image:
        size = tf.shape(content)[1:3]
        missing = -size % self.network.multiple
        padded = tf.pad(content, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]], "REFLECT")
        noise = Noise(tf.constant([self.seed]), self.noise, origin, period) if self.noise else None
        painting = self.network.paint(self.network.encode_content(padded), codes, shares, strength, noise)
        return fade(tf.clip_by_value(painting[:, : size[0], : size[1]], 0.0, 1.0), content, strength)


def _blurred(image: Image) -> Image:
    size = tf.shape(image)[1:3]
    coarse = tf.image.resize(image, tf.maximum(1, size // _COARSE), "area")
    return tf.image.resize(coarse, size, "bilinear")


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

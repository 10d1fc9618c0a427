"""The scales of a coarse-to-fine run: their sizes, first image, targets and finished picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from tf_style.controls import OWN, Controls, shares_of, style_factor
from tf_style.ops.positions import as_painted, lay_over
from tf_style.stylizers.feed_forward import FeedForwardStylizer
from tf_style.stylizers.optimization import Optimization, RunState
from tf_style.stylizers.scaling import cover, fade, fit, pyramid_sizes, resize, resize_mask
from tf_style.stylizers.torus import TILE, on_a_torus
from tf_style.types import Finish, Image, Masks, Nest

INITS = ("content", "noise", "style", "network")

_NOISE_LEVEL = 0.1  # standard deviation around mid-grey, white is 1


class Pyramid:
    """A coarse-to-fine run except for the loop over its steps; with one scale it is plain optimisation.

    Args:
      optimization: The optimisation at one size.
      num_steps: Steps at each scale.
      first_steps: Steps at the coarsest scale, even if it is the only one; None: `num_steps`.
      min_size: Long side of the coarsest scale, in pixels; 0: one scale only.
      scale_factor: Ratio between scales.
      init: Start from the "content", "noise" (Gaussian, around mid-grey), the (first) "style" image, or what a
        "network" paints in one pass.
      style_scale: Long side of the style images relative to the content's, at every scale. They are never enlarged.
      seed: Seed of the noise.
      prepare: Applied to each style picture first: (style, content) -> style. With masks, the content has an alpha that
        is 0 where nothing is painted, here and in `finish`.
      style_strength: In [0, 1]. Below a quarter the painting fades into the content; 0 is the content itself.
      finish: Applied to each picture shown: (painting, content at its size, controls) -> picture.
      network: What paints the first image if `init` is "network", at the same strength and blend.

    Reference:
      Coarse to fine: Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017, section 7
      (https://arxiv.org/abs/1611.07865); the square-root-of-two ladder: K. Crowson, style-transfer-pytorch, 2021.
    """

    def __init__(
        self,
        optimization: Optimization,
        *,
        num_steps: int,
        first_steps: int | None = None,
        min_size: int = 0,
        scale_factor: float = math.sqrt(2.0),
        init: str = "content",
        style_scale: float = 1.0,
        seed: int = 0,
        style_strength: float = 1.0,
        prepare: Callable[[Image, Image], Image] | None = None,
        finish: Finish | None = None,
        network: FeedForwardStylizer | None = None,
    ) -> None:
        if init not in INITS:
            raise ValueError(f"Unknown init {init!r}. Allowed: {', '.join(INITS)}.")
        self.optimization = optimization
        self.num_steps = num_steps
        self.first_steps = num_steps if first_steps is None else first_steps
        self.min_size = min_size
        self.scale_factor = scale_factor
        self.init = init
        self.style_scale = style_scale
        self.seed = seed
        self.style_strength = style_strength
        self.prepare = prepare
        self.finish = finish
        self.network = network

    def sizes(self, shape: tf.Tensor) -> tf.Tensor:
        """The sizes of a picture's scales, coarse to fine, int32 [scales, 2], from its shape, int32 [4]."""
        multiple = TILE if self.optimization.wrap else 1
        return pyramid_sizes(shape, self.min_size, self.scale_factor, multiple=multiple)

    def style_targets(self, styles: Sequence[Image], size: Sequence, controls: Controls = OWN) -> Nest:
        """Targets of the terms that read the styles, at a scale of (height, width)."""
        return self.optimization.targets(
            None, [self.style_at(style, size) for style in styles], shares=self.shares(controls, len(styles))
        )

    @staticmethod
    def shares(controls: Controls, number: int) -> tf.Tensor | None:
        """The shares of styles that controls ask for; None: the objective's own."""
        return tf.constant(shares_of(controls.style_blend, number)) if controls.style_blend else None

    def weights(self, controls: Controls) -> dict[str, tf.Tensor]:
        """The weights that controls change, by the term's name."""
        if controls.style_strength is None:
            return {}
        wanted = style_factor(controls.style_strength)
        return {
            term.name: tf.constant(weight * wanted / style_factor(self.style_strength))
            for weight, term in self.optimization.objective.terms
            if term.reads == "styles"
        }

    def strength(self, controls: Controls) -> float:
        """The strength that controls ask for, or else the stylizer's own."""
        return self.style_strength if controls.style_strength is None else controls.style_strength

    def content_targets(self, content: Image, masks: Masks | None, size: Sequence) -> Nest:
        """The masks, and the targets of the terms that read the content, at a scale of (height, width)."""
        return self.optimization.targets(resize(content, size), [], masks_at(masks, size))

    def steps_at(self, scale: int) -> int:
        """Steps at a scale, 0 the coarsest."""
        return self.first_steps if scale == 0 else self.num_steps

    def prepared(self, styles: Sequence[Image], content: Image, masks: Masks | None = None) -> Sequence[Image]:
        """The style pictures after `prepare`, which sees the content and what is painted of it."""
        if self.prepare is None:
            return styles
        content = as_painted(content, masks)
        return [self.prepare(self.style_at(style, tf.shape(content)[1:3]), content) for style in styles]

    def style_at(self, style: Image, size: Sequence) -> Image:
        """Reduces a style image to a long side of `style_scale` times the content's; never enlarges it."""
        return fit(style, self.style_scale * tf.cast(tf.reduce_max(size), tf.float32))

    def first_image(
        self,
        content: Image,
        styles: Sequence[Image],
        size: Sequence,
        seeds: tf.Tensor | None = None,
        *,
        masks: Masks | None = None,
        codes: tf.Tensor | None = None,
        controls: Controls = OWN,
    ) -> Image:
        """The picture that the optimisation starts from.

        Below a strength of 1 it is mixed with the content, so that a weak style stays near the content.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1].
          styles: As in a call.
          size: (height, width) of the scale.
          seeds: Seeds of the noise, int32 [B]; None: the stylizer's own.
          masks: As in a call; a network paints each style into its region.
          codes: The styles' codes, float32 [B or 1, K, N], if a network is to paint and the styles are not at hand.
          controls: As in a call.
        """
        if self.init == "content":
            return resize(content, size)
        if self.network is not None:
            start = self._first_pass(content, styles, size, masks, codes, controls)
        else:
            start = self._without_content(content, styles, size, seeds)
        strength = self.strength(controls)
        if strength >= 1.0:
            return start
        return resize(content, size) + strength * (start - resize(content, size))

    def _first_pass(
        self,
        content: Image,
        styles: Sequence[Image],
        size: Sequence,
        masks: Masks | None,
        codes: tf.Tensor | None,
        controls: Controls,
    ) -> Image:
        """What the network paints."""
        assert self.network is not None
        larger = self.first_pass_size(size, tf.shape(content)[1:3])
        content, masks = resize(content, larger), masks_at(masks, larger)
        if codes is not None:
            return resize(self.network.paint(content, codes), size)
        styles = [self.style_at(style, larger) for style in styles]
        return resize(self.network(content, styles, masks=masks, controls=_without_colors(controls)), size)

    def first_pass_size(self, size: Sequence, own: Sequence) -> tf.Tensor:
        """The (height, width) at which a network paints the first image for a scale, for a content of size `own`.

        Twice the scale's, so that the reduced picture holds the content's forms, but not more than the content's own.
        """
        return tf.minimum(2 * tf.convert_to_tensor(size), own)

    def _without_content(
        self, content: Image, styles: Sequence[Image], size: Sequence, seeds: tf.Tensor | None
    ) -> Image:
        batch = tf.shape(content)[0]
        if self.init == "noise":
            seeds = tf.fill([batch], self.seed) if seeds is None else seeds
            noise = tf.map_fn(
                lambda seed: tf.random.stateless_normal([size[0], size[1], 3], [seed, 0], stddev=_NOISE_LEVEL),
                seeds,
                fn_output_signature=tf.TensorSpec([None, None, 3]),
            )
            return tf.clip_by_value(0.5 + noise, 0.0, 1.0)
        style = cover(styles[0][..., :3], size)
        style = on_a_torus(style) if self.optimization.wrap else style
        return tf.repeat(style, batch // tf.shape(style)[0], axis=0)

    def picture(self, state: RunState, content: Image, masks: Masks | None = None, controls: Controls = OWN) -> Image:
        """The finished picture so far, at the run's current size; outside all regions it is the content."""
        painting = self.optimization.picture(state)
        size = tf.shape(painting)[1:3]
        return self.shown(painting, resize(content, size), masks_at(masks, size), controls)

    def picture_at_full_size(self, state: RunState, content: Image, masks: Masks | None = None) -> Image:
        """The picture so far at the content's size, however coarse the scale, and finished at that size.

        Args:
          state: The `state` of a `Progress`.
          content: As given to `run`.
          masks: As in a call.
        """
        content = on_a_torus(content) if self.optimization.wrap else content
        painting = self.optimization.resize(state, tuple(tf.unstack(tf.shape(content)[1:3]))).image
        return self.shown(painting, content, masks)

    def shown(self, painting: Image, content: Image, masks: Masks | None = None, controls: Controls = OWN) -> Image:
        """Finishes a painting and lays it over the content; all pictures have one size."""
        strength = self.strength(controls)
        if strength < 1.0:
            painting = fade(painting, content, strength)
        if self.finish is not None:
            painting = self.finish(painting, as_painted(content, masks), controls)
        if not masks or "regions" not in masks:
            return painting
        return lay_over(content, painting, tf.reduce_sum(masks["regions"], -1, keepdims=True))


def _without_colors(controls: Controls) -> Controls:
    """What concerns a first image, which is not finished."""
    return Controls(style_blend=controls.style_blend, style_strength=controls.style_strength)


def masks_at(masks: Masks | None, size: Sequence) -> Masks | None:
    """The masks at a scale of (height, width)."""
    return {name: resize_mask(mask, size) for name, mask in masks.items()} if masks else None

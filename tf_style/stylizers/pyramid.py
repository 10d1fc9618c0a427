"""Coarse to fine: the same optimisation at growing sizes, each starting from the last one's picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from tf_style.stylizers.optimization import Optimization, RunState, any_size
from tf_style.types import Image, Nest, Progress

INITS = ("content", "noise", "style")
MIN_SIDE = 32  # pixels; a smaller picture leaves nothing of itself after VGG's four poolings

_NOISE_LEVEL = 0.1  # standard deviation around mid-grey, white is 1


class PyramidStylizer:
    """A `Stylizer` that optimises coarse to fine; with one scale, plain optimisation.

    Called eagerly it runs Python's loop, with progress; inside a `tf.function` (`dataset.map`, a Keras layer, a
    SavedModel) the same step runs in a `tf.while_loop`. The result has the content's size.

    Args:
      optimization: The optimisation at one size.
      num_steps: Steps at each scale.
      first_steps: Steps at the coarsest scale (also where there is just one); None: `num_steps`.
      min_size: Long side of the coarsest scale, in pixels; 0: one scale only.
      scale_factor: Ratio between scales.
      init: Start from the "content", "noise" (Gaussian, around mid-grey) or the (first) "style" image.
      style_scale: Long side of the style images relative to the content's, at every scale. They are never enlarged.
      seed: Of the noise.

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

    def __call__(
        self, content: Image, styles: Sequence[Image], *, on_step: Callable[[Progress], None] | None = None
    ) -> Image:
        """Paints `content` in the style of `styles`.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1], at least 32 pixels a side.
          styles: Pictures [B or 1, h, w, 3] of any size.
          on_step: Called with a `Progress` after each step (eagerly only).

        Returns:
          Float32 [B, H, W, 3] in [0, 1].
        """
        if not tf.executing_eagerly():
            return self._run_in_graph(content, styles)
        for progress in self.run(content, styles):
            if on_step is not None:
                on_step(progress)
        return progress.image

    def run(
        self, content: Image, styles: Sequence[Image], resume: tuple[int, Nest] | None = None
    ) -> Iterator[Progress]:
        """The loop as a generator: yields a `Progress` after each call of the compiled step.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1].
          styles: Pictures [B or 1, h, w, 3].
          resume: The `scale` and the leaves (`tf.nest.flatten`) of the `state` of an earlier run's progress, to go on
            from there; the result is the same to the byte.
        """
        sizes = [(int(h), int(w)) for h, w in self.sizes(tf.shape(content))]
        state = None
        first_scale = 0
        if resume is not None:
            first_scale, leaves = resume
            template = self.optimization.start(self._first_image(content, styles, sizes[first_scale]))
            state = tf.nest.pack_sequence_as(template, leaves)
        for scale in range(first_scale, len(sizes)):
            if state is None:
                state = self.optimization.start(self._first_image(content, styles, sizes[scale]))
            elif scale > first_scale:
                state = self.optimization.resize(state, sizes[scale])
            targets = self._targets(content, styles, sizes[scale])
            steps = self._steps_at(scale)
            while int(state.step) < steps and not bool(tf.reduce_all(state.done)):
                chunk = min(self.optimization.optimizer.steps_per_call, steps - int(state.step))
                state, losses = self.optimization.step(state, targets, tf.constant(chunk))
                yield self._progress(state, losses, scale, sizes)

    def sizes(self, shape: tf.Tensor) -> tf.Tensor:
        """The pyramid of a picture: (height, width) of each scale, coarse to fine.

        Args:
          shape: Int32 [4], the shape of the content.

        Returns:
          Int32 [scales, 2]; the last row is the content's own size; no side is under 32 pixels unless the content's is.
        """
        size = tf.cast(shape[1:3], tf.float64)
        if self.min_size == 0:
            return tf.cast(size, tf.int32)[tf.newaxis]
        long_side, short_side = tf.reduce_max(size), tf.reduce_min(size)
        smallest = tf.maximum(tf.cast(self.min_size, tf.float64), MIN_SIDE * long_side / short_side)
        ratio = math.log(self.scale_factor)
        count = 1 + tf.cast(tf.maximum(tf.floor(tf.math.log(long_side / smallest) / ratio + 1e-6), 0.0), tf.int32)
        exponents = tf.cast(tf.range(count - 1, -1, -1), tf.float64)
        return tf.cast(
            tf.round(size / tf.pow(tf.cast(self.scale_factor, tf.float64), exponents)[:, tf.newaxis]), tf.int32
        )

    def _steps_at(self, scale: int) -> int:
        return self.first_steps if scale == 0 else self.num_steps

    def _targets(self, content: Image, styles: Sequence[Image], size: tuple) -> Nest:
        return self.optimization.targets(_resize(content, size), [self._style_at(style, size) for style in styles])

    def _style_at(self, style: Image, size: tuple) -> Image:
        """The style image with its long side `style_scale` times the content's; smaller ones stay as they are."""
        own = tf.cast(tf.shape(style)[1:3], tf.float32)
        wanted = self.style_scale * tf.cast(tf.reduce_max(size), tf.float32)
        smallest = MIN_SIDE / tf.reduce_min(own)  # one ratio for both sides: nothing is squashed
        ratio = tf.minimum(1.0, tf.maximum(wanted / tf.reduce_max(own), smallest))
        return _resize(style, tf.cast(tf.round(own * ratio), tf.int32))

    def _first_image(self, content: Image, styles: Sequence[Image], size: tuple) -> Image:
        if self.init == "content":
            return _resize(content, size)
        batch = tf.shape(content)[0]
        if self.init == "noise":
            noise = tf.random.stateless_normal([1, size[0], size[1], 3], seed=[self.seed, 0], stddev=_NOISE_LEVEL)
            return tf.repeat(tf.clip_by_value(0.5 + noise, 0.0, 1.0), batch, axis=0)
        style = _cover(styles[0], size)
        return tf.repeat(style, batch // tf.shape(style)[0], axis=0)

    def _progress(self, state: RunState, losses: dict[str, tf.Tensor], scale: int, sizes: list) -> Progress:
        planned = [self._steps_at(index) for index in range(len(sizes))]
        work = [steps * height * width for steps, (height, width) in zip(planned, sizes, strict=True)]
        done = sum(work[:scale]) + int(state.step) * sizes[scale][0] * sizes[scale][1]
        means = {name: float(tf.reduce_mean(loss)) for name, loss in losses.items()}
        return Progress(
            step=sum(planned[:scale]) + int(state.step),
            num_steps=sum(planned),
            scale=scale,
            num_scales=len(sizes),
            size=sizes[scale],
            loss=sum(means.values()),
            losses=means,
            evaluations=int(self.optimization.optimizer.evaluations(state.optimizer)),
            fraction=done / sum(work),
            image=self.optimization.picture(state),
            state=state,
        )

    def _run_in_graph(self, content: Image, styles: Sequence[Image]) -> Image:
        """The loop over scales and steps as nested `tf.while_loop`s: any size, known or not when tracing."""
        sizes = self.sizes(tf.shape(content))
        num_scales = tf.shape(sizes)[0]
        state = self.optimization.start(self._first_image(content, styles, tf.unstack(sizes[0])))
        invariants = tf.nest.map_structure(any_size, state)

        def at_scale(scale: tf.Tensor, state: RunState) -> tuple[tf.Tensor, RunState]:
            size = tf.unstack(sizes[scale])
            state = tf.cond(scale > 0, lambda: self.optimization.resize(state, size), lambda: state)
            targets = self._targets(content, styles, size)
            steps = tf.where(scale == 0, self.first_steps, self.num_steps)
            chunk = self.optimization.optimizer.steps_per_call

            def one(state: RunState) -> tuple[RunState]:
                return (self.optimization.step(state, targets, tf.minimum(chunk, steps - state.step))[0],)

            (state,) = tf.while_loop(
                lambda state: (state.step < steps) & ~tf.reduce_all(state.done),
                one,
                (state,),
                shape_invariants=(invariants,),
            )
            return scale + 1, state

        _, state = tf.while_loop(
            lambda scale, state: scale < num_scales,
            at_scale,
            (tf.constant(0), state),
            shape_invariants=(tf.TensorShape([]), invariants),
        )
        return tf.ensure_shape(self.optimization.picture(state), content.shape)


def _resize(image: Image, size: Sequence) -> Image:
    """Antialiased bicubic, kept in [0, 1]; the very same pixels where the size is the same already."""
    resized = tf.clip_by_value(tf.image.resize(image, size, "bicubic", antialias=True), 0.0, 1.0)
    return tf.cond(tf.reduce_all(tf.equal(tf.shape(image)[1:3], size)), lambda: image, lambda: resized)


def _cover(image: Image, size: Sequence) -> Image:
    """The middle of the picture at the given size: scaled until it covers, then cropped, never squashed."""
    own = tf.cast(tf.shape(image)[1:3], tf.float32)
    wanted = tf.cast(size, tf.float32)
    scaled = tf.cast(tf.math.ceil(own * tf.reduce_max(wanted / own)), tf.int32)
    top, left = tf.unstack((scaled - tf.cast(size, tf.int32)) // 2)
    return _resize(image, scaled)[:, top : top + size[0], left : left + size[1]]

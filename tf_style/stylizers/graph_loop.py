"""The loop over scales and steps inside a graph: in `tf.function`, `dataset.map`, a Keras layer, a SavedModel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from tf_style.stylizers.optimization import RunState, any_size
from tf_style.stylizers.pyramid import Pyramid
from tf_style.types import Image, Masks, Nest


class PyramidState(NamedTuple):
    """The state of a run over scales in the graph's loop.

    `scale` is the index of the current scale, and `run` the state there. `num_steps` [B] is the number of steps asked
    for at each scale (see `GraphLoop.limits` for the coarsest), `steps` [B] the number done so far, over all scales.
    """

    scale: tf.Tensor
    num_steps: tf.Tensor
    steps: tf.Tensor
    run: RunState


class GraphLoop:
    """Runs in chunks, in graph code; each picture of a batch may have its own steps, seed and weights.

    Args:
      stylizer: Gives the sizes, the start and the compiled step.
      masks: As in a call of the stylizer.
    """

    def __init__(self, stylizer: Pyramid, masks: Masks | None = None) -> None:
        self.stylizer = stylizer
        self.masks = masks

    def start(
        self,
        content: Image,
        styles: Sequence[Image],
        *,
        num_steps: tf.Tensor | None = None,
        seeds: tf.Tensor | None = None,
        codes: tf.Tensor | None = None,
    ) -> PyramidState:
        """The state before the first step, for `advance`.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1].
          styles: Pictures [B or 1, h, w, 3]; used only if `init` is "style" or, without `codes`, "network".
          num_steps: Steps at each scale, int32 [B]; None: the stylizer's own.
          seeds: Seeds of the noise, int32 [B]; None: the stylizer's own.
          codes: The styles' codes for the network; see `Pyramid.first_image`.
        """
        zeros = tf.zeros_like(content[:, 0, 0, 0], tf.int32)
        num_steps = zeros + self.stylizer.num_steps if num_steps is None else num_steps
        size = tf.unstack(self.stylizer.sizes(tf.shape(content))[0])
        image = self.stylizer.first_image(content, styles, size, seeds, masks=self.masks, codes=codes)
        run = self.stylizer.optimization.start(image)
        run = run._replace(done=self.limits(num_steps, 0) <= 0)
        return PyramidState(tf.zeros([], tf.int32), num_steps, zeros, run)

    def advance(
        self,
        content: Image,
        style_targets: Callable[[tf.Tensor, Sequence[tf.Tensor]], Nest],
        state: PyramidState,
        *,
        budget: tf.Tensor | None = None,
        weights: Mapping[str, tf.Tensor] | None = None,
    ) -> PyramidState:
        """Continues a run over scales, in nested `tf.while_loop`s, whether or not the size is known when tracing.

        Args:
          content: As given to `start`.
          style_targets: From a scale's index and (height, width) to the targets of the terms that read the styles.
          state: What `start` or `advance` returned.
          budget: Steps to make, int32 scalar, rounded up to whole calls of the optimiser; None: to the end.
          weights: Weights [B] that replace the objective's own, by the term's name.
        """
        sizes = self.stylizer.sizes(tf.shape(content))
        last = tf.shape(sizes)[0] - 1

        def at_scale(state: PyramidState, left: tf.Tensor) -> tuple[PyramidState, tf.Tensor]:
            size = tf.unstack(sizes[state.scale])
            targets = {
                **style_targets(state.scale, size),
                **self.stylizer.content_targets(content, self.masks, size),
            }
            state, left = self._at_scale(state, targets, left, weights)
            climb = tf.reduce_all(state.run.done) & (state.scale < last)
            return tf.cond(climb, lambda: self._climb(state, sizes), lambda: state), left

        state, _ = tf.while_loop(
            lambda state, left: (left > 0) & ~tf.reduce_all(self.finished(content, state)),
            at_scale,
            (state, tf.constant(tf.int32.max) if budget is None else budget),
            shape_invariants=(tf.nest.map_structure(any_size, state), tf.TensorShape([])),
            parallel_iterations=1,
        )
        return state

    def finished(self, content: Image, state: PyramidState) -> tf.Tensor:
        """Which pictures are done, bool [B]."""
        return state.run.done & (state.scale == tf.shape(self.stylizer.sizes(tf.shape(content)))[0] - 1)

    def fraction(self, content: Image, state: PyramidState) -> tf.Tensor:
        """The share of the work (steps times pixels) done, float32 [B]."""
        sizes = self.stylizer.sizes(tf.shape(content))
        pixels = tf.cast(tf.reduce_prod(sizes, axis=1), tf.float32)[:, tf.newaxis]
        scales = tf.range(tf.shape(sizes)[0])[:, tf.newaxis]
        limits = self.limits(state.num_steps[tf.newaxis], scales)
        steps = tf.where(scales < state.scale, limits, tf.where(scales == state.scale, state.run.step, 0))
        steps = tf.where((scales == state.scale) & state.run.done, limits, tf.minimum(steps, limits))
        work = tf.reduce_sum(pixels * tf.cast(limits, tf.float32), axis=0)
        done = tf.reduce_sum(pixels * tf.cast(steps, tf.float32), axis=0)
        return tf.where(work > 0.0, tf.math.divide_no_nan(done, work), 1.0)

    def _at_scale(
        self, state: PyramidState, targets: Nest, left: tf.Tensor, weights: Mapping[str, tf.Tensor] | None
    ) -> tuple[PyramidState, tf.Tensor]:
        """Makes steps at the current scale until the scale or the budget is used up."""
        limits = self.limits(state.num_steps, state.scale)
        chunk = self.stylizer.optimization.optimizer.steps_per_call

        def call(run: RunState, steps: tf.Tensor, left: tf.Tensor) -> tuple[RunState, tf.Tensor, tf.Tensor]:
            todo = tf.reduce_min(tf.where(run.done, tf.int32.max, limits - run.step))
            after = self.stylizer.optimization.step(run, targets, tf.minimum(chunk, todo), weights)
            count = after.step - run.step
            steps += tf.where(run.done, 0, count)
            return after._replace(done=after.done | (after.step >= limits)), steps, left - count

        run, steps, left = tf.while_loop(
            lambda run, steps, left: (left > 0) & ~tf.reduce_all(run.done),
            call,
            (state.run, state.steps, left),
            shape_invariants=(
                tf.nest.map_structure(any_size, state.run),
                state.steps.shape,
                tf.TensorShape([]),
            ),
            parallel_iterations=1,
        )
        return state._replace(run=run, steps=steps), left

    def _climb(self, state: PyramidState, sizes: tf.Tensor) -> PyramidState:
        """The state at the next scale."""
        size = (sizes[state.scale + 1, 0], sizes[state.scale + 1, 1])
        limits = self.limits(state.num_steps, state.scale + 1)
        run = self.stylizer.optimization.resize(state.run, size)._replace(losses=state.run.losses, done=limits <= 0)
        return state._replace(scale=state.scale + 1, run=run)

    def limits(self, num_steps: tf.Tensor, scale: tf.Tensor | int) -> tf.Tensor:
        """Steps at a scale if `num_steps` are asked for; at the coarsest they are scaled like `first_steps`."""
        first = -(-num_steps * self.stylizer.first_steps // self.stylizer.num_steps)
        return tf.where(tf.equal(scale, 0), first, num_steps)

"""Coarse to fine: the same optimisation at growing sizes, each starting from the previous one's picture."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from tf_style.controls import OWN, Controls
from tf_style.stylizers.graph_loop import GraphLoop
from tf_style.stylizers.optimization import RunState
from tf_style.stylizers.pyramid import Pyramid, masks_at
from tf_style.stylizers.scaling import resize
from tf_style.stylizers.torus import on_a_torus
from tf_style.types import Image, Masks, Nest, Progress


class PyramidStylizer(Pyramid):
    """A `Stylizer` that optimises coarse to fine; it takes the arguments of `Pyramid`.

    Eagerly, it runs a Python loop and reports progress; inside a `tf.function` (`dataset.map`, a Keras layer, a
    SavedModel) the same step runs in a `tf.while_loop`. The result has the content's size.
    """

    def __call__(
        self,
        content: Image,
        styles: Sequence[Image],
        *,
        masks: Masks | None = None,
        controls: Controls = OWN,
        on_step: Callable[[Progress], None] | None = None,
    ) -> Image:
        """Paints `content` in the style of `styles`.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1], with sides of at least 32 pixels.
          styles: Pictures [B or 1, h, w, 3 or 4] of any size; with an alpha, transparent pixels are ignored.
          masks: Where styles go and what stays, if the objective uses regions.
          controls: What to do otherwise than by default; not inside a `tf.function`.
          on_step: Called with a `Progress` after each step; not inside a `tf.function`.

        Returns:
          Float32 [B, H, W, 3] in [0, 1].
        """
        if not tf.executing_eagerly():
            return self._run_in_graph(content, styles, masks)
        for progress in self.run(content, styles, masks=masks, controls=controls):
            if on_step is not None:
                on_step(progress)
        return progress.image

    def run(
        self,
        content: Image,
        styles: Sequence[Image],
        resume: tuple[int, Nest] | None = None,
        *,
        masks: Masks | None = None,
        controls: Controls = OWN,
        sizes: Sequence[tuple[int, int]] | None = None,
        prepared: bool = False,
    ) -> Iterator[Progress]:
        """The loop as a generator: yields a `Progress` after each call of the compiled step.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1].
          styles: Pictures [B or 1, h, w, 3 or 4].
          resume: The `scale` of the `Progress` to resume from, and the leaves (`tf.nest.flatten`) of its `state`; the
            result is the same to the byte.
          masks: As in `__call__`.
          controls: As in `__call__`.
          sizes: (height, width) of the scales, coarse to fine; default: `self.sizes`.
          prepared: Whether the styles come from `prepared` already.
        """
        sizes = [(int(h), int(w)) for h, w in self.sizes(tf.shape(content))] if sizes is None else list(sizes)
        content = on_a_torus(content) if self.optimization.wrap else content
        styles = styles if prepared else self.prepared(styles, content, masks)
        state = None
        first_scale = 0
        if resume is not None:
            first_scale, leaves = resume
            template = self.optimization.start(resize(content, sizes[first_scale]))
            state = tf.nest.pack_sequence_as(template, leaves)
        for scale in range(first_scale, len(sizes)):
            if state is None:
                state = self.optimization.start(
                    self.first_image(content, styles, sizes[scale], masks=masks, controls=controls)
                )
            elif scale > first_scale:
                state = self.optimization.resize(state, sizes[scale])
            targets = self.optimization.targets(
                resize(content, sizes[scale]),
                [self.style_at(style, sizes[scale]) for style in styles],
                masks_at(masks, sizes[scale]),
                self.shares(controls, len(styles)),
            )
            steps = self.optimization.steps(state, targets, self.steps_at(scale), self.weights(controls))
            for state in steps:
                yield self._progress(state, content, masks, controls, scale, sizes)

    def _progress(
        self, state: RunState, content: Image, masks: Masks | None, controls: Controls, scale: int, sizes: list
    ) -> Progress:
        planned = [self.steps_at(index) for index in range(len(sizes))]
        work = [steps * height * width for steps, (height, width) in zip(planned, sizes, strict=True)]
        done = sum(work[:scale]) + int(state.step) * sizes[scale][0] * sizes[scale][1]
        means = {name: float(tf.reduce_mean(loss)) for name, loss in state.losses.items()}
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
            picture=functools.partial(self.picture, state, content, masks, controls),
            state=state,
        )

    def _run_in_graph(self, content: Image, styles: Sequence[Image], masks: Masks | None) -> Image:
        content = on_a_torus(content) if self.optimization.wrap else content
        loop, styles = GraphLoop(self, masks), self.prepared(styles, content, masks)
        state = loop.advance(content, lambda scale, size: self.style_targets(styles, size), loop.start(content, styles))
        return tf.ensure_shape(self.picture(state.run, content, masks), content.shape)

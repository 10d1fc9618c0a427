"""Frames of a film by optimisation: each begins as the frame before, moved along, and is kept close to it."""

from __future__ import annotations

import collections
from collections.abc import Sequence

import tensorflow as tf

from tf_style.controls import OWN, Controls
from tf_style.losses import temporal_loss
from tf_style.stylizers.coarse_to_fine import PyramidStylizer
from tf_style.stylizers.optimization import Optimization
from tf_style.types import Features, Image, Masks, Nest, References


class FrameStylizer:
    """Paints the first frame of a shot as a picture, coarse to fine, and those after it at full size.

    Paintings are those of the optimisation, which the next frame needs; `shown` makes the pictures to show.

    Args:
      stylizer: What paints a picture. Its last scale's steps, `num_steps`, are those of the frames that follow.
      consistency: In [0, 1]: how closely they are kept to the one before, by the `temporal_loss`.

    Reference:
      Ruder, Dosovitskiy, Brox, "Artistic Style Transfer for Videos", GCPR 2016, sections 4.1 to 4.4.
      https://arxiv.org/abs/1604.08610
    """

    def __init__(self, stylizer: PyramidStylizer, consistency: float) -> None:
        own = stylizer.optimization
        self.stylizer = stylizer
        self._following = Optimization(
            own.backbone,
            own.objective + temporal_weight(consistency) * temporal_loss(),
            own.optimizer,
            average_decay=own.average_decay,
            tolerance=own.tolerance,
            jit_compile=own.jit_compile,
        )
        self.shown = stylizer.shown

    def first(
        self, content: Image, styles: Sequence[Image], *, masks: Masks | None = None, controls: Controls = OWN
    ) -> Image:
        """The painting of a shot's first frame.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1].
          styles: What `stylizer.prepared` returned.
          masks: As in a call of the stylizer.
          controls: As in a call of the stylizer.
        """
        run = self.stylizer.run(content, styles, masks=masks, controls=controls, prepared=True)
        return self.stylizer.optimization.picture(collections.deque(run, maxlen=1)[0].state)

    def next(
        self,
        content: Image,
        styles: Sequence[Image],
        previous: Sequence[Features],
        *,
        style_targets: Nest,
        masks: Masks | None = None,
        controls: Controls = OWN,
    ) -> Image:
        """The painting of a frame that follows others.

        Args:
          content: Float32 [B, H, W, 3] in [0, 1].
          styles: What `stylizer.prepared` returned.
          previous: Paintings of frames before, moved along, under "image", and how far to trust them, float32
            [B, H, W, 1] in [0, 1], under "mask". The masks add up to at most 1; what they leave begins as in a picture.
          style_targets: What `stylizer.style_targets` returned for the frame's size.
          masks: As in a call of the stylizer.
          controls: As in a call of the stylizer; they also say how closely to keep to the frames before.
        """
        size = tf.unstack(tf.shape(content)[1:3])
        start = self.stylizer.first_image(content, styles, size, masks=masks, controls=controls)
        rest = start
        for before in previous:
            start += before["mask"] * (before["image"] - rest)
        references = References({}, (), tuple(previous))
        targets = {
            **self.stylizer.content_targets(content, masks, size),
            **style_targets,
            **self._following.objective.reading("previous").targets(references),
        }
        weights = self.stylizer.weights(controls)
        if controls.consistency is not None:
            weights["temporal"] = tf.constant(temporal_weight(controls.consistency))
        state = self._following.start(tf.clip_by_value(start, 0.0, 1.0))
        steps = self._following.steps(state, targets, self.stylizer.num_steps, weights)
        return self._following.picture(collections.deque(steps, maxlen=1)[0])


def temporal_weight(consistency: float) -> float:
    """The weight of the temporal loss: it rises over two powers of ten with the consistency, and is 0 at 0."""
    return 25.0 * 100.0**consistency if consistency else 0.0

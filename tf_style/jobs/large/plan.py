"""Which scales of a large picture are painted in tiles, and the progress over all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from tf_style.types import Image, Progress

_TWICE = 1.5  # cost of a step in tiles relative to a plain one: each tile is also seen once without a gradient


@dataclasses.dataclass(frozen=True)
class LargePlan:
    """The scales of a run, coarse to fine.

    `sizes` holds (height, width) and `steps` the number of steps of each. Scales from `first_tiled` on are painted in
    tiles.
    """

    sizes: tuple[tuple[int, int], ...]
    steps: tuple[int, ...]
    first_tiled: int

    def progress(
        self, scale: int, done: float, losses: dict[str, float], evaluations: int, picture: Callable[[], Image]
    ) -> Progress:
        """The progress of the whole run.

        Args:
          scale: The current scale.
          done: Steps done at this scale, plus the fraction of the current step.
          losses: The weighted terms.
          evaluations: Evaluations of the objective so far.
          picture: Makes the picture so far.
        """
        work = [
            steps * height * width * (_TWICE if index >= self.first_tiled else 1.0)
            for index, (steps, (height, width)) in enumerate(zip(self.steps, self.sizes, strict=True))
        ]
        return Progress(
            step=sum(self.steps[:scale]) + int(done),
            num_steps=sum(self.steps),
            scale=scale,
            num_scales=len(self.sizes),
            size=self.sizes[scale],
            loss=sum(losses.values()),
            losses=losses,
            evaluations=evaluations,
            fraction=(sum(work[:scale]) + done / self.steps[scale] * work[scale]) / sum(work),
            picture=picture,
            state=(),
        )


def make_plan(sizes: tf.Tensor, steps_at: Callable[[int], int], *, tile_steps: int, whole_pixels: int) -> LargePlan:
    """The plan of a pyramid.

    Args:
      sizes: Int32 [scales, 2], as `PyramidStylizer.sizes` returns them.
      steps_at: Gives the steps at a scale.
      tile_steps: Steps at scales in tiles; 0: from `steps_at` too.
      whole_pixels: A scale of up to this many pixels is painted whole.
    """
    pairs = tuple((int(height), int(width)) for height, width in sizes)
    tiled = [height * width > whole_pixels for height, width in pairs]
    first = tiled.index(True) if True in tiled else len(pairs)
    steps = tuple(tile_steps if index >= first and tile_steps else steps_at(index) for index in range(len(pairs)))
    return LargePlan(pairs, steps, first)

"""A network's pass over a large picture, tile by tile."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator

import tensorflow as tf

from tf_style.images.strips.planes import Plane
from tf_style.jobs.large.inputs import tile_side
from tf_style.jobs.large.picture import LargePicture
from tf_style.jobs.run.model import model_headline
from tf_style.stylizers.feed_forward_tiles import TiledPass
from tf_style.types import Masks, Progress

Window = tuple[int, int, int, int]

_LOOKS = 0.4  # share of the time that measuring the whole takes


def paint_in_tiles(
    tiled: TiledPass, content: Plane, masks_in: Callable[[Window], Masks], painting: Plane
) -> Iterator[tuple[int, int, float]]:
    """Measures the whole, then paints; yields (number, of how many, share of the work) after each look and tile.

    Args:
      tiled: The pass.
      content: What it reads.
      masks_in: Gives the masks in a window of the content.
      painting: Where it writes.
    """
    count = tiled.num_looks + len(tiled.tiles)
    for number in tiled.look(content.read):
        yield number, count, _LOOKS * number / tiled.num_looks
    for number, tile in enumerate(tiled.tiles, 1):
        painting.write(*tile.counts[:2], tiled.paint(content.read, tile, masks_in(tile.seen)))
        yield tiled.num_looks + number, count, _LOOKS + (1.0 - _LOOKS) * number / len(tiled.tiles)


class OnePassSession(LargePicture):
    """A `LargePicture` that a network paints. Until a tile is painted, the content is there."""

    def _prepare(self) -> None:
        self._painting = Plane(self._folder / "painted.f32", self._inputs.size)
        shutil.copyfile(self._content.path, self._painting.path)

    def headline(self) -> str:
        """Says which network paints, where it runs, and the tiles' size."""
        return f"{model_headline(self._config, self._choice)} In tiles of {tile_side(self._config)} pixels."

    def steps(self) -> Iterator[Progress]:
        """Measures the whole, then paints; yields after each tile, with the picture so far."""
        started = time.monotonic()
        self._stylizer.small = 0  # tiles are painted at the size they have, and by styles that fit it
        shape = tf.constant([1, *self._inputs.size, 3])
        styles = self._styles(lambda style: self._stylizer.style_at(style, shape))
        parts = self._stylizer.parts(styles, shape, by_region=self._guides.num_regions > 1)
        tiled = TiledPass(self._stylizer, self._inputs.size, tile_side(self._config), parts)
        for done in paint_in_tiles(tiled, self._content, self._masks_in, self._painting):
            self._painting_seconds = time.monotonic() - started
            yield self._at(*done)

    def _at(self, step: int, num_steps: int, fraction: float) -> Progress:
        self.progress = Progress(
            step=step, num_steps=num_steps, scale=0, num_scales=1, size=self._inputs.size, loss=0.0, losses={},
            evaluations=0, fraction=fraction, picture=self._whole_picture, state=(),
        )  # fmt: skip
        return self.progress

    def _painting_plane(self) -> Plane:
        plane = Plane(self._folder / "painting.f32", self._inputs.size)
        shutil.copyfile(self._painting.path, plane.path)
        return plane

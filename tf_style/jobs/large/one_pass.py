"""A network's pass over a large picture, tile by tile."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import tensorflow as tf

from tf_style.images.strips.planes import Plane
from tf_style.jobs.large.inputs import tile_side
from tf_style.jobs.large.picture import LargePicture
from tf_style.jobs.run.model import model_headline
from tf_style.stylizers.feed_forward_tiles import TiledPass
from tf_style.types import Progress

_LOOKS = 0.4  # share of the time that measuring the whole takes


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
        shape = tf.constant([1, *self._inputs.size, 3])
        styles = self._styles(lambda style: self._stylizer.style_at(style, shape))
        parts = self._stylizer.parts(styles, shape, by_region=self._guides.num_regions > 1)
        tiled = TiledPass(self._stylizer, self._inputs.size, tile_side(self._config), parts)
        num_steps = tiled.num_looks + len(tiled.tiles)
        for number in tiled.look(self._content.read):
            yield self._at(number, num_steps, _LOOKS * number / tiled.num_looks)
        for number, tile in enumerate(tiled.tiles, 1):
            painted = tiled.paint(self._content.read, tile, self._masks_in(tile.seen))
            self._painting.write(*tile.counts[:2], painted)
            self._painting_seconds = time.monotonic() - started
            fraction = _LOOKS + (1.0 - _LOOKS) * number / len(tiled.tiles)
            yield self._at(tiled.num_looks + number, num_steps, fraction)

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

"""Short measurements of a run's parts, from which the whole run is estimated."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.build import Guides
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.jobs.large.plan import LargePlan, make_plan
from tf_style.jobs.large.scale import Count, TiledScale
from tf_style.jobs.run.model import choose_model, load_stylizer, model_headline, picture_tensor
from tf_style.jobs.run.record import peak_memory
from tf_style.optimizers.adam import AdamRule
from tf_style.stylizers import FeedForwardStylizer
from tf_style.stylizers.feed_forward_tiles import MARGIN, TiledPass
from tf_style.stylizers.tiling import Tile, TiledObjective, make_tiles

_STEPS = (0.04, 0.16, 0.5), 640 * 640  # probes as shares of the largest whole scale's pixels, and their limit
_ONE_PASS = (0.1, 1.0), 2048 * 2048
_SMALLEST_PROBE = 64 * 64
_TIMED = 3  # timed steps at each probe, after a warm-up step
_WRITTEN_PER_SECOND = 6e6  # pixels; reading and writing are a small part of any run
_STRIP_PIXELS = 2_000_000
_STRIP_ARRAYS = 16  # arrays of three channels: the strips, and what libvips needs to read, resize and write


@dataclasses.dataclass(frozen=True)
class Curve:
    """Seconds and peak memory by number of pixels: straight lines through and beyond the measurements.

    `seconds` is the time of a step, `begins` the time before a scale's first step, `first_seconds` the time spent once
    in a run. `memory` is in bytes.
    """

    pixels: tuple[float, ...]
    seconds: tuple[float, ...]
    begins: tuple[float, ...]
    memory: tuple[float, ...]
    first_seconds: float

    def at(self, pixels: float) -> float:
        """Seconds for a step."""
        return max(_line(self.pixels, self.seconds, pixels), min(self.seconds) * pixels / self.pixels[-1])

    def begin_at(self, pixels: float) -> float:
        """Seconds before the first step of a scale."""
        return max(_line(self.pixels, self.begins, pixels), 0.0)

    def memory_at(self, pixels: float) -> float:
        """Peak memory of the process in bytes."""
        return max(_line(self.pixels, self.memory, pixels), self.memory[-1])


@dataclasses.dataclass(frozen=True)
class Tiled:
    """Seconds for a scale in tiles: once in the run, once at this scale, and for each step."""

    first_seconds: float
    prepare_seconds: float
    step_seconds: float


@dataclasses.dataclass(frozen=True)
class MeasuredTile:
    """Seconds for a tile of `shape`, (height, width): its targets, its two passes, and Adam's step per strip."""

    shape: tuple[int, int]
    targets: float
    looks: float
    strip: float


class Probes:
    """Measurements with the model of a run.

    Args:
      config: All options.
      files: The run's files.
      size: (height, width) of the result.
      styles: The style pictures.
      names: Names of the network's own styles, used instead of `styles` if given.
    """

    def __init__(
        self,
        config: StylizeConfig,
        files: StylizeFiles,
        size: tuple[int, int],
        styles: Sequence[images.Picture],
        names: Sequence[str],
    ) -> None:
        choice = choose_model(config, quiet=True)
        self.model = model_headline(config, choice)
        regions = max(len(files.style_masks), 1 if files.content_mask else 0)
        self._guides = Guides(regions, bool(files.keep_mask))
        self._stylizer: Any = load_stylizer(config, self._guides)
        self._config, self._size = config, size
        self._styles = list(names) or [picture_tensor(style) for style in styles]
        self._objective: TiledObjective | None = None
        self._tile: MeasuredTile | None = None

    def plan(self, pixels: int) -> LargePlan:
        """The scales and steps; a network has one of each.

        Args:
          pixels: A scale of up to this many pixels is painted whole.
        """
        if isinstance(self._stylizer, FeedForwardStylizer):
            return LargePlan((self._size,), (1,), int(self._size[0] * self._size[1] <= pixels))
        sizes = self._stylizer.sizes(tf.constant([1, *self._size, 3]))
        return make_plan(sizes, self._stylizer.steps_at, tile_steps=self._config.tile_steps, whole_pixels=pixels)

    def whole(self, size: tuple[int, int]) -> Curve:
        """Measures steps on a picture painted whole, at smaller sizes than `size` or, if that is small, at `size`."""
        first = 0.0
        pixels: list[float] = []
        seconds: list[float] = []
        memory: list[float] = []
        begins: list[float] = []
        one_pass = isinstance(self._stylizer, FeedForwardStylizer)
        for probe in _probe_sizes(size, self._config.side_multiple, _ONE_PASS if one_pass else _STEPS):
            begun = time.monotonic()
            self._stepper(probe)()
            warm = time.monotonic() - begun
            begun = time.monotonic()
            step = self._stepper(probe)
            begins.append(time.monotonic() - begun)
            times = [_timed(step) for _ in range(1 if one_pass else _TIMED)]
            pixels.append(float(probe[0] * probe[1]))
            seconds.append(statistics.mean(times))
            if len(pixels) == 1:
                first = max(0.0, warm - begins[0] - seconds[0])
            memory.append(float(peak_memory()["host"]))
        return Curve(tuple(pixels), tuple(seconds), tuple(begins), tuple(memory), first)

    def tiled(self, size: tuple[int, int], side: int) -> Tiled:
        """Estimates a scale in tiles from its largest tile and a strip of rows."""
        if isinstance(self._stylizer, FeedForwardStylizer):
            return self._one_pass_tiled(size, side)
        if self._objective is None:
            self._objective = TiledObjective(self._stylizer.optimization)
        objective = self._objective
        shapes = [tile.shape for tile in make_tiles(size, side, objective.margin, objective.stride)]
        largest, first = max(shapes, key=_area), 0.0
        if self._tile is None or _area(largest) > _area(self._tile.shape):
            begun, known = time.monotonic(), self._tile is not None
            self._tile = self._measure_tile(objective, side, largest)
            spent = time.monotonic() - begun
            first = 0.0 if known else max(0.0, spent - 2.0 * (self._tile.targets + self._tile.looks))
        tile = self._tile
        share = sum(map(_area, shapes)) / _area(tile.shape)  # the scale's area in measured tiles
        strips = tile.strip * _area(size) / _STRIP_PIXELS
        return Tiled(first, share * tile.targets, share * tile.looks + strips)

    def _one_pass_tiled(self, size: tuple[int, int], side: int) -> Tiled:
        """From a pass over a picture of one tile, the largest."""
        shapes = [tile.shape for tile in make_tiles(size, side, MARGIN, 16)]
        largest = max(shapes, key=_area)
        masks, content = self._masks(largest), _InMemory(_noise(largest)[0].numpy())
        begun = time.monotonic()
        by_region = self._guides.num_regions > 1
        parts = self._stylizer.parts(self._styles, tf.constant([1, *self._size, 3]), by_region=by_region)
        tiled = TiledPass(self._stylizer, largest, max(largest), parts)

        def paint() -> None:
            list(tiled.look(content.read))
            tiled.paint(content.read, tiled.tiles[0], masks)

        paint()
        first, again = time.monotonic() - begun, _timed(paint)
        return Tiled(first - again, 0.0, again * sum(map(_area, shapes)) / _area(largest))

    def peak_bytes(self) -> int:
        """Peak memory of this process so far."""
        return peak_memory()["host"]

    def strip_bytes(self, size: tuple[int, int]) -> int:
        """Memory for strips of rows, which measuring a single tile does not show."""
        return _STRIP_ARRAYS * 3 * 4 * min(size[0] * size[1], _STRIP_PIXELS)

    def write_seconds(self, size: tuple[int, int], large: bool) -> float:
        """Seconds to read the content and write the result; optimising in tiles resamples it at every scale."""
        times = (2.0 if isinstance(self._stylizer, FeedForwardStylizer) else 4.0) if large else 1.0
        return times * size[0] * size[1] / _WRITTEN_PER_SECOND

    def _stepper(self, size: tuple[int, int]) -> Callable[[], Any]:
        """Prepares a picture of this size; each call of the result makes a step."""
        content = _noise(size)
        if isinstance(self._stylizer, FeedForwardStylizer):
            return lambda: self._stylizer(content, self._styles).numpy()
        optimization = self._stylizer.optimization
        masks = self._masks(size)
        styles = [self._stylizer.style_at(style, tf.constant(size)) for style in self._styles]
        targets = optimization.targets(content, styles, masks)
        chunk = optimization.optimizer.steps_per_call
        state = [optimization.start(self._stylizer.first_image(content, styles, size, masks=masks))]

        def step() -> None:
            state[0] = optimization.step(state[0], targets, tf.constant(chunk))
            state[0].image.numpy()

        return step if chunk == 1 else _Shared(step, chunk)

    def _masks(self, size: tuple[int, int]) -> dict[str, tf.Tensor]:
        masks = {}
        if self._guides.num_regions:
            masks["regions"] = tf.ones([1, *size, self._guides.num_regions]) / float(self._guides.num_regions)
        if self._guides.keep:
            masks["keep"] = tf.ones([1, *size, 1])
        return masks

    def _measure_tile(self, objective: TiledObjective, side: int, seen: tuple[int, int]) -> MeasuredTile:
        with tempfile.TemporaryDirectory() as folder:
            whole = Tile((0, 0, *seen), (0, 0, *seen))
            scale = TiledScale(Path(folder), seen, objective, [whole], AdamRule(), self._config.average_decay)
            scale.content.create().write(0, 0, _noise(seen)[0].numpy())
            scale.masks = {name: _InMemory(mask[0].numpy()) for name, mask in self._masks(seen).items()}
            scale.start(None, None, Count())
            styles = [self._stylizer.style_at(style, tf.constant(self._size)) for style in self._styles]
            style_targets = objective.style_targets(styles, side)
            list(scale.prepare(style_targets))
            scale.forget_targets()
            targets = _timed(lambda: list(scale.prepare(style_targets)))
            list(scale.step())
            step = _timed(lambda: list(scale.step()))
            strip = _timed(scale.move)
        return MeasuredTile(seen, targets, step - strip, strip * _STRIP_PIXELS / _area(seen))


@dataclasses.dataclass(frozen=True)
class _InMemory:
    values: np.ndarray

    def read(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        return self.values[top:bottom, left:right]


class _Shared:
    """A call that makes several steps; `_timed` gives the time of one."""

    def __init__(self, call: Callable[[], Any], steps: int) -> None:
        self.call, self.steps = call, steps

    def __call__(self) -> None:
        self.call()


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _timed(call: Callable[[], Any]) -> float:
    begun = time.monotonic()
    call()
    return (time.monotonic() - begun) / (call.steps if isinstance(call, _Shared) else 1)


def _noise(size: tuple[int, int]) -> tf.Tensor:
    return tf.clip_by_value(0.5 + tf.random.stateless_normal([1, *size, 3], [0, 0], stddev=0.15), 0.0, 1.0)


def _probe_sizes(size: tuple[int, int], multiple: int, probes: tuple[tuple[float, ...], int]) -> list[tuple[int, int]]:
    shares, largest = probes
    area = size[0] * size[1]
    areas = sorted({min(max(share * area, _SMALLEST_PROBE), largest * share / shares[-1], area) for share in shares})
    sizes = []
    for wanted in areas:
        ratio = (wanted / area) ** 0.5
        height, width = (max(32, multiple * round(side * ratio / multiple)) for side in size)
        if (height, width) not in sizes:
            sizes.append((height, width))
    return sizes


def _line(places: Sequence[float], values: Sequence[float], place: float) -> float:
    """Interpolates linearly between neighbours; beyond the ends the outermost lines continue."""
    if len(places) == 1:
        return values[0] * place / places[0]
    index = int(np.clip(np.searchsorted(places, place), 1, len(places) - 1))
    low, high = places[index - 1], places[index]
    slope = (values[index] - values[index - 1]) / (high - low)
    return values[index] + slope * (place - high)

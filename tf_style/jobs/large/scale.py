"""One scale of a picture painted in tiles, with its state on the disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf

from tf_style.images.strips.planes import Plane, remove_planes
from tf_style.images.strips.resampling import resample
from tf_style.optimizers.adam import AdamRule
from tf_style.stylizers.tiling import Tile, TiledObjective, core_of
from tf_style.types import Nest


class Readable(Protocol):
    """Anything from which rows and columns of a picture can be read."""

    def read(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        """[h, w, C]."""


_STATE = ("image", "first", "second", "average")
_KERNELS = {"image": "cubic", "first": "cubic", "second": "linear"}  # as in the optimisation's own `resize`


@dataclasses.dataclass
class Count:
    """How far a scale is: which generation of the state is complete, steps done, and the average's sum of weights."""

    generation: int = 0
    step: int = 0
    adam_steps: int = 0
    weight: float = 0.0


class TiledScale:
    """Steps of Adam on a picture of any size.

    Each step reads one generation of the state and writes the other, so a killed run resumes from the last complete
    step. Memory holds one tile's features, or a strip of rows.

    Args:
      folder: Where to keep the planes.
      size: (height, width).
      objective: The objective over tiles.
      tiles: As `make_tiles` returns them.
      rule: Adam's arithmetic.
      average_decay: Decay of the running average of iterates.
    """

    def __init__(
        self,
        folder: Path,
        size: tuple[int, int],
        objective: TiledObjective,
        tiles: Sequence[Tile],
        rule: AdamRule,
        average_decay: float,
    ) -> None:
        self.folder, self.size = folder, size
        self._objective, self._tiles, self._rule, self._decay = objective, tiles, rule, average_decay
        self._style_targets: Nest = None
        self.content = Plane(folder / "content.f32", size)
        self.masks: Mapping[str, Readable] = {}
        self._gradient = Plane(folder / "gradient.f32", size)
        self.count = Count()
        self.losses: dict[str, float] = {}

    def planes(self, generation: int) -> dict[str, Plane]:
        """The planes of one generation of the state."""
        return {name: Plane(self.folder / f"{name}_{generation}.f32", self.size) for name in _STATE}

    def start(
        self,
        before: TiledScale | None,
        state: Mapping[str, np.ndarray] | None,
        count: Count,
        first: Plane | None = None,
    ) -> None:
        """Makes the state before the first step: from the previous scale, from arrays, or else from a first picture.

        Args:
          before: The previous scale, if it was painted in tiles.
          state: The previous scale's state if it was painted whole: "image", "first" and "second", [h, w, 3].
          count: The previous scale's count.
          first: The first picture if there is no previous scale; None: the content.
        """
        own = self.planes(0)
        self.count = Count(adam_steps=count.adam_steps)
        if before is not None:
            there = before.planes(before.count.generation)
            picture = before.write_picture_plane() if self._decay else there["image"]
            sources = {"image": picture, "first": there["first"], "second": there["second"]}
        elif state is not None:
            sources = {}
            for name, array in state.items():
                plane = Plane(self.folder / f"coarse_{name}.f32", array.shape[:2]).create()
                plane.write(0, 0, array)
                sources[name] = plane
        else:
            sources = {"image": self.content if first is None else first}
        for name in _STATE:
            if name in sources:
                resample(sources[name], own[name], _KERNELS[name], clip=name == "image")
            else:
                own[name].create()
        if state is not None:
            remove_planes(*sources.values())

    def prepare(self, style_targets: Nest) -> Iterator[float]:
        """Writes the content's targets into files, tile by tile; yields the share done."""
        self._style_targets = style_targets
        for index, tile in enumerate(self._tiles):
            path = self._targets_path(index)
            if not path.exists():
                targets = self._objective.content_targets(_window(self.content, tile))
                arrays = {f"{i:03}": leaf.numpy() for i, leaf in enumerate(tf.nest.flatten(targets))}
                temporary = path.with_suffix(".tmp")
                with temporary.open("wb") as file:
                    np.savez(file, **arrays)
                temporary.replace(path)
            yield (index + 1) / len(self._tiles)

    def forget_targets(self) -> None:
        """Removes the files that `prepare` wrote."""
        for index in range(len(self._tiles)):
            self._targets_path(index).unlink(missing_ok=True)

    def step(self) -> Iterator[float]:
        """Makes one step; yields the share done after each tile. The step counts only once the iterator ends."""
        total = None
        count = len(self._tiles)
        planes = self.planes(self.count.generation)
        for index, tile in enumerate(self._tiles):
            own = self._objective.sums(_window(planes["image"], tile), self._masks_of(tile), self._targets(index, tile))
            sums = tf.nest.map_structure(lambda leaf: leaf.numpy().astype(np.float64), own)
            total = sums if total is None else tf.nest.map_structure(np.add, total, sums)
            yield 0.35 * (index + 1) / count
        total = tf.nest.map_structure(lambda leaf: tf.constant(leaf, tf.float32), total)
        losses, worth = self._objective.worth(total, self._targets(0, self._tiles[0]))
        self.losses = {name: float(loss[0]) for name, loss in losses.items()}
        self._gradient.create()
        for index, tile in enumerate(self._tiles):
            gradient = self._objective.gradient(
                _window(planes["image"], tile), self._masks_of(tile), self._targets(index, tile), worth
            )
            self._gradient.add(tile.seen[0], tile.seen[1], gradient[0].numpy())
            yield 0.35 + 0.65 * (index + 1) / count
        self.move()
        decay = self._decay
        self.count = Count(
            1 - self.count.generation,
            self.count.step + 1,
            self.count.adam_steps + 1,
            decay * self.count.weight + (1.0 - decay),
        )

    def strip(self, top: int, bottom: int) -> np.ndarray:
        """Rows of the picture so far, [h, W, 3]: the running average, bias corrected."""
        planes = self.planes(self.count.generation)
        width = self.size[1]
        if self._decay == 0.0 or self.count.weight == 0.0:
            return planes["image"].read(top, 0, bottom, width)
        return planes["average"].read(top, 0, bottom, width) / np.float32(self.count.weight)

    def write_picture_plane(self) -> Plane:
        """Writes the picture so far into a plane of its own."""
        plane = Plane(self.folder / "picture.f32", self.size).create()
        for top, bottom in plane.strips():
            plane.write(top, 0, self.strip(top, bottom))
        return plane

    def move(self) -> None:
        """Adam's step, from one generation to the other: first the means, then the pixels, by the mean of all roots."""
        before, after = self.planes(self.count.generation), self.planes(1 - self.count.generation)
        width, steps = self.size[1], tf.constant(self.count.adam_steps + 1, tf.float32)
        for plane in after.values():
            plane.create()
        root_sum = 0.0
        for top, bottom in self._gradient.strips():
            rows = (top, 0, bottom, width)
            first, second = self._rule.means(
                *(tf.constant(plane.read(*rows)) for plane in (self._gradient, before["first"], before["second"]))
            )
            after["first"].write(top, 0, first.numpy())
            after["second"].write(top, 0, second.numpy())
            root_sum += float(tf.reduce_mean(self._rule.root(second, steps))) * (bottom - top)
        mean_root = tf.constant(root_sum / self.size[0], tf.float32)
        for top, bottom in self._gradient.strips():
            rows = (top, 0, bottom, width)
            image, average = (before[name].read(*rows) for name in ("image", "average"))
            first, second = (tf.constant(after[name].read(*rows)) for name in ("first", "second"))
            moved = self._rule.move(tf.constant(image), first, second, steps, mean_root).numpy()
            after["image"].write(top, 0, moved)
            after["average"].write(top, 0, self._decay * average + np.float32(1.0 - self._decay) * moved)

    def _masks_of(self, tile: Tile) -> dict[str, tf.Tensor]:
        masks = self.masks_in(tile.seen)
        if "regions" in masks:
            masks["content"] = _window(self.content, tile)
        return {"mask": core_of(tile), **masks}

    def masks_in(self, window: tuple[int, int, int, int]) -> dict[str, tf.Tensor]:
        """The masks in a window."""
        return {name: tf.constant(plane.read(*window)[np.newaxis]) for name, plane in self.masks.items()}

    def _targets(self, index: int, tile: Tile) -> Nest:
        structure = self._objective.content_structure()
        with np.load(self._targets_path(index)) as arrays:
            leaves = [tf.constant(arrays[name]) for name in sorted(arrays.files)]
        return {**self._style_targets, **tf.nest.pack_sequence_as(structure, leaves)}

    def _targets_path(self, index: int) -> Path:
        return self.folder / f"targets_{index:05}.npz"


def _window(plane: Readable, tile: Tile) -> tf.Tensor:
    return tf.constant(plane.read(*tile.seen)[np.newaxis])

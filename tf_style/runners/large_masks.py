"""Masks of pictures that are painted in tiles: made once at full size, then kept on the disk for every scale."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from tf_style import images
from tf_style.build import Guides
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.images.planes import Plane, remove_planes, resize_plane
from tf_style.images.streams import decode_to_plane, read_source
from tf_style.runners.inputs import read_masks
from tf_style.runners.large_inputs import LargeInputs
from tf_style.runners.model import picture_tensor


@dataclasses.dataclass(frozen=True)
class LargeMasks:
    """Planes of masks at the size of the result, one for each channel, by name."""

    planes: dict[str, tuple[Plane, ...]]

    def full(self) -> dict[str, Stacked]:
        """At the size of the result."""
        return {name: Stacked(planes) for name, planes in self.planes.items()}

    def at(self, size: tuple[int, int], folder: Path) -> dict[str, Stacked]:
        """At the size of a scale, in files of that scale's folder."""
        found = {}
        for name, planes in self.planes.items():
            own = []
            for index, plane in enumerate(planes):
                if plane.size == size:
                    own.append(plane)
                    continue
                smaller = Plane(folder / f"{name}_{index}.f32", size, 1)
                resize_plane(plane, smaller, smooth=False)
                own.append(smaller)
            found[name] = Stacked(tuple(own))
        return found


@dataclasses.dataclass(frozen=True)
class Stacked:
    """Planes of one channel, read as one of many."""

    planes: tuple[Plane, ...]

    def read(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        """A copy of some rows and columns, [h, w, N], in [0, 1]."""
        values = [plane.read(top, left, bottom, right) for plane in self.planes]
        return np.clip(np.concatenate(values, -1), 0.0, 1.0)


def write_masks(
    config: StylizeConfig, files: StylizeFiles, inputs: LargeInputs, folder: Path
) -> tuple[LargeMasks, Guides]:
    """Reads the masks, and writes them at the size of the result.

    Raises:
      ImageError: One cannot be read, has another aspect, or is all black.
    """
    alpha = None
    if read_source(inputs.content).has_alpha:
        pixels, opacity = Plane(folder / "content.f32", inputs.size), Plane(folder / "alpha.f32", inputs.size, 1)
        decode_to_plane(inputs.content, pixels, opacity)
        alpha = opacity.read(0, 0, *inputs.size)[..., 0]
        remove_planes(pixels, opacity)
    blank = images.Picture(np.broadcast_to(np.zeros((1, 1, 3), np.float32), (*inputs.size, 3)), alpha)
    masks = read_masks(blank, files)
    planes = {}
    for name, mask in masks.arrays().items():
        own = []
        for index in range(mask.shape[-1]):
            plane = Plane(folder / f"full_{name}_{index}.f32", inputs.size, 1).create()
            plane.write(0, 0, mask[0, ..., index : index + 1])
            own.append(plane)
        planes[name] = tuple(own)
    colors = None if inputs.colors is None else picture_tensor(inputs.colors)
    return LargeMasks(planes), Guides(masks.num_regions, masks.keep is not None, colors)

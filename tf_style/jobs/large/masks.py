"""Masks for painting in tiles: made once at full size, then kept on the disk for every scale."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_style import images
from tf_style.build import Guides
from tf_style.config import StylizeFiles
from tf_style.images.strips.planes import Plane, remove_planes
from tf_style.images.strips.resampling import resample
from tf_style.images.strips.streams import decode_to_plane, is_streamable
from tf_style.jobs.large.inputs import LargeInputs
from tf_style.jobs.run.model import picture_tensor

#: Pixels of the long side at which soft edges are computed.
_SOFT_SIDE = 2048


@dataclasses.dataclass(frozen=True)
class LargeMasks:
    """Masks at the size of the result: for each name, one plane per channel."""

    planes: dict[str, tuple[Plane, ...]]

    def full(self) -> dict[str, Stacked]:
        """The masks at the size of the result."""
        return {name: Stacked(planes) for name, planes in self.planes.items()}

    def at(self, size: tuple[int, int], folder: Path) -> dict[str, Stacked]:
        """The masks at the size of a scale, in files in that scale's folder."""
        found = {}
        for name, planes in self.planes.items():
            own = []
            for index, plane in enumerate(planes):
                if plane.size == size:
                    own.append(plane)
                    continue
                smaller = Plane(folder / f"{name}_{index}.f32", size, 1)
                resample(plane, smaller, "linear")
                own.append(smaller)
            found[name] = Stacked(tuple(own))
        return found


@dataclasses.dataclass(frozen=True)
class Stacked:
    """Several planes of one channel, read as one plane of many."""

    planes: tuple[Plane, ...]

    def read(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        """A copy of some rows and columns, [h, w, N], in [0, 1]."""
        values = [plane.read(top, left, bottom, right) for plane in self.planes]
        return np.clip(np.concatenate(values, -1), 0.0, 1.0)


def write_masks(
    files: StylizeFiles, inputs: LargeInputs, alpha: Plane | None, folder: Path
) -> tuple[LargeMasks, Guides]:
    """Reads the masks and writes them at the size of the result, holding at most a strip in memory.

    Args:
      files: The masks' paths and the feather.
      inputs: The size of the result, and the picture to match colours to.
      alpha: The content's opacity at that size, if it has one.
      folder: Where to write the planes.

    Raises:
      ImageError: A mask cannot be read, has another aspect than the content, or is all black.
    """
    size = inputs.size
    given = {"content_mask": [files.content_mask], "style_masks": files.style_masks, "keep_mask": [files.keep_mask]}
    own = {
        option: [
            _write_grey(option, path, Plane(folder / f"own_{option}_{index}.f32", size, 1), files.max_pixels)
            for index, path in enumerate(paths)
            if path
        ]
        for option, paths in given.items()
    }
    if alpha is not None and min(float(alpha.read(*rows).min()) for rows in _strips(alpha)) == 1.0:
        alpha = None
    planes = {}
    if own["content_mask"] or own["style_masks"] or alpha is not None:
        planes["regions"] = _write_regions(own["content_mask"], own["style_masks"], alpha, files.feather, size, folder)
    if own["keep_mask"]:
        planes["keep"] = tuple(own["keep_mask"])
    remove_planes(*own["content_mask"], *own["style_masks"])
    colors = None if inputs.colors is None else picture_tensor(inputs.colors)
    return LargeMasks(planes), Guides(len(planes.get("regions", ())), "keep" in planes, colors)


def _write_grey(option: str, path: str, plane: Plane, max_pixels: int) -> Plane:
    """Writes a mask file into a plane, at the plane's size."""
    own = images.read_size(path)
    if own is None or not is_streamable(path):
        values = images.read_mask(option, path, plane.size, max_pixels=max_pixels)
        plane.create().write(0, 0, values[..., np.newaxis])
        return plane
    images.check_mask(option, f"'{path}'", own, plane.size)
    colors, alpha = (
        Plane(plane.path.with_suffix(".rgb"), plane.size),
        Plane(plane.path.with_suffix(".a"), plane.size, 1),
    )
    source = decode_to_plane(path, colors, alpha, smooth=False)
    brightest, colored = 0.0, False
    plane.create()
    for rows in _strips(plane):
        opacity = alpha.read(*rows)[..., 0] if source.has_alpha else None
        pixels = colors.read(*rows)
        colored = colored or images.has_colors(pixels)
        values = images.without_rest(images.grey_of(pixels, opacity))
        plane.write(rows[0], 0, values[..., np.newaxis])
        brightest = max(brightest, float(values.max()))
    remove_planes(colors, alpha)
    if colored:
        images.warn_of_colors(option, f"'{path}'")
    images.check_mask(option, f"'{path}'", own, plane.size, brightest)
    return plane


def _write_regions(
    painted: list[Plane],
    styles: list[Plane],
    alpha: Plane | None,
    feather: float,
    size: tuple[int, int],
    folder: Path,
) -> tuple[Plane, ...]:
    """One region per style mask, or one for all styles; soft edges are made at a bounded size and enlarged."""
    regions = tuple(Plane(folder / f"full_regions_{index}.f32", size, 1) for index in range(max(1, len(styles))))
    soft = feather > 0.0 and bool(painted or styles)
    if soft:
        small = images.fit_size(size, min(_SOFT_SIDE, max(size)))
        masks = images.make_masks(
            images.Picture(np.zeros((*small, 3), np.float32)),
            content_mask=_at(painted[0], small) if painted else None,
            style_masks=[_at(plane, small) for plane in styles],
            feather=feather,
        )
        assert masks.regions is not None
        for index, region in enumerate(regions):
            reduced = Plane(folder / "small.f32", small, 1).create()
            reduced.write(0, 0, masks.regions[..., index : index + 1])
            resample(reduced, region, "linear")
            remove_planes(reduced)
    brightest = 0.0
    for rows in _strips(regions[0]):
        values = _strip_of_regions(rows, painted, styles, alpha)
        if soft:  # enlarging must not spread a region beyond its mask
            inside = values.sum(-1, keepdims=True) > 0.0
            values = np.concatenate([region.read(*rows) for region in regions], -1) * inside
        for index, region in enumerate(regions):
            if not soft and rows[0] == 0:
                region.create()
            region.write(rows[0], 0, values[..., index : index + 1])
        brightest = max(brightest, float(values.sum(-1).max()))
    images.check_painted(brightest, content_mask=bool(painted), style_masks=bool(styles), alpha=alpha is not None)
    return regions


def _strip_of_regions(
    rows: tuple[int, int, int, int], painted: list[Plane], styles: list[Plane], alpha: Plane | None
) -> np.ndarray:
    """Rows of the regions, without soft edges, [h, W, N]."""
    shape = (rows[2] - rows[0], rows[3], 1)
    whole = painted[0].read(*rows) if painted else np.ones(shape, np.float32)
    if styles:
        shares = np.concatenate([plane.read(*rows) for plane in styles], -1)
        total = shares.sum(-1, keepdims=True)
        whole = whole * shares / np.maximum(total, 1.0)
    return whole if alpha is None else whole * (alpha.read(*rows) > 0.0)


def _at(plane: Plane, size: tuple[int, int]) -> np.ndarray:
    """A plane of one channel at another size, [h, w]."""
    if plane.size == tuple(size):
        return plane.read(0, 0, *size)[..., 0]
    smaller = Plane(plane.path.with_suffix(".small"), size, 1)
    resample(plane, smaller, "linear")
    values = smaller.read(0, 0, *size)[..., 0]
    remove_planes(smaller)
    return images.without_rest(values)


def _strips(plane: Plane) -> Iterator[tuple[int, int, int, int]]:
    for top, bottom in plane.strips():
        yield top, 0, bottom, plane.size[1]

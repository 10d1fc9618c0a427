"""Writes a painting on the disk as a picture file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tf_style import images
from tf_style.config import StylizeFiles
from tf_style.images.strips.planes import Plane, remove_planes
from tf_style.images.strips.streams import Original, StreamedSource, encode_plane, filled_rows, holds_alpha

Rows = tuple[int, int, int, int]  # top, left, bottom, right

_BESIDE = 2  # rows above and below a strip that finishing needs, for a palette's blur


@dataclasses.dataclass(frozen=True)
class DecodedContent:
    """The content: its file, the file's metadata, its colours, and its opacity if it has one."""

    path: Path
    source: StreamedSource
    colors: Plane
    alpha: Plane


def write_result(
    files: StylizeFiles,
    content: DecodedContent,
    painting: Plane,
    finish: Callable[[np.ndarray, np.ndarray, Rows], np.ndarray],
    regions: Sequence[Plane] = (),
) -> None:
    """Writes the output with the content's alpha, RGB profile and pixels per inch.

    Args:
      files: The output's path and format.
      content: The content, at the size of the result.
      painting: The unfinished painting, at the size of the result; temporary files are written to its folder.
      finish: (rows of the painting, rows of the content, their window) -> the finished rows.
      regions: Masks of what is painted, at the size of the result; where all are 0, the content's own levels are
        written.

    Raises:
      ImageError: The painting holds NaN.
      WriteError: The file cannot be written.
    """
    size, folder = painting.size, painting.path.parent
    source, alpha, finished = content.source, content.alpha, Plane(folder / "result_finished.f32", painting.size)
    keeps = source.has_alpha and holds_alpha(files.output)
    deep = files.bit_depth == 16
    levels = Plane(folder / "result.raw", size, 4 if keeps else 3, "uint16" if deep else "uint8").create()
    finished.create()
    for top, bottom in finished.strips():
        finished.write(top, 0, _finished_rows(painting, content.colors, top, bottom, finish))
    for top, bottom in levels.strips():
        rows = (top, 0, bottom, size[1])
        pixels = filled_rows(finished, alpha, top, bottom) if keeps else finished.read(*rows)
        if source.has_alpha:
            opacity = alpha.read(*rows)
            pixels = np.concatenate([pixels, opacity], -1) if keeps else pixels * opacity + 1.0 - opacity
        levels.write(top, 0, images.to_uint16(pixels) if deep else images.to_uint8(pixels))
    original = Original(content.path, tuple(regions)) if regions else None
    encode_plane(files.output, levels, profile=source.profile, dpi=source.dpi, quality=files.quality, original=original)
    remove_planes(finished, levels)


def _finished_rows(
    painting: Plane,
    content: Plane,
    top: int,
    bottom: int,
    finish: Callable[[np.ndarray, np.ndarray, Rows], np.ndarray],
) -> np.ndarray:
    height, width = painting.size
    first, last = max(0, top - _BESIDE), min(bottom + _BESIDE, height)
    rows = (first, 0, last, width)
    found = finish(painting.read(*rows), content.read(*rows), rows)[top - first : bottom - first]
    if np.isnan(found).any():
        raise images.ImageError("The pixels hold NaN, so nothing was written; a smaller learning rate may help.")
    return found

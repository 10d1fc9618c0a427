"""Pictures for benchmarks: read at a size, paired, and laid out on sheets to look at."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

from tf_style.jobs.run.quiet import quiet_tensorflow

with quiet_tensorflow():
    import tensorflow as tf

import numpy as np

from benchmarks.record import listed
from tf_style import images

_WHITE = 1.0


def picture(path: str | Path, size: int) -> np.ndarray:
    """[H, W, 3], its long side at `size`, enlarged where it must be."""
    source = images.read_image(path)
    return images.resize(source, images.fit_size(source.size, size)).pixels


def tensor(path: str | Path, size: int) -> tf.Tensor:
    """The same as a batch of one, [1, H, W, 3]."""
    return tf.constant(picture(path, size)[None])


def add_pairs(arguments: argparse.ArgumentParser, styles_each: int = 0) -> None:
    """`--content` and `--style`, and how many of the styles each content is painted in (0: no such argument)."""
    arguments.add_argument("--content", type=listed(), required=True, help="photos, separated by commas")
    arguments.add_argument("--style", type=listed(), required=True, help="paintings, separated by commas")
    if styles_each:
        arguments.add_argument("--styles_each", type=int, default=styles_each, help="styles for each content")


def pairs_of(contents: list[str], styles: list[str], styles_each: int) -> list[tuple[str, str]]:
    """Every content with some of the styles, each of them as often as the others."""
    turn = itertools.cycle(styles)
    return [(content, next(turn)) for content in contents for _ in range(styles_each)]


def blank(side: int) -> np.ndarray:
    """A white square."""
    return np.full((side, side, 3), _WHITE, np.float32)


def fit(pixels: np.ndarray, side: int) -> np.ndarray:
    """The picture in the middle of a white square."""
    small = images.resize(images.Picture(pixels), images.fit_size(pixels.shape[:2], side)).pixels
    square = blank(side)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    return square


def write_sheet(path: Path | str, groups: Sequence[Sequence[np.ndarray]], side: int, columns: int = 1) -> None:
    """Writes groups of pictures, each a row of squares; so many groups stand side by side."""
    strips = [np.concatenate([fit(pixels, side) for pixels in group], axis=1) for group in groups]
    strips += [np.full_like(strips[0], _WHITE)] * (-len(strips) % columns)
    rows = [np.concatenate(strips[start : start + columns], axis=1) for start in range(0, len(strips), columns)]
    images.write_image(path, np.concatenate(rows), quality=88)

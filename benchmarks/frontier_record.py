"""The record of `benchmarks.frontier`: a table, a plot and a sheet."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable
from pathlib import Path

import matplotlib.figure
import numpy as np

from benchmarks.pictures import picture, write_sheet
from benchmarks.record import table
from tf_style.backbones import Kernels

_CELL = 200  # of the sheet
_COLUMNS = 2  # pairs in a row of the sheet


def describe(kernels: Kernels, steps: str, multiply_adds: float) -> list[str]:
    """Cells about a backbone: channels, with semicolons between the blocks, training, size, work."""
    blocks = itertools.groupby(kernels.items(), key=lambda item: item[0][:6])
    channels = "; ".join(", ".join(str(bias.size) for _, (_, bias) in layers) for _, layers in blocks)
    parameters = sum(array.size for arrays in kernels.values() for array in arrays) / 1e6
    return [channels, steps, f"{parameters:.2f}", f"{multiply_adds:.1f}"]


def write_plot(points: dict[str, tuple[float, float]], size: int, path: Path) -> None:
    """Speed against distance, one point a backbone."""
    figure = matplotlib.figure.Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    sides = itertools.cycle([(6, 4, "left"), (-6, 4, "right"), (-6, -12, "right")])  # labels of neighbours apart
    for name, (speed, ratio) in sorted(points.items(), key=lambda item: item[1][1]):
        axes.scatter(speed, ratio, color="tab:gray" if ratio == 1 else "tab:blue")
        right, up, side = next(sides)
        axes.annotate(name, (speed, ratio), textcoords="offset points", xytext=(right, up), ha=side)
    axes.set_xlabel(f"times VGG-19's speed, float32, {size} px")
    axes.set_ylabel("distance after equal steps, times VGG-19's")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def write_paintings(
    pairs: list[tuple[str, str]], paintings: Iterable[tuple[np.ndarray, ...]], size: int, path: Path
) -> None:
    """Content, style, VGG-19's painting after the same steps, the student's, VGG-19's after the same seconds.

    Args:
      pairs: Content and style.
      paintings: For each pair the student's, VGG-19's, and VGG-19's after the same seconds; levels [H, W, 3].
      size: Of the pictures.
      path: Where to.
    """
    groups = []
    for pair, levels in zip(pairs, paintings, strict=True):
        student, own, early = (pixels / np.float32(255) for pixels in levels)
        groups.append([*(picture(name, size) for name in pair), own, student, early])
    write_sheet(path, groups, _CELL, _COLUMNS)


def table_of(rows: list[list[str]], dtypes: list[str], count: int, shown: str, args: argparse.Namespace) -> list[str]:
    """What the figures are, the table, plot and sheet; `shown` is the student on the sheet."""
    header = [
        "backbone", "channels by block", "steps of training", "parameters, millions",
        "multiply-adds, thousand millions", *(f"ms, {dtype} (times VGG-19's speed)" for dtype in dtypes),
        "feature error", "distance, equal steps", "style, layers alike", "content", "nearer after equal seconds",
    ]  # fmt: skip
    return [
        f"{count} pairs at {args.size} px, {args.steps} steps of Adam, judged by VGG-19; none of the pictures was used "
        f"in training. Multiply-adds and milliseconds are those of one evaluation at {args.speed_size} px (forward; "
        "with gradient). Feature errors are relative, means over the six layers that the presets look at. Distances "
        "are medians of ratios to VGG-19's own paintings after as many steps: at the weights of `fine`, then style "
        "with the five layers weighted equally, and content. The last column counts the pairs in which the student's "
        "painting is nearer than VGG-19's after as many seconds.",
        table(header, rows),
        "![Speed and distance](../docs/pictures/frontier.png)",
        f"Photo, painting, VGG-19 after {args.steps} steps, `{shown}` after {args.steps} steps, VGG-19 after as many "
        f"seconds as `{shown}` took:",
        f"![{count} pairs through VGG-19 and through {shown}](../docs/pictures/frontier_sheet.jpg)",
    ]

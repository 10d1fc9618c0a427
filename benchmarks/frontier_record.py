"""How the record of `benchmarks.frontier` is written: a table, a plot and a sheet."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable
from pathlib import Path

import matplotlib.figure
import numpy as np

from benchmarks.grid import fit
from benchmarks.painting_quality import picture
from benchmarks.run import ROOT, machine, table
from tf_style import images
from tf_style.backbones import Kernels

RECORD = ROOT / "benchmarks" / "FRONTIER.md"
_PICTURES = ROOT / "docs" / "pictures"
_CELL = 200  # of the sheet
_COLUMNS = 2  # pairs in a row of the sheet


def channels_by_block(kernels: Kernels) -> str:
    """Of each layer, the blocks with semicolons between."""
    blocks = itertools.groupby(kernels.items(), key=lambda item: item[0][:6])
    return "; ".join(", ".join(str(bias.size) for _, (_, bias) in layers) for _, layers in blocks)


def write_plot(points: dict[str, tuple[float, float]], path: Path = _PICTURES / "frontier.png") -> None:
    """Speed against distance, one point a backbone."""
    figure = matplotlib.figure.Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    sides = itertools.cycle([(6, 4, "left"), (-6, 4, "right"), (-6, -12, "right")])  # labels of neighbours apart
    for name, (speed, ratio) in sorted(points.items(), key=lambda item: item[1][1]):
        axes.scatter(speed, ratio, color="tab:gray" if ratio == 1 else "tab:blue")
        right, up, side = next(sides)
        axes.annotate(name, (speed, ratio), textcoords="offset points", xytext=(right, up), ha=side)
    axes.set_xlabel("times VGG-19's speed, float32, 512 px")
    axes.set_ylabel("distance after equal steps, times VGG-19's")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def write_sheet(
    pairs: list[tuple[str, str]],
    paintings: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]],
    size: int,
    path: Path = _PICTURES / "frontier_sheet.jpg",
) -> None:
    """Content, style, VGG-19's painting after the same steps, the student's, VGG-19's after the same seconds.

    Args:
      pairs: Content and style.
      paintings: For each pair the student's, VGG-19's, and VGG-19's after the same seconds; levels [H, W, 3].
      size: Of the pictures.
      path: Where to.
    """
    cells = []
    for pair, levels in zip(pairs, paintings, strict=True):
        student, own, early = (pixels / np.float32(255) for pixels in levels)
        row = [*(picture(name, size) for name in pair), own, student, early]
        cells.append(np.concatenate([fit(pixels, _CELL) for pixels in row], axis=1))
    cells += [np.ones_like(cells[0])] * (-len(cells) % _COLUMNS)
    rows = [np.concatenate(cells[start : start + _COLUMNS], axis=1) for start in range(0, len(cells), _COLUMNS)]
    images.write_image(path, np.concatenate(rows), quality=85)


def write_record(rows: list[list[str]], dtypes: list[str], count: int, size: int, steps: int, shown: str) -> None:
    """The table, with plot and sheet; `shown` is the student of the sheet."""
    header = [
        "backbone", "channels by block", "steps of training", "parameters, millions",
        "multiply-adds, thousand millions", *(f"ms, {dtype} (times VGG-19's speed)" for dtype in dtypes),
        "feature error", "distance, equal steps", "style, layers alike", "content", "nearer after equal seconds",
    ]  # fmt: skip
    text = (
        f"# Narrow backbones\n\n{datetime.date.today().isoformat()}, {machine()}. Made by `python -m "
        f"benchmarks.frontier`: {count} pairs at {size} px, {steps} steps of Adam, judged by VGG-19; none of "
        "the pictures was in training. Multiply-adds and milliseconds are of one evaluation at 512 px (forward; with "
        "gradient). Feature errors are relative, means over the six layers that the presets look at. Distances are "
        "medians of ratios to VGG-19's own paintings after as many steps: at the weights of `fine`, then style "
        "with the five layers weighing alike, and content. The last column counts the pairs in which the student's "
        f"painting is nearer than VGG-19's after as many seconds.\n\n{table(header, rows)}\n\n"
        "![Speed and distance](../docs/pictures/frontier.png)\n\n"
        f"Photo, painting, VGG-19 after {steps} steps, `{shown}` after {steps} steps, VGG-19 after as many seconds as "
        f"`{shown}` took:\n\n![{count} pairs through VGG-19 and through {shown}](../docs/pictures/frontier_sheet.jpg)\n"
    )
    RECORD.write_text(text, encoding="utf-8")
    print(text)

"""A figure of a run: content, styles, result and loss curves side by side."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_style.images import replacing

_CURVES = 1.4  # width of the loss curves' panel, relative to its height
_HEIGHT = 4.0  # inches
_NO_DATE = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}  # same run, same bytes


def write_figure(
    path: Path, content: np.ndarray, styles: Sequence[np.ndarray], result: np.ndarray, history: list[dict[str, float]]
) -> None:
    """Draws the figure; no display is needed.

    Args:
      path: PNG, PDF, SVG or another format that matplotlib knows by its suffix.
      content: [H, W, 3] in [0, 1]; the same for `styles` and `result`.
      styles: One or several.
      result: The painting.
      history: One row per step: "step", "loss" and each term; empty: no curves.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no notices about its caches
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [("content", content), *(("style", style) for style in styles), ("result", result)]
    widths = [pixels.shape[1] / pixels.shape[0] for _, pixels in panels] + ([_CURVES] if history else [])
    figure = Figure(figsize=(_HEIGHT * sum(widths), _HEIGHT), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(widths), width_ratios=widths)
    for axis, (title, pixels) in zip(axes, panels, strict=False):
        axis.imshow(np.clip(pixels, 0.0, 1.0))
        axis.set_title(title)
        axis.set_axis_off()
    if history:
        _draw_curves(axes[-1], history)
    with replacing(path) as temporary, rc_context({"svg.hashsalt": "tf_style"}):
        figure.savefig(temporary, dpi=150, metadata=_NO_DATE.get(path.suffix.lower()))


def _draw_curves(axis: Any, history: list[dict[str, float]]) -> None:
    steps = [row["step"] for row in history]
    for name in [key for key in history[0] if key != "step"]:
        axis.plot(steps, [row[name] for row in history], label=name, linewidth=2 if name == "loss" else 1)
    axis.set(xlabel="step", yscale="log", title="loss (weighted terms)")
    axis.legend()

"""One preset, many sizes and backbones: are the pictures comparable? Paints, tables the losses, and lays out a sheet.

  python -m benchmarks.consistency --weights=vgg19_notop.h5 --preset=draft --sizes=256,512,1024,2048

Losses are relative (1: nothing of the target), judged by the very objective that painted the picture, and, to compare
backbones, by VGG-19 at 256 px.
"""

from __future__ import annotations

import argparse
import collections
import os
from pathlib import Path

from tf_style.jobs.run.quiet import quiet_tensorflow

with quiet_tensorflow():
    import tensorflow as tf

import numpy as np

from benchmarks.run import CONTENT, ROOT, STYLE, table
from tf_style import images
from tf_style.build import build_stylizer
from tf_style.presets import preset_config
from tf_style.stylizers import PyramidStylizer

_HEIGHT = 480  # of the sheet
_JUDGE_SIZE = 256


def picture(path: Path, size: int) -> np.ndarray:
    """[H, W, 3] with its long side at `size` (enlarged if need be, so that all sizes show the same)."""
    source = images.read_image(path)
    return images.resize(source, images.fit_size(source.size, size)).pixels


def judge(stylizer: PyramidStylizer, result: np.ndarray) -> dict[str, float]:
    """Unweighted relative content and style loss of a picture at 256 px."""
    optimization = stylizer.optimization
    small = images.resize(images.Picture(result), images.fit_size(result.shape[:2], _JUDGE_SIZE)).pixels
    content, style = (tf.constant(picture(path, _JUDGE_SIZE)[None]) for path in (CONTENT, STYLE))
    targets = optimization.targets(content, [style])
    losses = optimization.objective.losses(optimization.features(tf.constant(small[None])), targets)
    weights = {term.name: weight for weight, term in optimization.objective.terms}
    return {name: float(loss[0]) / weights[name] for name, loss in losses.items() if name != "total_variation"}


def main() -> None:
    """Paints all, prints the table and writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default=os.environ.get("TF_STYLE_VGG19_WEIGHTS", ""))
    parser.add_argument("--preset", default="draft")
    parser.add_argument("--sizes", default="256,512,1024,2048", help="through the embedded backbone")
    parser.add_argument("--vgg19_sizes", default="256,512", help="through VGG-19, where --weights are given")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "pictures" / "consistency.jpg")
    args = parser.parse_args()
    runs = [("compact_vgg19", "", int(size)) for size in args.sizes.split(",")]
    vgg19 = {"backbone": "vgg19", "weights": args.weights}
    if args.weights:
        runs += [("vgg19", args.weights, int(size)) for size in args.vgg19_sizes.split(",")]
    judge_config = preset_config(args.preset).replace(**(vgg19 if args.weights else {"backbone": "compact_vgg19"}))
    referee = build_stylizer(judge_config)
    rows, panels = [], []
    for backbone, weights, size in runs:
        stylizer = build_stylizer(preset_config(args.preset).replace(backbone=backbone, weights=weights))
        content, style = (tf.constant(picture(path, size)[None]) for path in (CONTENT, STYLE))
        progress = collections.deque(stylizer.run(content, [style]), maxlen=1)[0]
        weights_of = {term.name: weight for weight, term in stylizer.optimization.objective.terms}
        own = {name: loss / weights_of[name] for name, loss in progress.losses.items()}
        result = progress.image[0].numpy()
        seen = judge(referee, result)
        figures = [own["content"], own["style"], seen["content"], seen["style"]]
        rows.append([backbone, str(size), *(f"{figure:.3f}" for figure in figures)])
        print(rows[-1], flush=True)
        width = round(result.shape[1] / result.shape[0] * _HEIGHT)
        panels.append(images.resize(images.Picture(result), (_HEIGHT, width)).pixels)
    header = ["backbone", "px", "content, own", "style, own", "content, judged at 256 px", "style, judged at 256 px"]
    print(table(header, rows))
    images.write_image(args.output, np.concatenate(panels, axis=1), quality=88)


if __name__ == "__main__":
    main()

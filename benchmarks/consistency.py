"""One preset, many sizes and backbones: are the pictures comparable? Paints, tables the losses, and lays out a sheet.

  python -m benchmarks.consistency --weights=vgg19_notop.h5 --preset=draft --sizes=256,512,1024,2048

Losses are relative (1: nothing of the target). They are judged by the objective that painted the picture and, to
compare backbones, at one size by VGG-19, or by the embedded backbone where there are no weights of VGG-19. The record
goes to benchmarks/CONSISTENCY.md.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from pathlib import Path

from tf_style.jobs.run.quiet import quiet_tensorflow

with quiet_tensorflow():
    import tensorflow as tf

import numpy as np

from benchmarks import record
from benchmarks.pictures import tensor
from benchmarks.record import CONTENT, ROOT, STYLE, listed, table
from tf_style import images
from tf_style.build import build_stylizer
from tf_style.presets import preset_config
from tf_style.stylizers import PyramidStylizer

_HEIGHT = 480  # of the sheet


def relative(stylizer: PyramidStylizer, losses: Mapping[str, float | tf.Tensor]) -> list[str]:
    """Content and style loss without their weights."""
    weights = {term.name: weight for weight, term in stylizer.optimization.objective.terms}
    return [f"{float(tf.squeeze(losses[name])) / weights[name]:.3f}" for name in ("content", "style")]


def judge(stylizer: PyramidStylizer, result: np.ndarray, size: int) -> list[str]:
    """The losses of a picture brought to `size`."""
    optimization = stylizer.optimization
    small = images.resize(images.Picture(result), images.fit_size(result.shape[:2], size)).pixels
    targets = optimization.targets(tensor(CONTENT, size), [tensor(STYLE, size)])
    losses = optimization.objective.losses(optimization.features(tf.constant(small[None])), targets)
    return relative(stylizer, losses)


def main(arguments: Sequence[str] | None = None) -> None:
    """Paints all, writes the table and the sheet."""
    parser = record.parser(__doc__, "CONSISTENCY.md")
    record.add_vgg19(parser)
    parser.add_argument("--preset", default="draft")
    record.add_options(parser)
    parser.add_argument("--sizes", type=listed(int), default=[256, 512, 1024, 2048], help="through compact_vgg19")
    parser.add_argument("--vgg19_sizes", type=listed(int), default=[256, 512], help="through VGG-19, with --weights")
    parser.add_argument("--judge_size", type=int, default=256)
    parser.add_argument("--sheet", type=Path, default=ROOT / "docs" / "pictures" / "consistency.jpg")
    args = parser.parse_args(arguments)
    config = preset_config(args.preset).replace(**dict(args.option))
    sizes = {"compact_vgg19": args.sizes} | ({"vgg19": args.vgg19_sizes} if args.weights else {})
    stylizers = {
        name: build_stylizer(config.replace(backbone=name, weights=args.weights if name == "vgg19" else config.weights))
        for name in sizes
    }
    referee = list(stylizers)[-1]
    rows, panels = [], []
    for backbone, stylizer in stylizers.items():
        for size in sizes[backbone]:
            run = stylizer.run(tensor(CONTENT, size), [tensor(STYLE, size)])
            progress = collections.deque(run, maxlen=1)[0]
            result = progress.image[0].numpy()
            seen = judge(stylizers[referee], result, args.judge_size)
            rows.append([backbone, str(size), *relative(stylizer, progress.losses), *seen])
            print(rows[-1], flush=True)
            width = round(result.shape[1] / result.shape[0] * _HEIGHT)
            panels.append(images.resize(images.Picture(result), (_HEIGHT, width)).pixels)
    images.write_image(args.sheet, np.concatenate(panels, axis=1), quality=88)
    judged = [f"{name}, judged by {referee} at {args.judge_size} px" for name in ("content", "style")]
    record.write(
        args.output,
        "One preset at all sizes",
        "consistency",
        f"Preset `{args.preset}`, the lighthouse in the style of The Starry Night. Losses are relative: 1 means that "
        "the picture has nothing of the target.",
        table(["backbone", "px", "content, own", "style, own", *judged], rows),
    )


if __name__ == "__main__":
    main()

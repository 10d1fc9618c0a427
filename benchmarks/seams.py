"""The seam of tiles: differences of opposite edges beside those of neighbours inside, over many tiles.

  python -m benchmarks.seams

A single row of pixels varies by tens of per cent, so the mean of many tiles is what counts. On a torus the seam is a
row like any other. But it is an even one, between two windows of the backbone's poolings and, in a coarse-to-fine run,
between two pixels of the scale before, so those rows are listed too. The record goes to benchmarks/SEAMS.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from benchmarks import record
from benchmarks.pictures import tensor
from benchmarks.record import PICTURES, table
from tf_style.build import build_stylizer
from tf_style.presets import preset_config

STYLES = ("starry_night", "great_wave", "composition_viii")
CONTENTS = ("lighthouse", "mountain_lake", "woman_with_hat")


def jumps(tile: np.ndarray) -> tuple[float, float]:
    """Mean differences between neighbours over the seam, and in even rows, relative to all inside; of both axes."""
    seam, even = [], []
    for axis in (0, 1):
        turned = np.moveaxis(tile, axis, 0)
        rows = np.abs(turned - np.roll(turned, 1, 0)).mean((1, 2))  # row 0 is that of the seam
        seam.append(rows[0] / rows[1:].mean())
        even.append(rows[2::2].mean() / rows[1:].mean())
    return float(np.mean(seam)), float(np.mean(even))


def squares(name: str, side: int, count: int) -> list[tf.Tensor]:
    """Parts of a photo, spread over it, that have no pixel in common; none without any detail."""
    pixels = tensor(PICTURES / f"{name}.jpg", 6 * side)
    places = [
        (top, left)
        for top in range(0, pixels.shape[1] - side + 1, side)
        for left in range(0, pixels.shape[2] - side + 1, side)
    ]
    parts = [pixels[:, top : top + side, left : left + side] for top, left in places]
    parts = [part for part in parts if float(tf.math.reduce_std(part)) > 0.02]
    return [parts[round(index)] for index in np.linspace(0, len(parts) - 1, count)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Paints tiles of all kinds and writes the table."""
    parser = record.parser(__doc__, "SEAMS.md")
    parser.add_argument("--seeds", type=int, default=24, help="textures of each style")
    parser.add_argument("--squares", type=int, default=12, help="parts of each photo")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--num_steps", type=int, default=30, help="at the full size; twice as many at half of it")
    record.add_options(parser)
    args = parser.parse_args(arguments)
    config = preset_config("draft").replace(
        tileable=True,
        backbone="compact_vgg19",
        min_size=args.size // 2,
        num_steps=args.num_steps,
        first_steps=2 * args.num_steps,
        **dict(args.option),
    )
    texture = build_stylizer(config.replace(init="noise", content_weight=0))
    painting, plain = build_stylizer(config), build_stylizer(config.replace(tileable=False))
    grey = tf.fill([1, args.size, args.size, 3], 0.5)
    found: dict[str, list] = {"textures": [], "paintings": [], "paintings without --tileable": []}
    for style in STYLES:
        own = tensor(PICTURES / f"{style}.jpg", args.size)
        for seed in range(args.seeds):
            texture.seed = seed
            found["textures"].append(jumps(texture(grey, [own])[0].numpy()))
        for content in CONTENTS:
            photos = squares(content, args.size, args.squares)
            found["paintings"] += [jumps(painting(photo, [own])[0].numpy()) for photo in photos]
            found["paintings without --tileable"].append(jumps(plain(photos[-1], [own])[0].numpy()))
    rows = []
    for name, measured in found.items():
        seam, even = np.array(measured).T
        error = seam.std(ddof=1) / len(measured) ** 0.5
        rows.append([name, str(len(measured)), f"{seam.mean():.3f}", f"{error:.3f}", f"{even.mean():.3f}"])
    steps = f"{2 * args.num_steps} steps at half the size, then {args.num_steps} at the full one"
    header = ["what", "tiles", "seam / inside", "standard error", "even rows / inside"]
    record.write(
        args.output, "The seam of tiles", "seams", f"{args.size} px, `draft` with {steps}.", table(header, rows)
    )


if __name__ == "__main__":
    main()

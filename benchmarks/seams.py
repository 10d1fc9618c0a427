"""The seam of tiles: differences of opposite edges beside those of neighbours inside, over many tiles.

python -m benchmarks.seams --out=benchmarks/SEAMS.md

A single row of pixels varies by tens of per cent, so the mean of many tiles is what counts. On a torus the seam is a
row like any other; but it is an even one, between two windows of the backbone's poolings and, in a coarse-to-fine run,
between two pixels of the scale before, so those are listed too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.build import build_stylizer
from tf_style.presets import preset_config

PICTURES = Path(__file__).resolve().parent.parent / "examples" / "pictures"
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


def picture(name: str, side: int) -> tf.Tensor:
    found = images.read_image(PICTURES / f"{name}.jpg")
    return tf.constant(images.resize(found, images.fit_size(found.size, side)).pixels[None])


def squares(name: str, side: int) -> list[tf.Tensor]:
    """Twelve parts of a photo, spread over it, that have no pixel in common; not those without any detail."""
    pixels = picture(name, 6 * side)
    places = [
        (top, left)
        for top in range(0, pixels.shape[1] - side + 1, side)
        for left in range(0, pixels.shape[2] - side + 1, side)
    ]
    parts = [pixels[:, top : top + side, left : left + side] for top, left in places]
    parts = [part for part in parts if float(tf.math.reduce_std(part)) > 0.02]
    return [parts[round(index)] for index in np.linspace(0, len(parts) - 1, 12)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    config = preset_config("draft").replace(tileable=True, backbone="compact_vgg19", min_size=64, num_steps=30)
    texture = build_stylizer(config.replace(init="noise", content_weight=0))
    painting, plain = build_stylizer(config), build_stylizer(config.replace(tileable=False))
    grey = tf.fill([1, args.size, args.size, 3], 0.5)
    found: dict[str, list] = {"textures": [], "paintings": [], "paintings without --tileable": []}
    for style in STYLES:
        own = picture(style, args.size)
        for seed in range(args.seeds):
            texture.seed = seed
            found["textures"].append(jumps(texture(grey, [own])[0].numpy()))
        for content in CONTENTS:
            for photo in squares(content, args.size):
                found["paintings"].append(jumps(painting(photo, [own])[0].numpy()))
            found["paintings without --tileable"].append(jumps(plain(photo, [own])[0].numpy()))
    lines = [
        "# The seam of tiles",
        "",
        f"`python -m benchmarks.seams --seeds={args.seeds}`: {args.size} px, `draft`, 30 steps at each of two sizes.",
        "",
        "| what | tiles | seam / inside | standard error | even rows / inside |",
        "|---|---|---|---|---|",
    ]
    for name, rows in found.items():
        seam, even = np.array(rows).T
        error = seam.std(ddof=1) / len(rows) ** 0.5
        lines.append(f"| {name} | {len(rows)} | {seam.mean():.3f} | {error:.3f} | {even.mean():.3f} |")
        print(lines[-1], flush=True)
    args.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

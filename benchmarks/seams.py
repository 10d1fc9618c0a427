"""The seam of tiles: differences of opposite edges beside those of neighbours inside, over many tiles.

python -m benchmarks.seams --out=benchmarks/SEAMS.md

A single row of pixels varies by tens of per cent, so the mean of many tiles is what counts. On a torus the seam is a
row like any other; but rows at multiples of 16 lie between two positions of the backbone's deepest layer, as the seam
does, and are listed too.
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


def jumps(tile: np.ndarray) -> tuple[float, float, float]:
    """Mean differences between neighbours: over the seam, inside, and inside at multiples of 16; of both directions."""
    seam, inside, grid = [], [], []
    for axis in (0, 1):
        turned = np.moveaxis(tile, axis, 0)
        rows = np.abs(turned - np.roll(turned, 1, 0)).mean((1, 2))  # row 0 is that of the seam
        seam.append(rows[0])
        inside.append(rows[1:].mean())
        grid.append(rows[16::16].mean())
    return float(np.mean(seam)), float(np.mean(inside)), float(np.mean(grid))


def picture(name: str, side: int) -> tf.Tensor:
    found = images.read_image(PICTURES / f"{name}.jpg")
    return tf.constant(images.resize(found, images.fit_size(found.size, side)).pixels[None])


def square(name: str, side: int) -> tf.Tensor:
    """The middle of a photo."""
    pixels = picture(name, 2 * side)
    top, left = (pixels.shape[1] - side) // 2, (pixels.shape[2] - side) // 2
    return pixels[:, top : top + side, left : left + side]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    side = args.size
    config = preset_config("draft").replace(tileable=True, backbone="compact_vgg19", min_size=64, num_steps=30)
    texture = build_stylizer(config.replace(init="noise", content_weight=0))
    painting, plain = build_stylizer(config), build_stylizer(config.replace(tileable=False))
    grey, found = (
        tf.fill([1, side, side, 3], 0.5),
        {"textures": [], "paintings": [], "paintings without --tileable": []},
    )
    for style in STYLES:
        own = picture(style, side)
        for seed in range(args.seeds):
            texture.seed = seed
            found["textures"].append(jumps(texture(grey, [own])[0].numpy()))
        for content in CONTENTS:
            photo = square(content, side)
            found["paintings"].append(jumps(painting(photo, [own])[0].numpy()))
            found["paintings without --tileable"].append(jumps(plain(photo, [own])[0].numpy()))
    lines = [
        "# The seam of tiles",
        "",
        f"`python -m benchmarks.seams --seeds={args.seeds}`: {side} px, `draft`, 30 steps.",
        "",
        "| what | tiles | seam / inside | standard error | inside at multiples of 16 / inside |",
        "|---|---|---|---|---|",
    ]
    for name, rows in found.items():
        seam, inside, grid = np.array(rows).T
        ratio = seam / inside
        lines.append(
            f"| {name} | {len(rows)} | {ratio.mean():.3f} | {ratio.std(ddof=1) / len(rows) ** 0.5:.3f} | "
            f"{(grid / inside).mean():.3f} |"
        )
        print(lines[-1], flush=True)
    args.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

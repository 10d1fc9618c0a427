"""Every content in every style, laid out as one sheet: for looking at, which no loss curve replaces.

  python -m benchmarks.grid --content=a.jpg,b.jpg --style=c.jpg,d.jpg --preset=fine --size=256 --output=grid.jpg

Each painting is also kept as a PNG in --cells, and not painted again when it is there.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tf_style.jobs.run.quiet import quiet_tensorflow

with quiet_tensorflow():
    import tensorflow as tf

import numpy as np

from tf_style import images
from tf_style.build import build_stylizer
from tf_style.presets import preset_config

_WHITE = 1.0


def fit(pixels: np.ndarray, side: int) -> np.ndarray:
    """The picture in the middle of a white square."""
    small = images.resize(images.Picture(pixels), images.fit_size(pixels.shape[:2], side)).pixels
    square = np.full((side, side, 3), _WHITE, np.float32)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    return square


def main() -> None:
    """Paints what is missing and writes the sheet: styles on top, a content and its paintings in each row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", required=True, help="pictures, with commas between")
    parser.add_argument("--style", required=True, help="paintings, with commas between")
    parser.add_argument("--preset", default="fine")
    parser.add_argument("--option", action="append", default=[], help="of StylizeConfig, name=value")
    parser.add_argument("--named", action="store_true", help="the network knows the styles by the names of their files")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--cell", type=int, default=0, help="side of a cell in the sheet; 0: --size")
    parser.add_argument("--cells", type=Path, default=Path("grid_cells"))
    parser.add_argument("--output", default="grid.jpg")
    args = parser.parse_args()
    config = preset_config(args.preset).replace(**dict(option.split("=", 1) for option in args.option))
    stylizer = build_stylizer(config)
    contents = {Path(path).stem: images.read_image(path) for path in args.content.split(",")}
    styles = {Path(path).stem: images.read_image(path).pixels for path in args.style.split(",")}
    side = args.cell or args.size
    rows = [[np.full((side, side, 3), _WHITE, np.float32), *(fit(pixels, side) for pixels in styles.values())]]
    for content_name, content in contents.items():
        small = images.resize(content, images.fit_size(content.size, args.size)).pixels
        row = [fit(small, side)]
        for style_name, style in styles.items():
            path = args.cells / f"{content_name}_{style_name}.png"
            if not path.exists():
                started = time.monotonic()
                asked = style_name if args.named else tf.constant(style[None])
                painting = stylizer(tf.constant(small[None]), [asked])[0].numpy()
                images.write_image(path, painting)
                print(f"{path} {time.monotonic() - started:.0f} s", flush=True)
            row.append(fit(images.read_image(path).pixels, side))
        rows.append(row)
        images.write_image(args.output, np.concatenate([np.concatenate(row, axis=1) for row in rows]), quality=88)


if __name__ == "__main__":
    main()

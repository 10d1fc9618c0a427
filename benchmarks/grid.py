"""Every content in every style, laid out as one sheet: for looking at, which no loss curve replaces.

  python -m benchmarks.grid --content=a.jpg,b.jpg --style=c.jpg,d.jpg --preset=fine --size=256 --output=grid.jpg

Each painting is also kept as a PNG in --cells; those that are already there are not painted again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from tf_style.jobs.run.quiet import quiet_tensorflow

with quiet_tensorflow():
    import tensorflow as tf

from benchmarks.pictures import add_pairs, blank, picture, write_sheet
from benchmarks.record import add_options
from tf_style import images
from tf_style.build import build_stylizer
from tf_style.presets import preset_config


def main(arguments: Sequence[str] | None = None) -> None:
    """Paints what is missing and writes the sheet: styles on top, a content and its paintings in each row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_pairs(parser)
    parser.add_argument("--preset", default="fine")
    add_options(parser)
    parser.add_argument("--named", action="store_true", help="the network knows the styles by the names of their files")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--cell", type=int, default=0, help="side of a cell in the sheet; 0: --size")
    parser.add_argument("--cells", type=Path, default=Path("grid_cells"))
    parser.add_argument("--output", type=Path, default=Path("grid.jpg"))
    args = parser.parse_args(arguments)
    config = preset_config(args.preset).replace(**dict(args.option))
    stylizer = build_stylizer(config)
    styles = {Path(path).stem: images.read_image(path).pixels for path in args.style}
    side = args.cell or args.size
    rows = [[blank(side), *styles.values()]]
    for content in args.content:
        photo = picture(content, args.size)
        rows.append([photo])
        for name, style in styles.items():
            path = args.cells / f"{Path(content).stem}_{name}.png"
            if not path.exists():
                started = time.monotonic()
                asked = name if args.named else tf.constant(style[None])
                images.write_image(path, stylizer(tf.constant(photo[None]), [asked])[0].numpy())
                print(f"{path} {time.monotonic() - started:.0f} s", flush=True)
            rows[-1].append(images.read_image(path).pixels)
        write_sheet(args.output, rows, side)


if __name__ == "__main__":
    main()

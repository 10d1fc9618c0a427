"""A sheet of pictures with their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tf_style.images import read_visible, to_pil, write_image

_SIDE, _GAP, _TEXT = 180, 10, 13  # pixels: of a picture, between pictures, of letters
_MOST_IN_A_ROW = 10


def write_sheet(path: str, pictures: Sequence[tuple[Path, str]]) -> None:
    """Writes small pictures in rows, each above its name.

    Args:
      path: The sheet; its suffix sets the format.
      pictures: Files, and their names.

    Raises:
      ImageError: A picture cannot be read.
      WriteError: The sheet cannot be written.
    """
    columns = min(_MOST_IN_A_ROW, len(pictures))
    width, height = _SIDE + _GAP, _SIDE + _TEXT + 2 * _GAP
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT)
    for number, (file, name) in enumerate(pictures):
        left, top = _GAP + number % columns * width, _GAP + number // columns * height
        small = to_pil(read_visible(file, min_side=1).pixels)
        small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        sheet.paste(small, (left + (_SIDE - small.width) // 2, top + _SIDE - small.height))
        while draw.textlength(name, font) > _SIDE:
            name = f"{name.removesuffix('…')[:-1]}…"
        draw.text((left + _SIDE / 2, top + _SIDE + _GAP / 2), name, "black", font, anchor="mt")
    write_image(path, np.asarray(sheet, np.float32) / 255)

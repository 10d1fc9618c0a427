"""Reads a picture's size without its pixels."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from tf_style.images import deep
from tf_style.images.arrays import orientation_of
from tf_style.images.formats import kind_of, plugin_of
from tf_style.images.reading import ORIENTATION

_FIRST_TURNED = 5  # EXIF's orientations from here to 8 have height and width swapped
_LAST_TURNED = 8


def read_size(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """The size that `read_image` will find, from the header alone: cheap, but only a hint.

    Args:
      path: The file.

    Returns:
      (height, width) of the upright picture, or None if the header cannot be read. The pixels may still be unreadable,
      and a PNG that stores its orientation behind the pixels is taken for upright.

    Example:
      read_size("photo.jpg")  # (600, 800)
    """
    source = Path(path)
    try:
        if not source.is_file():  # reading a pipe could block
            return None
        with open(source, "rb") as file:
            kind = kind_of(source, file)
            plugin = plugin_of(kind, source)
            width, height, orientation = HEADERS.get(kind, _plain)(plugin, file)
    except (MemoryError, ImportError):  # not the file's fault
        raise
    except Exception:  # decoders raise all kinds of errors for a damaged file
        return None
    turned = _FIRST_TURNED <= orientation <= _LAST_TURNED
    return (width, height) if turned else (height, width)


def _plain(plugin: Any, file: BinaryIO) -> tuple[int, int, int]:
    image = plugin(file)
    return *image.size, orientation_of(image)


def _png(plugin: Any, file: BinaryIO) -> tuple[int, int, int]:
    image = plugin(file)
    known = {"exif", "XML:com.adobe.xmp"} & image.info.keys()  # else Pillow would read all pixels to look behind them
    return *image.size, orientation_of(image) if known else 1


def _tiff(plugin: Any, file: BinaryIO) -> tuple[int, int, int]:
    with deep.quiet_decoders(), deep.open_tiff(file) as (page, _):
        tag = page.tags.get(ORIENTATION)
        return page.imagewidth, page.imagelength, tag.value if tag else 1


HEADERS: dict[str, Callable[[Any, BinaryIO], tuple[int, int, int]]] = {"PNG": _png, "TIFF": _tiff}

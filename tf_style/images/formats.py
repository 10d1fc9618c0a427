"""The kinds of picture files: their suffixes, their first bytes, and the plugins of Pillow that open them."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tf_style.images.picture import ImageError


class Kind(NamedTuple):
    """A kind of file: its suffixes, the bytes it may begin with, and the module and class that open it."""

    suffixes: tuple[str, ...]
    starts: tuple[bytes, ...]
    module: str
    plugin: str


#: "RIFF????WEBP" is matched without its length; AVIF and HEIC by the brands they list.
KINDS = {
    "JPEG": Kind((".jpg", ".jpeg"), (b"\xff\xd8\xff",), "PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": Kind((".png",), (b"\x89PNG\r\n\x1a\n",), "PIL.PngImagePlugin", "PngImageFile"),
    "WebP": Kind((".webp",), (b"RIFFWEBP",), "PIL.WebPImagePlugin", "WebPImageFile"),
    "AVIF": Kind((".avif",), (), "PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIC": Kind((".heic", ".heif"), (), "pillow_heif", "HeifImageFile"),
    "TIFF": Kind(
        (".tif", ".tiff"), (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "PIL.TiffImagePlugin", "TiffImageFile"
    ),  # the last two: BigTIFF
    "GIF": Kind((".gif",), (b"GIF8",), "PIL.GifImagePlugin", "GifImageFile"),
    "BMP": Kind((".bmp",), (b"BM",), "PIL.BmpImagePlugin", "BmpImageFile"),
    "TGA": Kind((".tga",), (), "PIL.TgaImagePlugin", "TgaImageFile"),
    "JPEG 2000": Kind(
        (".jp2", ".j2k"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
        "PIL.Jpeg2KImagePlugin",
        "Jpeg2KImageFile",
    ),
    "PPM": Kind(
        (".ppm", ".pgm", ".pbm"),
        tuple(b"P%d%c" % (number, after) for number in range(1, 7) for after in b" \t\r\n#"),
        "PIL.PpmImagePlugin",
        "PpmImageFile",
    ),
    "ICO": Kind((".ico",), (b"\0\0\1\0",), "PIL.IcoImagePlugin", "IcoImageFile"),
    "DDS": Kind((".dds",), (b"DDS ",), "PIL.DdsImagePlugin", "DdsImageFile"),
    "PSD": Kind((".psd",), (b"8BPS",), "PIL.PsdImagePlugin", "PsdImageFile"),
}
_FILMS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".wmv")
READABLE = f"{', '.join(list(KINDS)[:-1])} and {list(KINDS)[-1]}"
READABLE_SUFFIXES = tuple(suffix for kind in KINDS.values() for suffix in kind.suffixes)  # in a folder

#: What to install where Pillow alone cannot open a kind of file.
_NEEDED = {"HEIC": "pip install 'tf-style[heic]'", "AVIF": "pip install --upgrade 'pillow>=11.3'"}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc"), "HEIC")
_TGA_FOOTER = b"TRUEVISION-XFILE.\0"  # of version 2; older files are recognized by their suffix
_BOX = 64  # bytes that hold all brands


def kind_of(path: Path, file: BinaryIO) -> str:
    """A key of `KINDS`, by the first bytes of a file; raises ImageError for any other kind of file."""
    start = file.read(_BOX)
    file.seek(0)
    if start[4:8] == b"ftyp":
        for place in (8, *range(16, min(len(start), int.from_bytes(start[:4], "big")), 4)):
            if start[place : place + 4] in _BRANDS:
                return _BRANDS[start[place : place + 4]]
    if start[:4] == b"RIFF":
        start = start[:4] + start[8:]
    for name, kind in KINDS.items():
        if start.startswith(kind.starts):
            return name
    if path.suffix.lower() == ".tga" or _ends_as_tga(file):
        return "TGA"
    if path.suffix.lower() in _FILMS:
        raise ImageError(f"'{path}' is a film, not a picture; tf-style video paints films")
    raise ImageError(f"'{path}' is not a picture that can be read ({READABLE}); convert it to one of these")


def plugin_of(name: str, path: Path) -> Any:
    """The class that opens files of a kind; raises ImageError if this machine lacks it."""
    kind = KINDS[name]
    try:
        plugin = getattr(importlib.import_module(kind.module), kind.plugin)
    except ImportError:
        plugin = None
    if plugin is None or (name == "AVIF" and not can_avif()):
        raise ImageError(f"'{path}' is {name}, which cannot be read here; run {_NEEDED[name]}, or convert it")
    return plugin


def can_avif() -> bool:
    """Whether this build of Pillow reads and writes AVIF."""
    from PIL import features

    return "avif" in features.get_supported_modules()


def _ends_as_tga(file: BinaryIO) -> bool:
    if file.seek(0, os.SEEK_END) < len(_TGA_FOOTER):
        return False
    file.seek(-len(_TGA_FOOTER), os.SEEK_END)
    end = file.read()
    file.seek(0)
    return end == _TGA_FOOTER

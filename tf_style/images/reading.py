"""Reads a file as a `Picture`: finds its kind, and decodes it with Pillow or `deep`."""

import dataclasses
import difflib
import io
import itertools
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from PIL import Image

from tf_style.images import deep
from tf_style.images.arrays import orientation_of, picture_of
from tf_style.images.formats import READABLE, kind_of, plugin_of
from tf_style.images.picture import (
    DEFAULT_MAX_PIXELS,
    MIN_SIDE,
    Array,
    ImageError,
    Picture,
    PictureWarning,
    one_line,
)

ORIENTATION = 0x0112  # the TIFF tag
MAX_NEIGHBOURS = 10_000  # most files compared for "did you mean"

# Undoes EXIF's orientations (1 to 8).
UPRIGHT: dict[int, Callable[[Array], Array]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.swapaxes(a[::-1, ::-1], 0, 1),
    8: lambda a: np.rot90(a, 1),
}

Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO  # a path, a file's bytes, or a file opened for reading
SizeCheck = Callable[[int, int], None]  # (width, height); raises ImageError


def read_image(path: Source, *, max_pixels: int = DEFAULT_MAX_PIXELS, min_side: int = MIN_SIDE) -> Picture:
    """Reads a file as an upright sRGB picture.

    Reads JPEG, PNG, WebP, AVIF, HEIC (with the extra `heic`), TIFF, GIF, BMP, JPEG 2000, PPM, ICO (its largest
    picture), DDS and PSD (as saved for other programs), whatever the suffix, and TGA by its footer or suffix. Takes the
    first frame of an animation and the first page of a TIFF, and warns about the others. Turns the picture upright by
    its EXIF or XMP orientation, converts colours from an embedded ICC profile to sRGB, and keeps 16-bit and float
    samples (PNG, TIFF, JPEG 2000, PPM) unrounded. Floats in a TIFF must lie in [0, 1] and count as sRGB unless there is
    a profile.

    Args:
      path: the file, its bytes, or a file object opened for reading bytes.
      max_pixels: refuse a picture with more (height * width), by its header, before any pixel is decoded.
      min_side: refuse a picture with a shorter side, in pixels.

    Returns:
      The picture; its `alpha` is None if the file has no transparency.

    Warns:
      PictureWarning: the file has more frames or pages, or is damaged in a way that leaves a picture.

    Raises:
      ImageError: the file is missing, unreadable, not a picture, damaged, cut short, too small or too large, or holds
        values that a picture cannot have.

    Example:
      picture = read_image("photo.jpg")
      picture.pixels.shape  # (height, width, 3)
    """
    with _opened(path) as (source, file):

        def check_size(width: int, height: int) -> None:
            _check_size(source, (width, height), max_pixels, min_side)

        kind = kind_of(source, file)
        plugin = plugin_of(kind, source)
        with _one_sentence(source, kind):
            read = READERS.get(kind, _read_pillow)
            picture, orientation, frames = read(plugin, file, check_size)
    if frames > 1:
        frame = "page" if kind == "TIFF" else "frame"
        warnings.warn(f"'{source}' has {frames} {frame}s; the first one is used.", PictureWarning, stacklevel=2)
    if orientation not in UPRIGHT:
        return picture
    return _turned(picture, UPRIGHT[orientation])


@contextmanager
def _opened(path: Source) -> Iterator[tuple[Path, BinaryIO]]:
    """A name for messages, and a file that can be read at any place."""
    if isinstance(path, str | os.PathLike):
        source = Path(path)
        _check_source(source)
        with _open(source) as file:
            yield source, file
        return
    data = path if isinstance(path, bytes) else path.read()
    source = Path(str(getattr(path, "name", "bytes")))
    if not isinstance(data, bytes):
        raise ImageError(f"'{source}' was opened for reading text, but pictures are bytes; open it with mode 'rb'")
    if not data:
        raise ImageError(f"'{source}' is empty (0 bytes), but a picture is needed; copy or export it again")
    yield source, io.BytesIO(data)


def _turned(picture: Picture, turn: Callable[[Array], Array]) -> Picture:
    alpha = None if picture.alpha is None else np.ascontiguousarray(turn(picture.alpha))
    return dataclasses.replace(picture, pixels=np.ascontiguousarray(turn(picture.pixels)), alpha=alpha)


# --- readers: (plugin, file, check_size) -> (picture, orientation, number of frames) ----------------------------------
# The plugins are called directly: Image.open would warn or raise by a process-wide limit of its own before it gives the
# size.

Found = tuple[Picture, int, int]
ANIMATED = ("PNG", "WEBP", "GIF", "AVIF", "HEIF")  # Pillow's names; other formats have frames that are no pictures


def _read_pillow(plugin: Any, file: BinaryIO, check_size: SizeCheck) -> Found:
    image = plugin(file)  # the header only
    check_size(*image.size)
    frames = getattr(image, "n_frames", 1) if image.format in ANIMATED else 1
    return picture_of(image), orientation_of(image), frames


def _read_png(plugin: Any, file: BinaryIO, check_size: SizeCheck) -> Found:
    image = plugin(file)
    check_size(*image.size)
    file.seek(24)
    bits = file.read(1)[0]
    frames = getattr(image, "n_frames", 1)
    if bits == 16:  # Pillow would keep only 8
        orientation = orientation_of(image)
        file.seek(0)
        return deep.read_png(file.read(), image.info.get("icc_profile")), orientation, frames
    file.seek(0)
    image = plugin(file)
    transparent = image.info.get("transparency")
    if image.mode in ("1", "L") and isinstance(transparent, int):  # Pillow scales 1 to 4 bits to 8, but not this level
        image.info["transparency"] = min(255, transparent * 255 // (2**bits - 1))
    return picture_of(image), orientation_of(image), frames


def _read_tiff(plugin: Any, file: BinaryIO, check_size: SizeCheck) -> Found:
    with deep.quiet_decoders(getattr(file, "name", "bytes")), deep.open_tiff(file) as (page, pages):
        check_size(page.imagewidth, page.imagelength)
        if deep.is_deep(page):
            tag = page.tags.get(ORIENTATION)
            return deep.read_tiff(page, file.seek(0, os.SEEK_END)), tag.value if tag else 1, pages
        file.seek(0)
        image = plugin(file)
        return picture_of(image), orientation_of(image), pages  # Pillow turns a TIFF upright itself, and gives 1


def _read_jpeg2000(plugin: Any, file: BinaryIO, check_size: SizeCheck) -> Found:
    image = plugin(file)
    check_size(*image.size)
    file.seek(0)
    data = file.read()
    file.seek(0)
    profile = deep.jpeg2000_profile(data)
    if deep.jpeg2000_bits(data) > 8:
        return deep.from_samples(deep.read_jpeg2000(data), profile), 1, 1
    image = plugin(file)
    image.info.setdefault("icc_profile", profile)
    return picture_of(image), 1, 1


def _read_ppm(plugin: Any, file: BinaryIO, check_size: SizeCheck) -> Found:
    image = plugin(file)
    check_size(*image.size)
    file.seek(0)
    samples = deep.read_ppm(file.read())
    if samples is not None:
        return deep.from_samples(samples, None), 1, 1
    file.seek(0)
    return picture_of(plugin(file)), 1, 1


READERS: dict[str, Callable[[Any, BinaryIO, SizeCheck], Found]] = {
    "PNG": _read_png,
    "TIFF": _read_tiff,
    "JPEG 2000": _read_jpeg2000,
    "PPM": _read_ppm,
}


# --- refusals ---------------------------------------------------------------------------------------------------------


def _check_source(path: Path) -> None:
    try:
        if path.is_dir():
            raise ImageError(f"'{path}' is a folder, but a picture file is needed; name a file in it")
        if not path.exists():
            raise ImageError(f"'{path}' does not exist; {_advice(path)}")
        if not path.is_file():
            raise ImageError(f"'{path}' is not an ordinary file; give a picture file ({READABLE})")
        if path.stat().st_size == 0:
            raise ImageError(f"'{path}' is empty (0 bytes), but a picture is needed; copy or export it again")
    except OSError as error:
        raise _cannot_open(path, error) from None


def _advice(path: Path) -> str:
    if not path.parent.is_dir():
        return f"its folder '{path.parent}' is missing too; check the path"
    try:
        names = {p.name.lower(): p.name for p in itertools.islice(path.parent.iterdir(), MAX_NEIGHBOURS) if p.is_file()}
    except OSError:
        names = {}
    close = difflib.get_close_matches(path.name.lower(), names, n=1)
    return f"did you mean '{path.parent / names[close[0]]}'?" if close else "check the path"


def _open(path: Path) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise _cannot_open(path, error) from None


def _cannot_open(path: Path, error: OSError) -> ImageError:
    return ImageError(f"'{path}' cannot be opened ({error.strerror or error}); check its name and its permissions")


def _check_size(path: Path, size: tuple[int, int], max_pixels: int, min_side: int) -> None:
    width, height = size
    found = f"'{path}' is {width} x {height} pixels"
    if min(size) < min_side:
        raise ImageError(f"{found}, but each side must have at least {min_side}; use a larger picture")
    if width * height > max_pixels:
        raise ImageError(
            f"{found} ({width * height:,}), but at most {max_pixels:,} are allowed; shrink it, or raise --max_pixels"
        )


@contextmanager
def _one_sentence(path: Path, kind: str) -> Iterator[None]:
    """Turns whatever a decoder raises into an ImageError that names the file."""
    try:
        yield
    except (MemoryError, ImportError):  # not the file's fault
        raise
    except deep.UnusableError as error:
        raise ImageError(f"'{path}' {error}") from None
    except ImageError:
        raise
    except Image.DecompressionBombError:  # the plugins of WebP and GIF check Pillow's limit
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise ImageError(
            f"'{path}' has more than {limit:,} pixels, the limit for {kind} files; shrink it, or save it as PNG and"
            " raise --max_pixels"
        ) from None
    except Exception as error:  # decoders raise all kinds of errors for a damaged file
        raise ImageError(
            f"'{path}' cannot be read as {kind} ({one_line(error)}): it is damaged, cut short or of a rare kind;"
            " copy or export it again"
        ) from None

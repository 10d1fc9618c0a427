"""Writes pixels to a file: encodes them, then replaces the file in one move."""

import contextlib
import difflib
import fcntl
import io
import os
import secrets
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from tf_style.images.arrays import to_uint8, to_uint16
from tf_style.images.formats import can_avif
from tf_style.images.geometry import MIN_VISIBLE_ALPHA, fill_transparent
from tf_style.images.picture import Array, ImageError, Picture, WriteError
from tf_style.images.profiles import srgb_profile

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WebP",
    ".avif": "AVIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".tga": "TGA",
}
DEEP_FORMATS = ("PNG", "TIFF")  # can hold 16 bits
OPAQUE_FORMATS = ("JPEG", "BMP")  # cannot hold alpha
MAX_SIDE = {"JPEG": 65500, "WebP": 16383, "AVIF": 65536, "TGA": 65535}  # pixels, limits of libjpeg and of the formats
ICC_PROFILE = 34675  # the TIFF tag
Dpi: TypeAlias = tuple[float, float] | None
IHDR_END = 33  # bytes of a PNG before its second chunk


def write_image(
    path: str | os.PathLike[str],
    pixels: npt.ArrayLike,
    *,
    alpha: npt.ArrayLike | None = None,
    bit_depth: int = 8,
    quality: int = 95,
    dpi: tuple[float, float] | None = None,
) -> None:
    """Writes a picture; the suffix chooses the format: .png, .jpg, .jpeg, .webp, .avif, .tif, .tiff, .bmp, .tga.

    The file appears completely or not at all: it is written under a temporary name and then moved into place, so an
    older file stays unchanged if anything fails. The same input gives the same bytes. All formats but BMP and TGA carry
    an sRGB profile. JPEG and AVIF keep full colour resolution (4:4:4). Values are rounded to the nearest level, halves
    to the even one. Invisible pixels get the colours of the nearest visible ones, so that no filter brings up others.

    Args:
      path: the file; a missing folder is created.
      pixels: float [H, W, 3], or [H, W, 4] with an alpha, sRGB; values outside [0, 1] are clipped.
      alpha: float [H, W] instead, 0 is transparent; JPEG and BMP cannot hold it, so there the picture is laid on white.
      bit_depth: 8, or 16 (PNG and TIFF only).
      quality: 1 to 100, for JPEG, WebP and AVIF.
      dpi: pixels per inch, horizontally and vertically, for JPEG, PNG and TIFF.

    Raises:
      ImageError: as in `check_output_path`; NaN, or a wrong type or shape; or the file cannot be written.

    Example:
      write_image("out/stylized.png", picture.pixels, alpha=picture.alpha, bit_depth=picture.bit_depth)
    """
    target = Path(path)
    check_output_path(target, bit_depth=bit_depth)
    kind = FORMATS[target.suffix.lower()]
    shapes = "[height, width, 3 or 4]"
    values = _checked(pixels, "pixels", shapes, lambda shape: len(shape) == 3 and shape[2] in (3, 4))
    if values.shape[2] == 4:
        values, alpha = values[..., :3], values[..., 3] if alpha is None else alpha
    _check_options(target, kind, values.shape[:2], quality)
    if alpha is not None:
        opacity = _checked(alpha, "alpha", f"{list(values.shape[:2])}", lambda shape: shape == values.shape[:2])
        values = _with_alpha(np.clip(values, 0, 1), np.clip(opacity, 0, 1), kind)
    levels = to_uint8(values) if bit_depth == 8 else to_uint16(values)
    _write(target, ENCODERS[kind](levels, quality, dpi))


def _with_alpha(pixels: Array, alpha: Array, kind: str) -> Array:
    """[H, W, 4] without hidden colours; or [H, W, 3] laid on white, if the format has no alpha."""
    if kind in OPAQUE_FORMATS:
        return pixels * alpha[..., None] + (1 - alpha[..., None])
    if alpha.max() > MIN_VISIBLE_ALPHA:
        pixels = fill_transparent(Picture(pixels, alpha)).pixels
    return np.concatenate([pixels, alpha[..., None]], axis=-1)


def check_output_path(path: str | os.PathLike[str], *, bit_depth: int = 8) -> None:
    """Refuses an output that could not be written, before hours of work.

    It changes nothing; a missing folder is fine if it could be created.

    Args:
      path: the file to be written later.
      bit_depth: 8, or 16 (PNG and TIFF only).

    Raises:
      ImageError: a suffix or bit depth that cannot be written, a path that is a folder, or a read-only folder.

    Example:
      check_output_path("out/stylized.png", bit_depth=16)
    """
    target = Path(path)
    _check_format(target, bit_depth)
    try:
        if target.is_dir():
            raise ImageError(f"'{target}' is a folder, but a file is needed; add a file name")
        if target.exists() and not target.is_file():
            raise ImageError(f"'{target}' is not an ordinary file; choose another name")
        folder = Path(os.path.realpath(target)).parent
        while not folder.exists():
            folder = folder.parent
        if not folder.is_dir():
            raise ImageError(f"'{target}' cannot be written: '{folder}' is a file; choose another folder")
    except OSError as error:
        raise _cannot_write(target, error) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ImageError(f"'{target}' cannot be written: the folder '{folder}' is read-only; choose another folder")


# --- one encoder per format: uint8 or uint16 [H, W, 3 or 4], quality, dpi -> bytes ------------------------------------


def _encode_png(levels: Array, dpi: Dpi) -> bytes:
    if levels.dtype == np.uint8:
        return _encode_pillow(levels, "PNG", icc_profile=srgb_profile(), dpi=dpi)
    import imagecodecs

    png = imagecodecs.png_encode(np.ascontiguousarray(levels))
    chunks = _chunk(b"iCCP" + b"sRGB\0\0" + zlib.compress(srgb_profile(), 9))
    if dpi is not None:
        chunks += _chunk(b"pHYs" + struct.pack(">IIB", *(round(value / 0.0254) for value in dpi), 1))  # per metre
    return bytes(png[:IHDR_END]) + chunks + bytes(png[IHDR_END:])


def _chunk(body: bytes) -> bytes:
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def _encode_tiff(levels: Array, dpi: Dpi) -> bytes:
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        levels,
        photometric="rgb",
        extrasamples=("unassalpha",) * (levels.shape[-1] - 3),
        compression="zlib",
        predictor=True,
        extratags=[(ICC_PROFILE, 7, len(srgb_profile()), srgb_profile(), True)],  # 7: plain bytes
        software="tf_style",
        resolution=dpi,
        resolutionunit=None if dpi is None else "INCH",
        metadata=None,
    )
    return buffer.getvalue()


def _encode_pillow(levels: Array, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    given = {name: value for name, value in options.items() if value is not None}
    Image.fromarray(np.ascontiguousarray(levels)).save(buffer, kind, **given)
    return buffer.getvalue()


ENCODERS: dict[str, Callable[[Array, int, Dpi], bytes]] = {
    "PNG": lambda levels, quality, dpi: _encode_png(levels, dpi),
    "TIFF": lambda levels, quality, dpi: _encode_tiff(levels, dpi),
    "JPEG": lambda levels, quality, dpi: _encode_pillow(
        levels, "JPEG", quality=quality, subsampling=0, icc_profile=srgb_profile(), dpi=dpi and tuple(map(round, dpi))
    ),
    "WebP": lambda levels, quality, dpi: _encode_pillow(  # exact keeps hidden colours too
        levels, "WEBP", quality=quality, exact=True, icc_profile=srgb_profile()
    ),
    "AVIF": lambda levels, quality, dpi: _encode_pillow(  # one thread: the same bytes on any machine
        levels, "AVIF", quality=quality, subsampling="4:4:4", max_threads=1, icc_profile=srgb_profile()
    ),
    "BMP": lambda levels, quality, dpi: _encode_pillow(levels, "BMP"),
    "TGA": lambda levels, quality, dpi: _encode_pillow(levels, "TGA", compression="tga_rle"),
}


# --- the disk ---------------------------------------------------------------------------------------------------------


_LEFTOVERS = ".tf_style-*"
_FRESH = 5.0  # seconds in which another process may have made its file, but not locked it yet
_cleaned: set[Path] = set()


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Lets a file appear whole or not at all: yields a temporary path that replaces the file if the block succeeds.

    The temporary file lies in the same folder and has the same suffix. Those of processes that were killed are removed.

    Args:
      path: the file; a missing folder is created, and a link is followed rather than replaced.
    """
    place = Path(os.path.realpath(path))
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.parent not in _cleaned:
        _cleaned.add(place.parent)
        remove_leftovers(place.parent)
    temporary = place.with_name(f".tf_style-{secrets.token_hex(8)}{place.suffix}")
    with open(temporary, "xb") as held:
        try:
            with contextlib.suppress(OSError):  # some network disks have no locks
                _lock(held)
            yield temporary
            os.fsync(held.fileno())
            os.replace(temporary, place)
        finally:  # after KeyboardInterrupt too
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files of `replacing` in a folder that no living process holds."""
    for path in folder.glob(_LEFTOVERS):
        with contextlib.suppress(OSError):
            if path.is_file() and time.time() - path.stat().st_mtime > _FRESH:
                with open(path, "rb") as file:
                    _lock(file)
                path.unlink()


def _lock(file: BinaryIO) -> None:
    """Locks an open file until it is closed, or its process ends; raises OSError if another process holds it."""
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write(target: Path, data: bytes) -> None:
    try:
        with replacing(target) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise WriteError(str(_cannot_write(target, error))) from None


def _cannot_write(target: Path, error: OSError) -> ImageError:
    return ImageError(
        f"'{target}' cannot be written ({error.strerror or error}); choose another place or free disk space"
    )


# --- refusals ---------------------------------------------------------------------------------------------------------


def _check_format(target: Path, bit_depth: int) -> None:
    suffix, allowed = target.suffix.lower(), ", ".join(FORMATS)
    if suffix not in FORMATS:
        close = difflib.get_close_matches(suffix, FORMATS, n=1)
        advice = f"did you mean '{target.with_suffix(close[0])}'?" if close else "end the name with one of these"
        found = f"the suffix '{target.suffix}'" if suffix else "no suffix"
        raise ImageError(f"'{target}' has {found}, but {allowed} are allowed; {advice}")
    if FORMATS[suffix] == "AVIF" and not can_avif():
        raise ImageError(
            f"'{target}' cannot be written: this Pillow has no AVIF; run pip install --upgrade 'pillow>=11.3', or"
            " choose another suffix"
        )
    if bit_depth not in (8, 16):
        raise ImageError(f"The bit depth must be 8 or 16, but {bit_depth} was given; choose one of these")
    if bit_depth == 16 and FORMATS[suffix] not in DEEP_FORMATS:
        raise ImageError(f"'{target}' cannot hold 16 bits; choose .png, .tif or .tiff, or a bit depth of 8")


def _check_options(target: Path, kind: str, size: tuple[int, ...], quality: int) -> None:
    if not 1 <= quality <= 100:
        raise ImageError(f"The quality must be 1 to 100, but {quality} was given; 95 is a good choice")
    if max(size) > MAX_SIDE.get(kind, max(size)):
        raise ImageError(
            f"'{target}' would be {size[1]} x {size[0]} pixels, but {kind} holds at most {MAX_SIDE[kind]} a side;"
            " write a .png"
        )


def _checked(array: npt.ArrayLike, name: str, wanted: str, fits: Callable[[tuple[int, ...]], bool]) -> Array:
    values = np.asarray(array)
    if not fits(values.shape) or values.size == 0:
        raise ImageError(f"The {name} must be {wanted}, but shape {list(values.shape)} was given; pass one picture")
    if not np.issubdtype(values.dtype, np.floating):
        raise ImageError(f"The {name} must be floats in [0, 1], but the type is {values.dtype}; convert with to_float")
    if np.isnan(values).any():
        raise ImageError(f"The {name} hold NaN, so nothing was written; a smaller learning rate may help")
    return values

"""Reads what Pillow would round to 8 bits or refuse: 16 bits in PNG, JPEG 2000, PPM and TIFF, and floats in TIFF."""

import contextlib
import logging
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from tf_style.images.picture import Array, FloatArray, Picture, PictureWarning, one_line
from tf_style.images.profiles import to_srgb_float

if TYPE_CHECKING:
    from tifffile import TiffPage

MIN_IS_WHITE, MIN_IS_BLACK, RGB, SEPARATED = 0, 1, 2, 5  # photometric interpretations
COLOR_CHANNELS = {MIN_IS_WHITE: 1, MIN_IS_BLACK: 1, RGB: 3, SEPARATED: 4}
PREMULTIPLIED, STRAIGHT = 1, 2  # extra samples that are an alpha
UNSIGNED, FLOAT = 1, 3  # sample formats
ICC_PROFILE = 34675  # the tag
_ONE_AT_A_TIME = threading.RLock()  # readers whose libraries' notices are held
RANGE_SLACK = 1e-3  # resized float files overshoot a little


class UnusableError(ValueError):
    """The file is sound, but its values or layout cannot be used; the message follows the file's name."""


def read_png(data: bytes, profile: bytes | None) -> Picture:
    """Reads a 16-bit PNG and keeps all 16 bits."""
    import imagecodecs

    samples = imagecodecs.png_decode(data)
    return from_samples(np.divide(samples, 65535, dtype=np.float32), profile)


def from_samples(samples: FloatArray, profile: bytes | None) -> Picture:
    """A picture from samples in [0, 1]: [H, W], or [H, W, 1 to 4] of grey or RGB, the even ones with an alpha."""
    samples = samples.reshape(*samples.shape[:2], -1)
    channels = samples.shape[-1]
    alpha = np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None
    pixels = to_srgb_float(samples[..., : 1 if channels < 3 else 3], profile)
    return Picture(np.ascontiguousarray(pixels), alpha, bit_depth=16)


_CODESTREAM = b"\xff\x4f\xff\x51"  # of JPEG 2000; the first channel's bits, less one, follow 38 bytes behind


def jpeg2000_bits(data: bytes) -> int:
    """Bits per sample of a JPEG 2000 file.

    Reference: ISO/IEC 15444-1, A.5.1.
    """
    return (data[data.index(_CODESTREAM) + 42] & 0x7F) + 1


def jpeg2000_profile(data: bytes) -> bytes | None:
    """The ICC profile in the header boxes of a JP2 file.

    Reference: ISO/IEC 15444-1, I.5.3.
    """
    place = 0
    while place + 8 <= len(data) and data[:4] == b"\0\0\0\x0c":  # else a bare codestream
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if name == b"colr" and data[place + 8] == 2:  # the method: restricted ICC
            return data[place + 11 : place + length]
        if name == b"jp2c" or length < 8:
            break
        place += 8 if name == b"jp2h" else length  # into the header's box, past all others
    return None


def read_jpeg2000(data: bytes) -> FloatArray:
    """Reads the samples of a JPEG 2000 file, [H, W] or [H, W, C] in [0, 1]."""
    import imagecodecs

    bare = data[data.index(_CODESTREAM) :]  # else a profile would be applied, coarsely
    return np.divide(imagecodecs.jpeg2k_decode(bare), 2 ** jpeg2000_bits(data) - 1, dtype=np.float32)


def read_ppm(data: bytes) -> FloatArray | None:
    """Reads the samples of a binary PGM or PPM with 16 bits, [H, W, C] in [0, 1]; None for all others."""
    token = rb"(?:\s|#[^\n]*\n)+(\d+)"
    header = re.match(rb"P([56])" + 3 * token + rb"\s", data)
    if header is None or int(header[4]) < 256:
        return None
    kind, width, height, top = map(int, header.groups())
    channels = 1 if kind == 5 else 3
    samples = np.frombuffer(data, ">u2", height * width * channels, header.end())
    return np.minimum(np.divide(samples.reshape(height, width, channels), top, dtype=np.float32), 1)


@contextlib.contextmanager
def open_tiff(file: BinaryIO) -> Iterator[tuple["TiffPage", int]]:
    """Opens a TIFF and gives its first page (the header, no pixels yet), and how many pages it has."""
    import tifffile

    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        assert isinstance(page, tifffile.TiffPage)
        yield page, sum(not getattr(other, "is_reduced", False) for other in tiff.pages)


def is_deep(page: "TiffPage") -> bool:
    """Whether a page has floats or more than 8 bits per sample; Pillow reads all others, JPEG and palettes included."""
    return page.sampleformat == FLOAT or page.bitspersample > 8


def read_tiff(page: "TiffPage", file_size: int) -> Picture:
    """Reads a deep page: grey, RGB or CMYK, with or without alpha, as unsigned integers to 16 bits or floats."""
    colors = _check_layout(page)
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if offset + count > file_size:
            raise EOFError("the data end early")
    samples = _unit(page, _samples(page))
    pixels, alpha = samples[..., :colors], _alpha(page, samples, colors)
    if page.photometric == MIN_IS_WHITE:
        pixels = 1 - pixels
    if alpha is not None and PREMULTIPLIED in page.extrasamples:
        pixels = np.divide(pixels, alpha[..., None], out=np.zeros_like(pixels), where=alpha[..., None] > 0)
        pixels = np.clip(pixels, 0, 1)
    tag = page.tags.get(ICC_PROFILE)
    pixels = to_srgb_float(pixels, bytes(tag.value) if tag else None)
    return Picture(np.ascontiguousarray(pixels), alpha, bit_depth=16)


def _check_layout(page: "TiffPage") -> int:
    """The number of colour channels; raises UnusableError for an unsupported page."""
    if page.photometric not in COLOR_CHANNELS or COLOR_CHANNELS[page.photometric] > page.samplesperpixel:
        raise UnusableError("has deep colours that are not grey, RGB or CMYK; save it as RGB")
    if page.sampleformat != FLOAT and (page.sampleformat != UNSIGNED or page.bitspersample > 16):
        kind = {UNSIGNED: "unsigned", 2: "signed"}.get(page.sampleformat, "unusual")
        raise UnusableError(
            f"has {page.bitspersample}-bit {kind} samples, but unsigned integers to 16 bits and floats are allowed;"
            " save it with 16 bits"
        )
    if page.imagedepth > 1:
        raise UnusableError("is a volume, but a flat picture is needed; save one layer of it")
    return COLOR_CHANNELS[page.photometric]


def _samples(page: "TiffPage") -> Array:
    """The samples [H, W, C], whatever the strips, tiles, planes and compression."""
    planes = page.asarray(squeeze=False)  # [planes, depth, H, W, C], where planes or C is 1
    return np.concatenate(list(planes[:, 0]), axis=-1)


def _unit(page: "TiffPage", samples: Array) -> FloatArray:
    if page.sampleformat != FLOAT:
        top: int = 2**page.bitspersample - 1
        return np.divide(samples, top, dtype=np.float32)
    low, high = float(samples.min()), float(samples.max())
    if not np.isfinite([low, high]).all():
        raise UnusableError("holds NaN or infinity, but must hold numbers in [0, 1]; replace these first")
    if low < -RANGE_SLACK or high > 1 + RANGE_SLACK:
        raise UnusableError(
            f"holds floats from {low:.6g} to {high:.6g}, but they must lie in [0, 1]; scale or tone-map them first"
        )
    unit: FloatArray = np.clip(samples, 0, 1).astype(np.float32, copy=False)
    return unit


def _alpha(page: "TiffPage", samples: FloatArray, colors: int) -> FloatArray | None:
    """The first extra sample that is an alpha; a single extra sample of undeclared kind counts as straight alpha."""
    extras = page.extrasamples or (STRAIGHT,) * (page.samplesperpixel == colors + 1)
    for index, extra in enumerate(extras):
        if extra in (PREMULTIPLIED, STRAIGHT):
            return np.ascontiguousarray(samples[..., colors + index])
    return None


@contextlib.contextmanager
def quiet_decoders(path: str = "") -> Iterator[None]:
    """Hides what tifffile logs, Pillow warns of and libtiff writes to standard error inside the block.

    Args:
      path: The file that is read. If its picture comes out in spite of the trouble, a PictureWarning names it and the
        first trouble; without a path there is no warning.
    """
    troubles: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        troubles.append(record.getMessage())
        return False

    logger = logging.getLogger("tifffile")
    with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as warned, tempfile.TemporaryFile() as printed:
        warnings.simplefilter("always")
        logger.addFilter(keep)
        own = os.dup(2)
        os.dup2(printed.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(own, 2)
            os.close(own)
            logger.removeFilter(keep)
            printed.seek(0)
            lines = printed.read().decode(errors="replace").splitlines()
    troubles += [str(warning.message) for warning in warned] + lines
    if troubles and path:
        warnings.warn(
            f"'{path}' is damaged or of a rare kind ({one_line(troubles[0])}), but a picture was read; look at it.",
            PictureWarning,
            stacklevel=4,
        )

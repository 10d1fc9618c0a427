"""Reads 16-bit PNG, and TIFF with floats or more than 8 bits, which Pillow would round to 8 bits or refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from tf_style.images.picture import Array, FloatArray, Picture
from tf_style.images.profiles import to_srgb_float

if TYPE_CHECKING:
    from tifffile import TiffPage

MIN_IS_WHITE, MIN_IS_BLACK, RGB, SEPARATED = 0, 1, 2, 5  # photometric interpretations
COLOR_CHANNELS = {MIN_IS_WHITE: 1, MIN_IS_BLACK: 1, RGB: 3, SEPARATED: 4}
PREMULTIPLIED, STRAIGHT = 1, 2  # extra samples that are an alpha
UNSIGNED, FLOAT = 1, 3  # sample formats
ICC_PROFILE = 34675  # the tag
RANGE_SLACK = 1e-3  # resized float files overshoot a little


class UnusableError(ValueError):
    """The file is sound, but its values or layout cannot be used; the message follows the file's name."""


def read_png(data: bytes, profile: bytes | None) -> Picture:
    """Reads a 16-bit PNG and keeps all 16 bits."""
    import imagecodecs

    samples = imagecodecs.png_decode(data)
    samples = np.divide(samples.reshape(*samples.shape[:2], -1), 65535, dtype=np.float32)
    channels = samples.shape[-1]
    alpha = np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None
    pixels = to_srgb_float(samples[..., : 1 if channels < 3 else 3], profile)
    return Picture(np.ascontiguousarray(pixels), alpha, bit_depth=16)


@contextmanager
def open_tiff(file: BinaryIO) -> Iterator["TiffPage"]:
    """Opens a TIFF and gives its first page: the header, no pixels yet."""
    import tifffile

    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        assert isinstance(page, tifffile.TiffPage)
        yield page


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

"""Checks that a picture painted in one piece fits in memory, before the system kills the process."""

from __future__ import annotations

import os

from tf_style.config import StylizeConfig
from tf_style.images import ImageError

#: Fewest bytes per pixel, measured at 500 to 1440 pixels on CPUs: for a network, and for optimisation through the
#: narrow backbone and through VGG.
_NETWORK, _NARROW, _VGG = 400, 1000, 2500


def check_memory(config: StylizeConfig, size: tuple[int, int]) -> None:
    """Raises ImageError if a picture of (height, width) cannot be painted whole in this machine's memory."""
    height, width = size
    total = total_memory()
    if config.network:
        needed = _NETWORK * height * width
    else:
        needed = (_VGG if config.backbone.startswith("vgg") else _NARROW) * height * width
    if total is not None and needed > total:
        raise ImageError(
            f"Painting {width} x {height} pixels in one piece takes {needed / 1e9:.0f} GB of memory or more, but this "
            f"machine has {total / 1e9:.0f} GB; lower --size{_advice(config)}."
        )


def too_large(config: StylizeConfig, size: tuple[int, int]) -> ImageError:
    """The error for when memory has run out."""
    return ImageError(
        f"There is not enough memory to paint {size[1]} x {size[0]} pixels in one piece; lower --size{_advice(config)}."
    )


def is_lack_of_memory(error: Exception) -> bool:
    """True if Python or TensorFlow ran out of memory."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def total_memory() -> int | None:
    """This machine's memory in bytes, or None if unknown."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _advice(config: StylizeConfig) -> str:
    if config.network:
        return ", or paint by optimisation (--preset=draft), which can use tiles"
    if config.tileable:
        return ", or leave out --tileable to paint in tiles"
    return ", or give the content as TIFF, PNG or JPEG in RGB to paint in tiles"

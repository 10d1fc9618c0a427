"""Pictures that are painted in one piece must fit into memory: said before a system ends the process."""

from __future__ import annotations

import os

from tf_style.config import StylizeConfig
from tf_style.images import ImageError

#: Bytes that a pixel takes at least, measured at 500 to 1440 pixels on CPUs: of a network, of optimisation through the
#: narrow backbone, through VGG.
_NETWORK, _NARROW, _VGG = 400, 1000, 2500


def check_memory(config: StylizeConfig, size: tuple[int, int]) -> None:
    """Raises ImageError if a picture of (height, width), painted whole, cannot fit into this machine's memory."""
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
    """What is said when memory has run out."""
    return ImageError(
        f"There is not enough memory to paint {size[1]} x {size[0]} pixels in one piece; lower --size{_advice(config)}."
    )


def is_lack_of_memory(error: Exception) -> bool:
    """Whether it is Python's or TensorFlow's word for it."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def total_memory() -> int | None:
    """Bytes of this machine's memory; None where it does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _advice(config: StylizeConfig) -> str:
    if config.network:
        return ", or paint by optimisation (--preset=draft), which goes in tiles"
    if config.tileable:
        return ", or leave out --tileable, so that it goes in tiles"
    return ", or give the content as TIFF, PNG or JPEG in RGB, so that it goes in tiles"

"""Pictures that are painted in one piece must fit into memory: said before a system ends the process."""

from __future__ import annotations

import os

from tf_style.config import ConfigError, StylizeConfig

#: Bytes that a pixel takes at least, measured at 512 to 1536 pixels on CPUs: of a network, of optimisation through the
#: narrow backbone, through VGG.
_NETWORK, _NARROW, _VGG = 350, 800, 3000


def check_memory(config: StylizeConfig, size: tuple[int, int]) -> None:
    """Raises ConfigError if a picture of (height, width), painted whole, cannot fit into this machine's memory."""
    height, width = size
    total = total_memory()
    if config.network:
        needed = _NETWORK * height * width
    else:
        needed = (_VGG if config.backbone.startswith("vgg") else _NARROW) * height * width
    if total is not None and needed > total:
        raise ConfigError(
            f"Painting {width} x {height} pixels in one piece takes {needed / 1e9:.0f} GB of memory or more, but this "
            f"machine has {total / 1e9:.0f} GB; lower --size{_advice(config)}."
        )


def too_large(config: StylizeConfig, size: tuple[int, int]) -> ConfigError:
    """What is said when memory has run out."""
    return ConfigError(
        f"There is not enough memory to paint {size[1]} x {size[0]} pixels in one piece; lower --size{_advice(config)}."
    )


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

"""The options of `tf-style recolor`."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import ConfigError, Options, check_written, option, size_option
from tf_style.config.palette import parse_palette
from tf_style.config.stylize import COLOR_MATCHES, StylizeConfig, StylizeFiles


@dataclasses.dataclass(frozen=True)
class RecolorConfig(Options):
    """How to recolor a picture, without the files. `tf-style recolor --help` is made from these fields.

    Raises:
      ConfigError: A value that is not allowed.
    """

    size: int | str = size_option(0, "long side of the result in pixels; 0: the content's own size")
    method: str = option(
        "linear",
        "match the colours' mean and covariance (linear), or their full distribution (histogram)",
        "picture",
        COLOR_MATCHES,
    )
    strength: float = option(1.0, "0: the content's own colours, 1: only the new ones", "picture", minimum=0)
    palette: tuple[str, ...] = option((), "colours (#1a2b3c,#fff,...) to limit the result to", "picture")
    palette_difference: float = option(
        StylizeConfig.palette_difference, "how far pixels may differ from them (CIEDE2000)", "picture", minimum=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not parse_palette(self.palette) and self.palette_difference != StylizeConfig.palette_difference:
            raise ConfigError("palette_difference needs a palette; give --palette as well.")
        self._check_share("strength")


@dataclasses.dataclass(frozen=True)
class RecolorFiles(Options):
    """The files of one run of `tf-style recolor`.

    Raises:
      ConfigError: A value that is not allowed.
    """

    content: str = option("", "the picture to recolor", "files")
    color_from: str = option("", "the picture to take colours from; default: the palette's", "files")
    output: str = option("", "where to write the result; its suffix sets the format", "files")
    bit_depth: int = option(8, "bits per channel of the output, 8 or 16 (PNG and TIFF)", "files", minimum=8)
    quality: int = option(StylizeFiles.quality, "JPEG, WebP and AVIF quality, 1 to 100", "files", minimum=1)
    max_pixels: int = option(StylizeFiles.max_pixels, "refuse input pictures with more pixels", "files", minimum=1)
    quiet: bool = option(False, "print errors only", "report")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_written(self.bit_depth, self.quality)
        self._require(
            ("content", "output"),
            "tf-style recolor --content=photo.jpg --color_from=painting.jpg --output=result.png",
        )

"""The options of recoloring a picture."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import ConfigError, check_option, check_written, option
from tf_style.config.palette import parse_palette
from tf_style.config.stylize import COLOR_MATCHES, StylizeConfig, StylizeFiles


@dataclasses.dataclass(frozen=True)
class RecolorConfig:
    """One picture's new colours. See `tf-style recolor --help`, which is made from these fields.

    Raises:
      ConfigError: A value that is not allowed.
    """

    size: int = option(0, "long side of the result in pixels; 0: exactly the content's size", "picture", minimum=0)
    method: str = option(
        "linear",
        "match the colours' mean and covariance (linear), or their whole distribution (histogram)",
        "picture",
        COLOR_MATCHES,
    )
    strength: float = option(1.0, "0: the content's own colours, 1: wholly the new ones", "picture", minimum=0)
    palette: tuple[str, ...] = option(
        (), "colours (#1a2b3c,#fff,...) that the result keeps to, each pixel to one of them", "picture"
    )
    palette_difference: float = option(
        StylizeConfig.palette_difference, "how far from them, CIEDE2000", "picture", minimum=1
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        if not parse_palette(self.palette) and self.palette_difference != StylizeConfig.palette_difference:
            raise ConfigError("palette_difference came, but no palette that it is for; give --palette too.")
        if self.strength > 1:
            raise ConfigError(f"strength must be 0 to 1, but {self.strength:g} came.")


@dataclasses.dataclass(frozen=True)
class RecolorFiles:
    """The files of one run of `tf-style recolor`.

    Raises:
      ConfigError: A value that is not allowed.
    """

    content: str = option("", "the picture to recolor", "files")
    color_from: str = option("", "the picture whose colours it gets; default: those of the palette", "files")
    output: str = option("", "where the result goes; the suffix decides the format", "files")
    bit_depth: int = option(8, "bits a channel of the output, 8 or 16 (PNG and TIFF)", "files", minimum=8)
    quality: int = option(StylizeFiles.quality, "of JPEG and WebP, 1 to 100", "files", minimum=1)
    max_pixels: int = option(StylizeFiles.max_pixels, "refuse larger input pictures", "files", minimum=1)
    quiet: bool = option(False, "print errors only", "report")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        check_written(self.bit_depth, self.quality)
        missing = [f"--{name}" for name in ("content", "output") if not getattr(self, name)]
        if missing:
            raise ConfigError(
                f"{', '.join(missing)} must be given: tf-style recolor --content=photo.jpg --color_from=painting.jpg "
                f"--output=result.png"
            )

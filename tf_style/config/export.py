"""The options of `tf-style export`, and how `tf-style inspect` and `tf-style doctor` print facts."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import ConfigError, Options, option


@dataclasses.dataclass(frozen=True)
class ExportOptions(Options):
    """Where to write a model, and what a request may ask of it. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    output: str = option("", "folder for the model's versions; the next one is written there", "export")
    max_pixels: int = option(
        4_000_000, "most pixels in all of a request's contents, or of its styles", "export", minimum=1024
    )
    max_steps: int = option(1000, "most steps per scale that a request may ask for", "export", minimum=1)
    max_batch: int = option(16, "most pictures in a request", "export", minimum=1)
    image_format: str = option("png", "file format that stylize_bytes writes", "export", ("png", "jpeg"))
    warm_up_sizes: tuple[float, ...] = option(
        (256.0,), "sides of the square pictures that warm a server up", "export", minimum=32
    )
    words: bool = option(
        False, "take words for the style as well (signature stylize_text); for networks for any style; 9 MB", "export"
    )
    style_library: str = option(
        "", "with --words: a folder of pictures with a captions.csv; default: the package's own", "export"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.style_library and not self.words:
            raise ConfigError("style_library is for styles found by words; give --words as well, or leave it out.")
        self._require(("output",), "tf-style export --output=models/tf_style --preset=fine")


@dataclasses.dataclass(frozen=True)
class PrintOptions(Options):
    """How to print what was found. Every field is a flag."""

    json: bool = option(False, "print JSON", "report")

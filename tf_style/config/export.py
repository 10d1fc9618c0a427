"""The options of `tf-style export`."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import ConfigError, check_option, option


@dataclasses.dataclass(frozen=True)
class ExportOptions:
    """Where `tf-style export` writes, and what a request may ask for. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    output: str = option("", "folder of the model's versions; the next one is written there", "export")
    max_pixels: int = option(
        4_000_000, "most pixels that a request's contents, or styles, may have together", "export", minimum=1024
    )
    max_steps: int = option(1000, "most steps at any scale that a request may ask for", "export", minimum=1)
    max_batch: int = option(16, "most pictures in a request", "export", minimum=1)
    image_format: str = option("png", "of the files that stylize_bytes writes", "export", ("png", "jpeg"))
    warm_up_sizes: tuple[float, ...] = option(
        (256.0,), "sides of the square pictures that a server is warmed up with", "export", minimum=32
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        if not self.output:
            raise ConfigError(
                "--output must be given, for example: tf-style export --output=models/tf_style --preset=fine."
            )

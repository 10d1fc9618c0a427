"""The options of preparing pictures for training."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import ConfigError, check_option, option


@dataclasses.dataclass(frozen=True)
class PrepareConfig:
    """Everything of `tf-style prepare`. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    input_dir: str = option("", "folder of pictures; those in its subfolders are taken too", "files")
    output_dir: str = option("", "where the TFRecords go", "files")
    overwrite: bool = option(False, "replace the TFRecords of an earlier run", "files")

    short_side: int = option(320, "pictures are reduced to this short side in pixels", "pictures", minimum=64)
    quality: int = option(95, "JPEG quality, 1 to 100", "pictures", minimum=1)
    max_pixels: int = option(100_000_000, "leave larger pictures out", "pictures", minimum=1)
    shard_pictures: int = option(1000, "pictures a file", "pictures", minimum=1)
    seed: int = option(0, "seed of the order; same seed and pictures, same files", "pictures", minimum=0)

    quiet: bool = option(False, "print errors only, pictures that are left out among them", "report")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        missing = [f"--{name}" for name in ("input_dir", "output_dir") if not getattr(self, name)]
        if missing:
            raise ConfigError(
                f"{', '.join(missing)} must be given: tf-style prepare --input_dir=photos --output_dir=records"
            )
        if self.quality > 100:
            raise ConfigError(f"quality must be 1 to 100, but {self.quality} came.")

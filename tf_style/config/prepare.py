"""The options of `tf-style prepare`."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import Options, check_written, option


@dataclasses.dataclass(frozen=True)
class PrepareConfig(Options):
    """How to prepare pictures for training. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    input_dir: str = option("", "folder of pictures, subfolders included", "files")
    output_dir: str = option("", "where to write the TFRecords", "files")
    overwrite: bool = option(False, "replace the TFRecords of an earlier run", "files")

    short_side: int = option(320, "shrink pictures to this short side in pixels", "pictures", minimum=64)
    quality: int = option(95, "JPEG quality, 1 to 100", "pictures", minimum=1)
    max_pixels: int = option(100_000_000, "leave out pictures with more pixels", "pictures", minimum=1)
    shard_pictures: int = option(1000, "pictures per file", "pictures", minimum=1)
    seed: int = option(0, "seed of the order; same seed and pictures, same files", "pictures", minimum=0)

    quiet: bool = option(False, "print only errors and the pictures left out", "report")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(("input_dir", "output_dir"), "tf-style prepare --input_dir=photos --output_dir=records")
        check_written(8, self.quality)

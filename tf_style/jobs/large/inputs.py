"""What a run is given whose picture is painted in tiles, checked before any model loads."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.images.strips.streams import check_streamed_output, is_streamable
from tf_style.jobs.run.inputs import check_options, check_reports, check_single, read_colors, read_styles

#: Of a checkpoint folder: what a run in tiles keeps there, and nothing else.
OWN_FOLDER = "tf_style-tiles"

#: Pixels of a tile's side, and of a whole picture above which there are tiles, where nothing else is asked for.
TILE_SIDE = 1024
WHOLE_PIXELS = 2_097_152  # 1448 x 1448

#: Bytes on the disk for each pixel: two generations of four planes, the content twice, the gradient, the picture as
#: written; and half of it for the scale before. Beside them the targets of the content, as deep and as wide as VGG-19's
#: layers.
_DISK_BYTES = 212
_MASK_BYTES = 8  # a mask at the size of the result and at that of a scale
_MARGIN = 80  # of VGG-19 up to block5_conv1
_WIDTHS = {1: 64, 2: 128, 3: 256, 4: 512, 5: 512}


@dataclasses.dataclass(frozen=True)
class LargeInputs:
    """The content as a file, the size that it is painted in, and the rest as of `Inputs`."""

    content: Path
    size: tuple[int, int]
    styles: tuple[images.Picture, ...]
    colors: images.Picture | None = None

    def fingerprints(self) -> list[np.ndarray]:
        """What makes one run another than the next; of the content its file's length and time."""
        status = self.content.stat()
        pictures = [*self.styles, *([] if self.colors is None else [self.colors])]
        about = np.array([*self.size, status.st_size, status.st_mtime_ns], np.int64)
        alphas = [picture.alpha for picture in self.styles if picture.alpha is not None]
        return [about, *(picture.pixels for picture in pictures), *alphas]


def tile_side(config: StylizeConfig) -> int:
    """Pixels of a tile's side."""
    return config.tile_size or TILE_SIDE


def whole_pixels(config: StylizeConfig) -> int:
    """Pixels up to which a picture is painted whole."""
    return config.tile_size**2 if config.tile_size else WHOLE_PIXELS


def large_size(config: StylizeConfig, files: StylizeFiles) -> tuple[int, int] | None:
    """The size of the result if it is one that is painted in tiles, by the header of the content; else None."""
    size = images.read_size(files.content)
    if size is None or config.network or config.tileable:
        return None
    try:
        height, width = images.painting_size(size, config.size)
    except images.ImageError:  # said where pictures are read
        return None
    if height * width <= whole_pixels(config) or not is_streamable(files.content):
        return None
    return height, width


def read_large_inputs(config: StylizeConfig, files: StylizeFiles, size: tuple[int, int]) -> LargeInputs:
    """Checks everything that can be checked without a model; reads the styles, but not the content.

    Raises:
      ImageError, ConfigError: With one sentence that says what came, what is allowed and what to do.
    """
    images.check_output_path(files.output, bit_depth=files.bit_depth)
    check_streamed_output(files.output, size, files.bit_depth)
    check_single(files)
    check_options(config, files)
    check_reports(files)
    _check_tiled(config, files, size)
    own = images.read_size(files.content)
    for name, (height, width) in (("The content", own or size), ("The result", size)):
        if height * width > files.max_pixels:
            raise images.ImageError(
                f"{name} has {height * width} pixels, above max_pixels={files.max_pixels}; lower --size or raise "
                "--max_pixels."
            )
    styles, _ = read_styles(config, files)
    place = work_folder(files)
    free = shutil.disk_usage(next(parent for parent in (place, *place.parents) if parent.exists())).free
    if files.checkpoint_dir:  # of a run that is gone on with, much is there already
        free += sum(path.stat().st_size for path in (place / OWN_FOLDER).rglob("*") if path.is_file())
    needed = disk_bytes(config, files, size)
    if free < needed:
        raise ConfigError(
            f"Painting {size[1]} x {size[0]} pixels in tiles needs {needed / 1e9:.1f} GB on the disk of {place}, but "
            f"{free / 1e9:.1f} GB are free; free some, or give a --checkpoint_dir on another disk."
        )
    return LargeInputs(Path(files.content), size, styles, read_colors(files))


def disk_bytes(config: StylizeConfig, files: StylizeFiles, size: tuple[int, int]) -> int:
    """Bytes on the disk that painting in tiles takes at most while it runs."""
    blocks = [int(re.sub(r"\D", "", layer)[0]) for layer in config.content_layers if re.search(r"\d", layer)]
    blocks += [2, 3] if files.keep_mask else []
    side = tile_side(config)
    overlap = ((side + 2 * _MARGIN) / side) ** 2
    targets = sum(4 * _WIDTHS.get(block, 512) / 4 ** (block - 1) for block in blocks)
    masks = len(files.style_masks) + bool(files.content_mask) + bool(files.keep_mask)
    return int((_DISK_BYTES + _MASK_BYTES * masks + 1.5 * overlap * targets) * size[0] * size[1])


def work_folder(files: StylizeFiles) -> Path:
    """Where a run without a checkpoint folder makes its own one: beside the output."""
    return (Path(files.checkpoint_dir) if files.checkpoint_dir else Path(files.output).parent).absolute()


def _check_tiled(config: StylizeConfig, files: StylizeFiles, size: tuple[int, int]) -> None:
    """What cannot be done in tiles is said, not left undone."""
    limit = whole_pixels(config)
    whole = f"pictures of up to {limit} pixels, which are painted whole (this one has {size[0] * size[1]})"
    for option in ("figure", "tensorboard_dir"):
        if getattr(files, option):
            raise ConfigError(f"--{option} is for {whole}; leave it out.")
    if config.tile_size and config.tile_size < images.MIN_SIDE:
        raise ConfigError(f"tile_size must be at least {images.MIN_SIDE}, but {config.tile_size} came.")
    refused = {
        "optimizer=lbfgs": config.optimizer != "adam" and "give --optimizer=adam",
        "relative_tolerance": config.relative_tolerance > 0 and "leave it out",
        "color_stage=after": config.matches_colors and config.color_stage == "after" and "give --color_stage=before",
    }
    for option, advice in refused.items():
        if advice:
            raise ConfigError(f"{option} is for {whole}; {advice}, or lower --size.")

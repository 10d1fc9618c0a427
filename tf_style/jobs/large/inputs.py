"""The inputs of a run in tiles, checked before any model loads."""

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
from tf_style.networks.archive import find_network, read_card

#: The subfolder of a checkpoint folder that a run in tiles has to itself.
OWN_FOLDER = "tf_style-tiles"

#: Defaults: a tile's side in pixels, and the number of pixels above which a picture is painted in tiles.
TILE_SIDE = 1024
WHOLE_PIXELS = 2_097_152  # 1448 x 1448

#: Bytes on the disk for each pixel: two generations of four planes, the content twice, the gradient and the written
#: picture, plus half of all that for the previous scale. The content's targets come on top, at the depth and width of
#: VGG-19's layers.
_DISK_BYTES = 212
_ONE_PASS_BYTES = 64  # with a network: the content, the painting twice, the finished one, and the written picture
_MASK_BYTES = 8  # a mask, at the size of the result and at the size of a scale
_MARGIN = 80  # pixels that VGG-19 sees around a tile, up to block5_conv1
_NETWORK_IN_TILES = "arbitrary"  # the kind of networks that can
_WIDTHS = {1: 64, 2: 128, 3: 256, 4: 512, 5: 512}


@dataclasses.dataclass(frozen=True)
class LargeInputs:
    """The content's file, the (height, width) to paint it at, the styles, and the picture to match colours to."""

    content: Path
    size: tuple[int, int]
    styles: tuple[images.Picture, ...]
    colors: images.Picture | None = None

    def fingerprints(self) -> list[np.ndarray]:
        """Arrays that identify the run's pictures. The content counts by its file's length and time."""
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
    """The size of the result if it is painted in tiles, else None. Reads only the content's header.

    Raises:
      ConfigError: `tile_size` is given for a network that paints whole pictures only.
      NetworkError: The network does not exist, or its file cannot be used.
    """
    if config.tile_size and not _goes_in_tiles(config):
        raise ConfigError(
            f"tile_size is for optimisation and for networks for any style, but network={config.network} knows its "
            "styles by name and paints whole pictures; leave it out."
        )
    size = images.read_size(files.content)
    if size is None or config.tileable:
        return None
    try:
        height, width = images.painting_size(size, config.size)
    except images.ImageError:  # reported when the picture is read
        return None
    if height * width <= whole_pixels(config) or not is_streamable(files.content) or not _goes_in_tiles(config):
        return None
    return height, width


def _goes_in_tiles(config: StylizeConfig) -> bool:
    return not config.network or read_card(find_network(config.network))["kind"] == _NETWORK_IN_TILES


def read_large_inputs(config: StylizeConfig, files: StylizeFiles, size: tuple[int, int]) -> LargeInputs:
    """Checks everything that can be checked without a model; reads the styles, but not the content.

    Raises:
      ImageError, ConfigError: An input is refused; the message says what was given, what is allowed and what to do.
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
    if files.checkpoint_dir:  # a run that is resumed has most of its files already
        free += sum(path.stat().st_size for path in (place / OWN_FOLDER).rglob("*") if path.is_file())
    needed = disk_bytes(config, files, size)
    if free < needed:
        raise ConfigError(
            f"Painting {size[1]} x {size[0]} pixels in tiles needs {needed / 1e9:.1f} GB on the disk of {place}, but "
            f"{free / 1e9:.1f} GB are free; free some, or give a --checkpoint_dir on another disk."
        )
    return LargeInputs(Path(files.content), size, styles, read_colors(files))


def disk_bytes(config: StylizeConfig, files: StylizeFiles, size: tuple[int, int]) -> int:
    """The most bytes that painting in tiles takes on the disk while it runs."""
    masks = len(files.style_masks) + bool(files.content_mask) + bool(files.keep_mask)
    if config.network:
        return int((_ONE_PASS_BYTES + _MASK_BYTES * masks) * size[0] * size[1])
    blocks = [int(re.sub(r"\D", "", layer)[0]) for layer in config.content_layers if re.search(r"\d", layer)]
    blocks += [2, 3] if files.keep_mask else []
    side = tile_side(config)
    overlap = ((side + 2 * _MARGIN) / side) ** 2
    targets = sum(4 * _WIDTHS.get(block, 512) / 4 ** (block - 1) for block in blocks)
    return int((_DISK_BYTES + _MASK_BYTES * masks + 1.5 * overlap * targets) * size[0] * size[1])


def work_folder(files: StylizeFiles) -> Path:
    """The folder for a run's files: the checkpoint folder, or else the output's."""
    return (Path(files.checkpoint_dir) if files.checkpoint_dir else Path(files.output).parent).absolute()


def _check_tiled(config: StylizeConfig, files: StylizeFiles, size: tuple[int, int]) -> None:
    """Raises ConfigError for options that painting in tiles does not support."""
    limit = whole_pixels(config)
    whole = f"pictures of up to {limit} pixels, which are painted whole (this one has {size[0] * size[1]})"
    for option in ("figure", "tensorboard_dir"):
        if getattr(files, option):
            raise ConfigError(f"--{option} is for {whole}; leave it out.")
    if config.tile_size and config.tile_size < images.MIN_SIDE:
        raise ConfigError(f"tile_size must be at least {images.MIN_SIDE}, but {config.tile_size} was given.")
    refused = {
        "clip_text": bool(config.clip_text) and "leave it out",
        "optimizer=lbfgs": config.optimizer != "adam" and "give --optimizer=adam",
        "relative_tolerance": config.relative_tolerance > 0 and "leave it out",
        "color_stage=after": config.matches_colors and config.color_stage == "after" and "give --color_stage=before",
    }
    for option, advice in refused.items():
        if advice:
            raise ConfigError(f"{option} is for {whole}; {advice}, or lower --size.")

"""A texture, made from noise by a style's statistics alone."""

from __future__ import annotations

import numpy as np

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.picture import run as image
from tf_style.jobs.run.inputs import Inputs, check_options, check_reports, read_styles


def run(config: StylizeConfig, files: StylizeFiles, preset: str) -> int:
    """Makes a square tile, and writes the picture and the reports. Arguments and result: see `picture.run`.

    Raises:
      ImageError, ConfigError, WeightsError: Before anything is painted or written.

    Reference:
      Gatys, Ecker, Bethge, "Texture Synthesis Using Convolutional Neural Networks", NIPS 2015.
      https://arxiv.org/abs/1505.07376
    """
    images.check_output_path(files.output, bit_depth=files.bit_depth)
    check_options(config, files)
    check_reports(files)
    if isinstance(config.size, str):
        raise ConfigError(f"size is the box {config.size}, but a tile is square; give its side in pixels.")
    if not config.size:
        raise ConfigError("size is 0, but a texture has no content to take it from; give the tile's side in pixels.")
    side = images.painting_size((config.size, config.size), 0, multiple=config.side_multiple)
    if side[0] * side[1] > files.max_pixels:
        raise images.ImageError(
            f"The tile would have {side[0] * side[1]} pixels, above max_pixels={files.max_pixels}; lower --size or "
            "raise --max_pixels."
        )
    styles, _ = read_styles(config, files)
    grey = images.Picture(np.full((*side, 3), 0.5, np.float32))
    return image.run(config, files, preset, Inputs(grey, styles))

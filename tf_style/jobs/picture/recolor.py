"""A picture recolored, from files to a file."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from tf_style import images
from tf_style.config import ConfigError, RecolorConfig, RecolorFiles
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.jobs.run.quiet import quiet_tensorflow

if TYPE_CHECKING:
    import numpy as np


def run(config: RecolorConfig, files: RecolorFiles) -> int:
    """Recolors, and writes the picture with the content's alpha.

    Args:
      config: All options.
      files: Where from, where to.

    Returns:
      The exit status, 0.

    Raises:
      ImageError, ConfigError: Before anything is written.
    """
    images.check_output_path(files.output, bit_depth=files.bit_depth)
    if not files.color_from and not config.palette:
        raise ConfigError("No colors were given; give a picture with --color_from, or colors with --palette.")
    if os.path.realpath(files.output) in [os.path.realpath(path) for path in (files.content, files.color_from) if path]:
        raise ConfigError(f"--output={files.output} is also an input of this run; choose another name.")
    started = time.monotonic()
    content = images.read_visible(files.content, max_pixels=files.max_pixels)
    content = images.resize(content, images.painting_size(content.size, config.size))
    reference = None
    if files.color_from:
        reference = images.read_visible(files.color_from, max_pixels=files.max_pixels, min_side=1)
    pixels = _recolor(config, content, reference)
    images.write_image(
        files.output,
        pixels,
        alpha=content.alpha,
        bit_depth=files.bit_depth,
        quality=files.quality,
        dpi=content.dpi,
    )
    ProgressDisplay(quiet=files.quiet).say(f"Wrote {files.output} ({time.monotonic() - started:.0f} s).")
    return 0


def _recolor(config: RecolorConfig, content: images.Picture, reference: images.Picture | None) -> np.ndarray:
    with quiet_tensorflow():
        from tf_style.build import build_recoloring
        from tf_style.jobs.run.model import picture_tensor
    recoloring = build_recoloring(config, None if reference is None else picture_tensor(reference))
    return recoloring(picture_tensor(content))[0].numpy()

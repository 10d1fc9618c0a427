"""Builds a function that recolors pictures from a config."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_style.config import RecolorConfig, parse_palette
from tf_style.guidance import Palette, match_colors
from tf_style.types import Image


def build_recoloring(config: RecolorConfig, reference: Image | None) -> Callable[[Image], Image]:
    """Makes a function from [B, H, W, 3 or 4] to [B, H, W, 3] that recolors; it ignores transparent pixels.

    Args:
      config: All options.
      reference: The picture whose colours are matched, [1, h, w, 3 or 4]; None: the palette, in equal shares.
    """
    colors = np.array(parse_palette(config.palette), np.float32)
    wanted = tf.constant(colors[np.newaxis, np.newaxis]) if reference is None else reference
    palette = Palette(colors, config.palette_difference) if config.palette else None

    def recolor(image: Image) -> Image:
        matched = match_colors(image, wanted, config.method)
        blended = (config.strength * matched + (1.0 - config.strength) * image)[..., :3]
        return blended if palette is None else palette(blended)

    return recolor

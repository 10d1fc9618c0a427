"""What guides a stylization besides content and style: masks, colours and palettes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_style.config import StylizeConfig, parse_palette
from tf_style.guidance import Palette, match_colors, preserve_color, with_alpha
from tf_style.types import Image


class Guides(NamedTuple):
    """What a stylizer takes besides content and style.

    `num_regions` is the number of masks in "regions", or 0; if there are several, each region has its own style. `keep`
    says whether there is a mask "keep". `colors` is a picture, float32 [1, h, w, 3 or 4], whose colours are matched
    instead of the content's.
    """

    num_regions: int = 0
    keep: bool = False
    colors: Image | None = None


NO_GUIDES = Guides()


class ColorGuidance(NamedTuple):
    """The `prepare` and `finish` of stylizers, which see there.

    The content that they get may have an alpha that is 0 where nothing is painted; they ignore those pixels.
    """

    prepare: Callable[[Image, Image], Image] | None = None
    finish: Callable[[Image, Image], Image] | None = None


def guide_colors(config: StylizeConfig, colors: Image | None, *, before: bool) -> ColorGuidance:
    """Makes the functions that keep or match colours.

    Args:
      config: All options.
      colors: The picture whose colours are matched; None: the content.
      before: Whether to match colours in the style pictures, if the method can.
    """
    method = config.preserve_color
    if config.palette:
        palette = Palette(np.array(parse_palette(config.palette)), config.palette_difference, wrap=config.tileable)

        def recolor(style: Image, content: Image) -> Image:
            del content
            matched = match_colors(style, palette.colors[tf.newaxis, tf.newaxis])
            return with_alpha(palette(matched[..., :3]), matched)

        return ColorGuidance(recolor if before else None, lambda painting, content: palette(painting))
    if method == "none":
        return ColorGuidance()
    if not config.matches_colors:
        return ColorGuidance(finish=functools.partial(preserve_color, method=method))

    def prepare(style: Image, content: Image) -> Image:
        return match_colors(style, content if colors is None else colors, method)

    def finish(painting: Image, content: Image) -> Image:
        return match_colors(with_alpha(painting, content), content if colors is None else colors, method)[..., :3]

    return ColorGuidance(prepare=prepare) if before else ColorGuidance(finish=finish)

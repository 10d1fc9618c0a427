"""What guides a stylization besides content and style: masks, colours and palettes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_style.config import StylizeConfig, parse_palette
from tf_style.config.stylize import COLOR_MATCHES
from tf_style.controls import Controls
from tf_style.guidance import Palette, match_colors, preserve_color, with_alpha
from tf_style.ops import grade
from tf_style.types import Finish, Image


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

    prepare: Callable[[Image, Image], Image] | None
    finish: Finish


def guide_colors(config: StylizeConfig, colors: Image | None, *, before: bool) -> ColorGuidance:
    """Makes the functions that keep, match and change colours.

    Args:
      config: All options.
      colors: The picture whose colours are matched; None: the content.
      before: Whether to match colours in the style pictures, if the method can.
    """
    before = before and (bool(config.palette) or config.matches_colors)

    def prepare(style: Image, content: Image) -> Image:
        if not config.palette:
            return match_colors(style, content if colors is None else colors, config.preserve_color)
        palette = _palette(config.palette, config.palette_difference, config.tileable)
        matched = match_colors(style, palette.colors[tf.newaxis, tf.newaxis])
        return with_alpha(palette(matched[..., :3]), matched)

    def finish(painting: Image, content: Image, controls: Controls) -> Image:
        own = "none" if before else config.preserve_color
        method = own if controls.preserve_color is None else controls.preserve_color
        if method in COLOR_MATCHES:
            reference = content if colors is None else colors
            painting = match_colors(with_alpha(painting, content), reference, method)[..., :3]
        else:
            painting = preserve_color(painting, content, method)
        saturation, warmth = config.saturation * controls.saturation, config.warmth + controls.warmth
        if (saturation, warmth) != (1.0, 0.0):
            painting = grade(painting, saturation, max(-1.0, min(1.0, warmth)))
        colors_of_palette = controls.palette or config.palette
        if not colors_of_palette:
            return painting
        return _palette(colors_of_palette, config.palette_difference, config.tileable)(painting)

    return ColorGuidance(prepare if before else None, finish)


@functools.lru_cache(maxsize=16)
def _palette(colors: tuple[str, ...], difference: float, wrap: bool) -> Palette:
    return Palette(np.array(parse_palette(colors)), difference, wrap=wrap)

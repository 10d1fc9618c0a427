"""Guides a stylization by masks, colours and palettes."""

from tf_style.guidance.color import PRESERVE_COLOR, match_colors, preserve_color, with_alpha
from tf_style.guidance.mask import regional
from tf_style.guidance.palette import Palette, color_difference

__all__ = [
    "PRESERVE_COLOR",
    "Palette",
    "color_difference",
    "match_colors",
    "preserve_color",
    "regional",
    "with_alpha",
]

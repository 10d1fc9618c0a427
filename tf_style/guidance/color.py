"""The content's colours, kept."""

from __future__ import annotations

import tensorflow as tf

from tf_style.types import Image

PRESERVE_COLOR = ("none", "luminance")


def preserve_color(painting: Image, content: Image, method: str = "luminance") -> Image:
    """The painting in the colours of the content.

    Args:
      painting: Float32 [B, H, W, 3] in [0, 1].
      content: The same shape.
      method: "luminance" takes lightness from the painting and colour (the chrominance of YIQ) from the content; "none"
        changes nothing.

    Returns:
      Float32 [B, H, W, 3] in [0, 1].

    Raises:
      ValueError: Unknown method.

    Reference:
      Gatys et al., "Preserving Color in Neural Artistic Style Transfer", 2016, section 3 (luminance-only transfer, here
      after painting). https://arxiv.org/abs/1606.05897
    """
    if method not in PRESERVE_COLOR:
        raise ValueError(f"Unknown preserve_color {method!r}. Allowed: {', '.join(PRESERVE_COLOR)}.")
    if method == "none":
        return painting
    luminance = tf.image.rgb_to_yiq(painting)[..., :1]
    chrominance = tf.image.rgb_to_yiq(content)[..., 1:]
    return tf.clip_by_value(tf.image.yiq_to_rgb(tf.concat([luminance, chrominance], -1)), 0.0, 1.0)

"""Keeps the content's colours, or takes those of a third picture."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tf_style.ops.color import match_distribution, match_mean_and_covariance
from tf_style.types import Image

#: Ways to give a picture the colours of another, of any size.
_MATCHES: dict[str, Callable[[Image, Image], Image]] = {
    "linear": match_mean_and_covariance,
    "histogram": match_distribution,
}

PRESERVE_COLOR = ("none", "luminance", *_MATCHES)


def preserve_color(painting: Image, content: Image, method: str = "luminance") -> Image:
    """Gives the painting the content's colours.

    Args:
      painting: Float32 [B, H, W, 3] in [0, 1].
      content: The same shape, or with an alpha as 4th channel: matching colours ignores its transparent pixels, in the
        painting too.
      method: "luminance" takes lightness from the painting and colour (the chrominance of YIQ) from the content;
        "linear" and "histogram" recolor as `match_colors` does; "none" changes nothing.

    Returns:
      Float32 [B, H, W, 3] in [0, 1].

    Raises:
      ValueError: Unknown method.

    Reference:
      Gatys et al., "Preserving Color in Neural Artistic Style Transfer", 2016, sections 3 (luminance-only transfer,
      here after painting) and 4. https://arxiv.org/abs/1606.05897
    """
    if method not in PRESERVE_COLOR:
        raise ValueError(f"Unknown preserve_color {method!r}. Allowed: {', '.join(PRESERVE_COLOR)}.")
    if method == "none":
        return painting
    if method in _MATCHES:
        return match_colors(with_alpha(painting, content), content, method)[..., :3]
    luminance = tf.image.rgb_to_yiq(painting)[..., :1]
    chrominance = tf.image.rgb_to_yiq(content[..., :3])[..., 1:]
    return tf.clip_by_value(tf.image.yiq_to_rgb(tf.concat([luminance, chrominance], -1)), 0.0, 1.0)


def match_colors(image: Image, reference: Image, method: str = "linear") -> Image:
    """Recolors a picture: maps its colours so that their distribution becomes the reference's.

    Gatys et al. keep the content's colours in this way, by recoloring the style pictures before painting.

    Args:
      image: Float32 [B or 1, H, W, 3] in [0, 1], or with an alpha as 4th channel; transparent pixels are ignored.
      reference: Float32 [B or 1, h, w, 3 or 4] in [0, 1], of any size.
      method: "linear" matches mean and covariance, "histogram" the whole distribution.

    Returns:
      Float32 [B, H, W, 3] in [0, 1], with the image's alpha if it has one.

    Raises:
      ValueError: Unknown method.

    Reference:
      Gatys et al., "Preserving Color in Neural Artistic Style Transfer", 2016, section 4.
      https://arxiv.org/abs/1606.05897. The maps: see `tf_style.ops.color`.
    """
    if method not in _MATCHES:
        raise ValueError(f"Unknown method {method!r}. Allowed: {', '.join(_MATCHES)}.")
    return with_alpha(tf.clip_by_value(_MATCHES[method](image, reference), 0.0, 1.0), image)


def with_alpha(image: Image, other: Image) -> Image:
    """The picture [B, H, W, 3] with the alpha of another, [B or 1, H, W, 4]; unchanged if the other has none."""
    if other.shape[-1] == 3:
        return image
    return tf.concat([image, tf.repeat(other[..., 3:], tf.shape(image)[0] // tf.shape(other)[0], 0)], -1)

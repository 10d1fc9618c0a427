"""Keeps the content's details under a "keep" mask, where no loss can do it."""

from __future__ import annotations

import tensorflow as tf

from tf_style.ops.positions import lay_over
from tf_style.types import Image, Masks

_KEPT = 0.8  # share of the painting's details that the content's replace
_COARSE = 16  # details are finer than this many pixels, colours coarser


def with_details(painting: Image, content: Image, masks: Masks) -> Image:
    """The painting with the content's details where the mask "keep", if there is one, says so."""
    if "keep" not in masks:
        return painting
    details = content - _blurred(content)
    return lay_over(painting, tf.clip_by_value(_blurred(painting) + details, 0.0, 1.0), _KEPT * masks["keep"])


def _blurred(image: Image) -> Image:
    size = tf.shape(image)[1:3]
    coarse = tf.image.resize(image, tf.maximum(1, size // _COARSE), "area")
    return tf.image.resize(coarse, size, "bilinear")

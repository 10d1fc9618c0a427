"""Masks: the weights they give to positions of a feature map, and laying pictures over each other."""

from __future__ import annotations

import tensorflow as tf

from tf_style.types import Image, Masks


def position_weights(features: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """A mask at the size of a feature map: means over the pixels that the backbone pools into one position.

    Args:
      features: Activations, [B, h, w, C].
      mask: [B or 1, H, W, 1], where h is H halved, rounded down, any number of times, and w is W halved as often.
        None: all positions count 1.

    Returns:
      Float32 [B, h, w].

    Reference:
      Guidance channels, propagated by averaging: Gatys et al., "Controlling Perceptual Factors in Neural Style
      Transfer", CVPR 2017, section 4. https://arxiv.org/abs/1611.07865
    """
    shape = tf.shape(features)
    if mask is None:
        return tf.ones(shape[:3])
    own = tf.shape(mask)
    ratio = tf.cast(own[1:3], tf.float32) / tf.cast(shape[1:3], tf.float32)
    side = tf.cast(
        tf.round(tf.pow(2.0, tf.floor(tf.math.log(tf.reduce_min(ratio)) / tf.math.log(2.0) + 1e-6))), tf.int32
    )
    height, width = shape[1], shape[2]
    whole = mask[:, : height * side, : width * side, 0]
    means = tf.reduce_mean(tf.reshape(whole, [own[0], height, side, width, side]), [2, 4])
    return tf.broadcast_to(means, shape[:3])


def lay_over(content: Image, image: Image, mask: tf.Tensor) -> Image:
    """A picture laid over the content through a mask.

    Args:
      content: Float32 [B, H, W, 3].
      image: The same shape.
      mask: [B or 1, H, W, 1] in [0, 1]; where it is 0 the result is the content, to the bit.

    Returns:
      Float32 [B, H, W, 3].

    Reference:
      Porter, Duff, "Compositing Digital Images", SIGGRAPH 1984, section 4 (the operator "over").
    """
    return content + mask * (image - content)


def as_painted(content: Image, masks: Masks | None) -> Image:
    """The content with an alpha, [B, H, W, 4], that is 0 outside all regions; without regions, the content itself."""
    if not masks or "regions" not in masks:
        return content
    painted = tf.reduce_any(masks["regions"] > 0.0, axis=-1, keepdims=True)
    return tf.concat(
        [content, tf.repeat(tf.cast(painted, tf.float32), tf.shape(content)[0] // tf.shape(painted)[0], 0)], -1
    )

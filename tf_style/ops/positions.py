"""Masks: the weights they give to positions of a feature map, and laying pictures over each other."""

from __future__ import annotations

from typing import Any

from keras import ops

from tf_style.types import Image, Masks, Tensor


def position_weights(features: Tensor, mask: Tensor | None) -> Tensor:
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
    batch, height, width = ops.shape(features)[:3]
    if mask is None:
        return ops.ones((batch, height, width))
    masks, rows = ops.shape(mask)[:2]
    side = _power_of_two(rows // height)
    whole = mask[:, : height * side, : width * side, 0]
    means = ops.mean(ops.reshape(whole, (masks, height, side, width, side)), (2, 4))
    return ops.broadcast_to(means, (batch, height, width))


def _power_of_two(number: Any) -> Any:
    """The largest power of two that is at most a number, below 2^16: an int of an int, a tensor of a tensor."""
    for step in (2, 4, 16, 256):
        number |= number // step
    return number - number // 2


def lay_over(content: Image, image: Image, mask: Tensor) -> Image:
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
    painted = ops.cast(ops.any(masks["regions"] > 0.0, axis=-1, keepdims=True), "float32")
    return ops.concatenate([content, ops.repeat(painted, ops.shape(content)[0] // ops.shape(painted)[0], 0)], -1)

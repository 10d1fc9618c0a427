"""Losses that a sentence sets, through a model that sets pictures beside sentences, such as CLIP."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from keras import ops

from tf_style.losses.objective import Objective
from tf_style.losses.weighting import unit
from tf_style.ops.sampling import random_patches, resampled
from tf_style.types import Features, Nest, References, Tensor, Term

#: Pictures, float32 [B, side, side, 3] in [0, 1], to vectors, float32 [B, D].
ImageEncoder: TypeAlias = Callable[[Tensor], Tensor]

#: CLIPstyler's threshold: patches that are as near as this count as done.
THRESHOLD = 0.7
_SEED = 0  # of the places; the step is the other half
#: A shorter way than this counts for less than its direction says. A picture that is still the content has no direction
#: at all, and the gradient there would be infinite.
_SHORTEST = 0.02


def clip_direction_loss(encode: ImageEncoder, direction: np.ndarray, *, side: int, name: str = "clip") -> Objective:
    """How far the way from the content to the picture points away from the way between two texts.

    Args:
      encode: The picture's encoder.
      direction: From the text that describes the content to the text that describes the painting, float32 [D].
      side: Side of the encoder's pictures; the whole picture is resized to a square of it.
      name: The term's name in logs.

    Returns:
      An `Objective` of one term, [B]: 1 minus a cosine, 0 to 2, and 1 for the content itself.

    Reference:
      Kwon and Ye, "CLIPstyler: Image Style Transfer with a Single Text Condition", CVPR 2022, eq. 2
      (https://arxiv.org/abs/2112.00374), after Gal et al., "StyleGAN-NADA", 2021 (https://arxiv.org/abs/2108.00946).
    """

    def target(references: References) -> Nest:
        return _whole(encode, references.content["image"], side)

    def loss(features: Features, target: Nest) -> Tensor:
        return _away(_whole(encode, features["image"], side) - target, direction)

    return Objective(((1.0, Term(name, target, loss)),))


def clip_patch_loss(
    encode: ImageEncoder,
    direction: np.ndarray,
    *,
    side: int,
    number: int = 64,
    share: float = 0.25,
    threshold: float = THRESHOLD,
    name: str = "clip_patches",
) -> Objective:
    """`clip_direction_loss` of random patches, which gives the painting its texture.

    The patches are others in each step, but the same in each run. Patches whose loss is at most the threshold count 0.

    Args:
      encode: See `clip_direction_loss`.
      direction: See `clip_direction_loss`.
      side: Side of the encoder's pictures.
      number: Patches in each step.
      share: A patch's side as a share of the picture's short side.
      threshold: In [0, 2].
      name: The term's name in logs.

    Returns:
      An `Objective` of one term, [B].

    Reference:
      Kwon and Ye, CVPR 2022, section 3.2, eq. 4 and 5: 64 patches of 128 pixels in pictures of 512, in perspective.
    """

    def target(references: References) -> Nest:
        return _whole(encode, references.content["image"], side)

    def loss(features: Features, target: Nest) -> Tensor:
        seed = (_SEED, features.get("step", 0))
        patches = random_patches(features["image"], seed, number=number, share=share, side=side)
        vectors = unit(encode(ops.reshape(patches, (-1, side, side, 3))))
        vectors = ops.reshape(vectors, (-1, number, vectors.shape[-1]))
        away = _away(vectors - target[:, None], direction)
        return ops.mean(ops.where(away > threshold, away, 0.0), -1)

    return Objective(((1.0, Term(name, target, loss)),))


def _whole(encode: ImageEncoder, image: Tensor, side: int) -> Tensor:
    return unit(encode(resampled(image, (side, side))))


def _away(way: Tensor, direction: np.ndarray) -> Tensor:
    """1 minus the cosine between a way and the direction."""
    cosine = ops.sum(unit(way, _SHORTEST) * unit(ops.cast(direction, "float32")), -1)
    return ops.maximum(1.0 - cosine, 0.0)  # rounding may take a cosine above 1

"""Temporal loss: keeps a frame of a film close to the painted frames before it, moved along."""

from __future__ import annotations

from keras import ops

from tf_style.losses.objective import Objective, additive_term
from tf_style.ops.positions import position_weights
from tf_style.types import Features, Nest, References, Tensor


def temporal_loss(*, name: str = "temporal") -> Objective:
    """Mean squared difference from paintings of frames before, each where its mask says that it shows the same.

    Its targets come from `References.previous`: pictures under "image", moved along the film's motion, and how far to
    trust them under "mask". Masks of one frame should add up to at most 1. Without any, the loss is 0.

    Args:
      name: The term's name in logs.

    Returns:
      An `Objective` of one term, [B].

    Reference:
      Ruder, Dosovitskiy, Brox, "Artistic Style Transfer for Videos", GCPR 2016, section 4.3, eq. 8, and section 4.4 for
      frames further back (https://arxiv.org/abs/1604.08610). The mean is over all pixels, in [0, 1].
    """

    def target(references: References) -> Nest:
        return tuple((before["image"], before.get("mask")) for before in references.previous)

    def sums(features: Features, targets: Nest) -> Nest:
        image = features["image"]
        counts = position_weights(image, features.get("mask"))
        error = ops.zeros_like(counts)
        for before, mask in targets:
            squares = ops.mean(ops.square(image - before), -1)
            error += squares if mask is None else mask[..., 0] * squares
        return {"error": ops.sum(counts * error, (1, 2)), "count": ops.sum(counts, (1, 2))}

    def from_sums(totals: Nest, targets: Nest) -> Tensor:
        del targets
        return ops.divide_no_nan(totals["error"], totals["count"])

    return Objective(((1.0, additive_term(name, target, sums, from_sums, reads="previous")),))

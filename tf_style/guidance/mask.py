"""Loss terms by region, each region with its own statistics."""

from __future__ import annotations

import tensorflow as tf

from tf_style.losses import Objective, additive_term
from tf_style.types import Features, Nest, References, Term


def regional(objective: Objective, key: str, num_regions: int, *, by_style: bool = False) -> Objective:
    """An objective whose terms are computed in each region and weighted by its share of the painted area.

    Args:
      objective: Its terms must be made from sums over positions.
      key: Key of the masks among the features, [B or 1, H, W, num_regions].
      num_regions: Number of regions.
      by_style: Whether each region has its own style image, in order; otherwise every region has all of them.

    Returns:
      An `Objective` with as many terms.

    Raises:
      ValueError: A term is not made from sums.

    Example:
      >>> objective = regional(style_loss(), "regions", 2, by_style=True)

    Reference:
      Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017, section 4 (guided Gram
      matrices). https://arxiv.org/abs/1611.07865
    """
    return Objective(
        tuple((weight, _regional_term(term, key, num_regions, by_style)) for weight, term in objective.terms)
    )


def _regional_term(term: Term, key: str, num_regions: int, by_style: bool) -> Term:
    own_sums, own_from_sums = term.sums, term.from_sums
    if own_sums is None or own_from_sums is None:
        raise ValueError(f"The term {term.name} is not made from sums over positions; make it with additive_term.")

    def target(references: References) -> Nest:
        if not by_style:
            return (term.target(references),) * num_regions
        return tuple(term.target(references._replace(styles=(style,))) for style in references.styles)

    def sums(features: Features, targets: Nest) -> Nest:
        mask = features.get("mask")
        mask = tf.ones_like(features["image"][..., :1]) if mask is None else mask
        totals = []
        for region in range(num_regions):
            own = mask * features[key][..., region : region + 1]
            totals.append((own_sums({**features, "mask": own}, targets[region]), tf.reduce_sum(own, [1, 2, 3])))
        return {"regions": tuple(totals), "area": tf.reduce_sum(mask, [1, 2, 3])}

    def from_sums(totals: Nest, targets: Nest) -> tf.Tensor:
        losses = [
            tf.math.divide_no_nan(area, totals["area"]) * own_from_sums(own, targets[region])
            for region, (own, area) in enumerate(totals["regions"])
        ]
        return tf.add_n(losses)

    return additive_term(
        term.name,
        target,
        sums,
        from_sums,
        repr=f"{term.repr or term.name} by region",
        reads=term.reads,
        style_sums=term.style_sums,
    )

"""Total variation loss, against speckle."""

from __future__ import annotations

from tf_style.losses.objective import Objective, additive_term
from tf_style.ops.variation import variation_from_sums, variation_sums
from tf_style.types import Features, Nest


def total_variation_loss(norm: str = "l2", *, wrap: bool = False, name: str = "total_variation") -> Objective:
    """Total variation of the picture itself.

    Args:
      norm: "l1" or "l2"; see `tf_style.ops.total_variation`.
      wrap: Whether opposite edges are neighbours.
      name: The term's name in logs.

    Returns:
      An `Objective` of one term, [B].

    Raises:
      ValueError: Unknown norm.

    Reference:
      Mahendran and Vedaldi, CVPR 2015, section 2.2; in style transfer: Johnson et al., ECCV 2016, section 3.2.
      https://arxiv.org/abs/1603.08155
    """
    if norm not in ("l1", "l2"):
        raise ValueError(f"Unknown total variation norm {norm!r}. Allowed: l1, l2.")

    def sums(features: Features, target: Nest) -> Nest:
        return variation_sums(features["image"], norm, wrap=wrap, mask=features.get("mask"))

    term = additive_term(
        name, lambda references: (), sums, lambda totals, target: variation_from_sums(totals), repr=f"{name}({norm})"
    )
    return Objective(((1.0, term),))

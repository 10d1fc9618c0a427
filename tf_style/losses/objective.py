"""A weighted sum of terms."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Mapping

from tf_style.types import Features, Nest, References, Tensor, Term


def additive_term(
    name: str,
    target: Callable[[References], Nest],
    sums: Callable[[Features, Nest], Nest],
    from_sums: Callable[[Nest, Nest], Tensor],
    *,
    repr: str = "",
    reads: str = "content",
    style_sums: Callable[[Features], Nest] | None = None,
) -> Term:
    """A term whose loss is made from sums over positions, so that it can be computed from parts of a picture.

    Args:
      name: The term's name in logs.
      target: As `Term.target`.
      sums: (features, target) -> nest of [B, ...], each a weighted sum over positions.
      from_sums: (sums, target) -> loss, [B].
      repr: The term's name in the objective's `repr`; default: `name`.
      reads: As `Term.reads`.
      style_sums: As `Term.style_sums`.
    """

    def loss(features: Features, target: Nest) -> Tensor:
        return from_sums(sums(features, target), target)

    return Term(name, target, loss, repr, reads, sums, from_sums, style_sums)


@dataclasses.dataclass(frozen=True)
class Objective:
    """A weighted sum of terms, such as `content_loss() + 1e3 * style_loss()`.

    Example:
      >>> objective = 5.0 * content_loss() + 100.0 * style_loss()
      >>> targets = objective.targets(References(backbone(content), (backbone(style),)))
      >>> loss = objective(backbone(image), targets)  # [B]
    """

    terms: tuple[tuple[float, Term], ...]

    def __post_init__(self) -> None:
        names = [term.name for _, term in self.terms]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"Term names must differ, but {', '.join(twice)} appears twice; give one of them a name=.")

    def __add__(self, other: Objective) -> Objective:
        return Objective(self.terms + other.terms)

    def __mul__(self, weight: float) -> Objective:
        return Objective(tuple((weight * own, term) for own, term in self.terms))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return " + ".join(f"{weight:g}*{term.repr or term.name}" for weight, term in self.terms)

    def reading(self, references: str) -> Objective:
        """The objective with only the terms whose targets are made from `references`; see `Term.reads`."""
        return Objective(tuple((weight, term) for weight, term in self.terms if term.reads == references))

    def targets(self, references: References) -> Nest:
        """The targets of every term, by its name; computed once per picture pair.

        Args:
          references: Features of the content and the style images.
        """
        return {term.name: term.target(references) for _, term in self.terms}

    def losses(
        self, features: Features, targets: Nest, weights: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Each term's loss times its weight, [B]; they add up to the objective.

        Args:
          features: Features of the picture.
          targets: What `targets` returned.
          weights: Weights that replace the objective's own, by the term's name, [B] or [].
        """
        given = weights or {}
        return {
            term.name: given.get(term.name, weight) * term.loss(features, targets[term.name])
            for weight, term in self.terms
        }

    def __call__(self, features: Features, targets: Nest) -> Tensor:
        """The weighted sum of the terms, float32 [B]."""
        return functools.reduce(operator.add, self.losses(features, targets).values())

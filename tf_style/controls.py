"""What may change from picture to picture, and from second to second of a film."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Controls:
    """What stylizers read per call, so that nothing is built or traced anew when it changes.

    What is left at its default is the stylizer's own. Words, sounds and profiles end in such a value; you may write one
    by hand.

    Attributes:
      style_blend: Share of each style; they are scaled to add up to 1.
      style_strength: 0: the content, 1: the full style.
      preserve_color: "none", or a way to keep the content's colours, in the painting: "luminance", "linear",
        "histogram".
      palette: Colours (#1a2b3c) to limit the result to.
      saturation: Factor of the strength of colours: 0 is grey, 1 unchanged.
      warmth: In [-1, 1]: towards yellow (1) or blue (-1).
      consistency: How closely a film's frame follows the one before, 0 to 1.

    Raises:
      ValueError: A value that is not allowed.
    """

    style_blend: tuple[float, ...] = ()
    style_strength: float | None = None
    preserve_color: str | None = None
    palette: tuple[str, ...] = ()
    saturation: float = 1.0
    warmth: float = 0.0
    consistency: float | None = None

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("style_strength", self.style_strength, 0.0, 1.0),
            ("saturation", self.saturation, 0.0, 4.0),
            ("warmth", self.warmth, -1.0, 1.0),
            ("consistency", self.consistency, 0.0, 1.0),
        ):
            if value is not None and not least <= value <= most:
                raise ValueError(f"{name} must be {least:g} to {most:g}, but {value!r} was given.")
        if self.style_blend:
            shares_of(self.style_blend, len(self.style_blend))

    def replace(self, **changes: Any) -> Controls:
        """A copy with other values."""
        return dataclasses.replace(self, **changes)


def shares_of(style_blend: Sequence[float] | None, number: int) -> list[float]:
    """The share of each of so many styles, scaled to add up to 1; None: equal shares.

    Raises:
      ValueError: There is not one share for each style, or no positive one.
    """
    if style_blend is None:
        return [1.0 / number] * number
    if len(style_blend) != number:
        raise ValueError(f"style_blend has {len(style_blend)} shares for {number} styles; give one for each.")
    total = sum(style_blend)
    if min(style_blend) < 0 or total <= 0:
        raise ValueError(
            f"style_blend must hold shares of at least 0 with a positive sum, but {list(style_blend)} was given."
        )
    return [share / total for share in style_blend]


def style_factor(strength: float) -> float:
    """The factor of the style loss's weight at a strength in [0, 1]: it falls over three powers of ten, and is 0 at 0.

    This makes the distance to the style fall evenly with the strength, in every preset.
    """
    return 1000.0 ** (strength - 1.0) if strength else 0.0


#: Leaves everything as the stylizer has it.
OWN = Controls()

"""A taste in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tf_style.taste.space import Candidate

_LIKELY = 0.75


class Trait(NamedTuple):
    """A word for values of a control, from `least` to `most`, if they are better than the value `against`."""

    word: str
    field: str
    least: Any
    most: Any
    against: Any


TRAITS = (
    Trait("warm", "warmth", 0.1, 1.0, -0.3),
    Trait("cool", "warmth", -1.0, -0.1, 0.3),
    Trait("vivid", "saturation", 1.15, 4.0, 0.6),
    Trait("muted", "saturation", 0.0, 0.85, 1.35),
    Trait("the photo's own colours", "preserve_color", "luminance", "luminance", "none"),
    Trait("the painting's colours", "preserve_color", "none", "none", "luminance"),
    Trait("strong strokes", "style_strength", 0.8, 1.0, 0.5),
    Trait("a light touch", "style_strength", 0.0, 0.65, 1.0),
)


def in_words(
    one: Candidate, titles: Sequence[str], compared: Callable[[Candidate, Sequence[Candidate]], np.ndarray]
) -> str:
    """Says what sets a candidate apart: only what is likely to matter to the person, then its styles.

    Args:
      one: The candidate.
      titles: Of its styles.
      compared: The probability that one candidate is worth more than each of others.

    Returns:
      Such as "warm, strong strokes, The Great Wave 60 %, Red Fuji 40 %".
    """
    traits = [trait for trait in TRAITS if trait.least <= getattr(one, trait.field) <= trait.most]
    others = [one._replace(**{trait.field: trait.against}) for trait in traits]
    sure = compared(one, others)
    words = [trait.word for trait, probability in zip(traits, sure, strict=True) if probability > _LIKELY]
    styles = [
        title if len(titles) == 1 else f"{title} {100 * share:.0f} %"
        for title, share in zip(titles, one.shares, strict=True)
    ]
    return ", ".join([*words, *styles])

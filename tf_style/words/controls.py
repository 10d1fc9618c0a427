"""Words of colour, light and strength as options of a painting."""

from __future__ import annotations

import re
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """Words that set an option. They stay in the text if they describe a look as well."""

    words: str  # a regular expression
    option: str
    value: float | str
    stays: bool


_COLORS = r"colou?rs?"
_WHOSE = r"(?:the|its|their|my)(?: (?:photo|picture)'?s)?"
_GREY = r"gr[ae]y[ -]?scale"

#: Longer phrases first: what one rule has taken is no longer there for the next ones.
RULES = (
    Rule(
        rf"(?:(?:keep|keeping|with|in) )?(?:{_WHOSE} )?(?:own|original) {_COLORS}"
        rf"|keep(?:ing)? (?:{_WHOSE} )?{_COLORS}",
        "preserve_color", "luminance", False,
    ),
    Rule(rf"black[ -](?:and|&)[ -]white|b&w|monochrom(?:e|atic)|{_GREY}", "saturation", 0.0, True),
    Rule(rf"(?:bold|strong|bright) {_COLORS}|colou?rful|vivid", "saturation", 1.35, True),
    Rule(r"desaturated", "saturation", 0.6, False),
    Rule(r"saturated", "saturation", 1.35, False),
    Rule(r"muted|pale|faded", "saturation", 0.6, True),
    Rule(r"warm", "warmth", 0.4, True),
    Rule(r"cool|cold", "warmth", -0.4, True),
    Rule(r"(?:a |with a )?light touch|slightly|subtly|subtle", "style_strength", 0.6, False),
    Rule(r"bold", "style_strength", 1.0, True),
    Rule(r"strong", "style_strength", 1.0, False),
)  # fmt: skip

#: What leaves a painting as it is.
NEUTRAL = {"saturation": 1.0, "warmth": 0.0, "style_strength": 1.0}
#: Words before which others count for nothing.
DENIALS = ("not", "no", "never", "without")
_NOT_DENIED = "".join(rf"(?<!\b{word} )" for word in DENIALS)


def controls_of(text: str) -> tuple[dict[str, Any], str]:
    """Finds words of colour, light and strength.

    Words behind "not" or "without" count for nothing. Words that contradict each other, such as warm and cold, set
    nothing; of several in one direction the strongest counts.

    Args:
      text: A sentence or some words, in English.

    Returns:
      Options of `StylizeConfig` with their values, and the text without the words that only set an option.

    Example:
      >>> controls_of("stormy sea, muted, with a light touch")
      ({'saturation': 0.6, 'style_strength': 0.6}, 'stormy sea, muted')
    """
    values: dict[str, list[Any]] = {}
    taken, remaining = text, text
    for rule in RULES:
        pattern = re.compile(rf"{_NOT_DENIED}(?<![\w-])(?:{rule.words})(?![\w-])", re.IGNORECASE)
        if not pattern.search(taken):
            continue
        values.setdefault(rule.option, []).append(rule.value)
        taken = pattern.sub(lambda found: "_" * len(found.group()), taken)
        if not rule.stays:
            remaining = pattern.sub("", remaining)
    agreed = {option: _agreed(option, found) for option, found in values.items()}
    return {option: value for option, value in agreed.items() if value is not None}, _tidied(remaining)


def _agreed(option: str, values: list[Any]) -> Any:
    """The value farthest from what leaves the painting as it is; None if they lie on both sides of it."""
    neutral = NEUTRAL.get(option)
    if neutral is None:
        return values[0]
    if min(values) < neutral < max(values):
        return None
    return max(values, key=lambda value: abs(value - neutral))


def _tidied(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    parts = [part.strip() for part in re.split(r"[,;]", text)]
    return ", ".join(part for part in parts if re.search(r"\w", part))

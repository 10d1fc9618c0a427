"""What drives what: presets, and rows such as onset:blend:.35."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from tf_style.audio.reading import AudioError

#: Heard features: what they are, for messages and help.
HEARD = {
    "onset": "pulses when something begins",
    "beat": "pulses on beats",
    "loudness": "soft to loud",
    "bass": "little to much bass",
    "brightness": "dark to bright sound",
    "novelty": "changes with each part of the music",
    "chroma": "chooses the style by harmony",
}
#: Controls that can be driven: the name in a row -> that of the control.
DRIVEN = {
    "blend": "style_blend",
    "strength": "style_strength",
    "saturation": "saturation",
    "warmth": "warmth",
    "consistency": "consistency",
}


class Reaction(NamedTuple):
    """A feature drives a control; `amount` is how much the control changes over the feature's whole range."""

    feature: str
    control: str
    amount: float

    def __str__(self) -> str:
        return f"{self.feature}:{self.control}:{self.amount:g}"


_CALM = (Reaction("loudness", "strength", 0.3), Reaction("brightness", "warmth", 0.6))
#: Presets, by name.
REACTIONS: dict[str, tuple[Reaction, ...]] = {
    "calm": _CALM,
    "pulse": (
        Reaction("onset", "blend", 0.35),
        Reaction("onset", "consistency", -0.3),
        Reaction("loudness", "strength", 0.3),
        Reaction("bass", "saturation", 0.25),
    ),
    "sections": (Reaction("novelty", "blend", 1.0), *_CALM),
}


def parse_reactions(text: str) -> tuple[Reaction, ...]:
    """Reads a preset's name, or rows.

    Args:
      text: One of `REACTIONS`, or rows with commas between them, "feature:control:amount": a feature of `HEARD`, a
        control of `DRIVEN`, and an amount from -1 to 1. That of blend is 0 to 1, and chroma drives blend only.

    Raises:
      AudioError: It is none of these.

    Example:
      >>> parse_reactions("onset:blend:.35,loudness:strength:.3")[1].control
      'strength'
    """
    name = text.strip().lower()
    if name in REACTIONS:
        return REACTIONS[name]
    if ":" not in name:
        close = difflib.get_close_matches(name, REACTIONS, n=1)
        advice = f"did you mean {close[0]!r}?" if close else "choose one of them."
        raise AudioError(
            f"Reactions are {', '.join(REACTIONS)}, or rows such as onset:blend:.35, but {text!r} was given; {advice}"
        )
    reactions = tuple(_parsed(row.strip()) for row in name.split(",") if row.strip())
    pairs = [reaction[:2] for reaction in reactions]
    for pair in pairs:
        if pairs.count(pair) > 1:
            raise AudioError(f"The reaction {':'.join(pair)} is given twice; leave one out.")
    return reactions


def _parsed(row: str) -> Reaction:
    parts = [part.strip() for part in row.split(":")]
    try:
        feature, control, amount = parts[0], parts[1], float(parts[2])
    except (IndexError, ValueError):
        parts = []
    if len(parts) != 3:
        raise AudioError(f"A reaction is feature:control:amount, such as onset:blend:.35, but {row!r} was given.")
    for kind, given, allowed in (("feature", feature, HEARD), ("control", control, DRIVEN)):
        if given not in allowed:
            close = difflib.get_close_matches(given, allowed, n=1)
            advice = f"did you mean {close[0]!r}?" if close else "choose one of them."
            raise AudioError(f"Unknown {kind} {given!r} in {row!r}: there are {', '.join(allowed)}; {advice}")
    least = 0 if control == "blend" else -1
    if not least <= amount <= 1:
        raise AudioError(f"The amount in {row!r} must be {least} to 1; give a smaller one, such as .3.")
    if feature == "chroma" and control != "blend":
        raise AudioError(f"In {row!r}, chroma chooses among styles and drives blend only; write chroma:blend:1.")
    return Reaction(feature, control, amount)

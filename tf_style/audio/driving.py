"""Turns what is heard into controls over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tf_style.audio.features import Features
from tf_style.audio.novelty import snapped
from tf_style.audio.reactions import DRIVEN, Reaction
from tf_style.audio.reading import AudioError
from tf_style.controls import OWN, Controls, shares_of
from tf_style.schedule import Schedule

_DECAY = 0.25  # seconds in which a pulse falls to 37 %
_FOLLOWED = {"loudness": (0.08, 0.5), "bass": (0.0, 0.2)}  # seconds of attack and release
_SILENT = {"loudness": 0.0, "bass": 0.5, "brightness": 0.5}  # after the sound's end
_FADE = 1.0  # seconds from one style to another
_TO_CUT, _TO_ONSET = 1.0, 0.5  # seconds by which a change of style moves
_STICKY = 1.15  # another style must fit the harmony so many times better
_ONE_STYLE = 0.4  # most by which strength changes where there is no other style to blend to
_LIMITS = {"style_strength": (0.0, 1.0), "saturation": (0.0, 4.0), "warmth": (-1.0, 1.0), "consistency": (0.0, 1.0)}


def react(
    features: Features,
    reactions: Iterable[Reaction],
    base: Controls = OWN,
    *,
    num_styles: int = 1,
    fps: float = 25.0,
    seconds: float = 0.0,
    cuts: Sequence[float] = (),
) -> Schedule:
    """Controls that follow a sound.

    What nothing drives, or a feature in which nothing happens, is `base` exactly. Onsets and beats raise a control for
    a moment, or with a negative amount lower it. Novelty does so for as long as every second section lasts. Loudness,
    bass and brightness move it up and down around `base`. Where all this would lead to a strength beyond 1, its whole
    range is moved down. Saturation is multiplied, so that grey stays grey.

    Blend leads from the shares of `base`, or if it has none from the first style, to the last one. With novelty, each
    section has the next style instead, and with chroma the pitch classes that are heard choose one. Both fade for a
    second; sections that begin near a cut change with it, at once. With a single style, blend drives the strength
    instead, by 0.4 at most.

    Args:
      features: From `analyse`.
      reactions: From `parse_reactions`.
      base: What silence gives. A driven strength of None counts as 1.
      num_styles: How many styles there are.
      fps: Frames, and rows of the result, per second.
      seconds: How long the film is; 0: as long as the sound.
      cuts: The seconds at which shots begin.

    Returns:
      A row for each frame. Pulses begin with the frame that is nearest to the onset.

    Raises:
      AudioError: Consistency is driven but not in `base`, or chroma shall choose between fewer than two styles.
    """
    reactions = tuple(_for_one_style(each) for each in reactions) if num_styles < 2 else tuple(reactions)
    count = max(1, int(np.ceil((seconds or len(features.onset) / features.rate) * fps - 1e-6)))
    heard = _Heard(features, np.arange(count) / float(fps), np.asarray(cuts, np.float64))
    values: dict[str, np.ndarray] = {}
    for name in _LIMITS:
        drives = [(each, heard.curve(each.feature)) for each in reactions if DRIVEN[each.control] == name]
        active = [(each, curve) for each, curve in drives if curve is not None]
        if active:
            values[name] = _driven(name, base, active)
    blends = [each for each in reactions if each.control == "blend"]
    return Schedule(heard.times, values, _shares(heard, blends, base, num_styles), base)


def _for_one_style(reaction: Reaction) -> Reaction:
    if reaction.control != "blend":
        return reaction
    if reaction.feature == "chroma":
        raise AudioError(f"{reaction} chooses among styles, but there is one; give another, or leave it out.")
    amount = min(reaction.amount, _ONE_STYLE)
    return Reaction(reaction.feature, "strength", -amount if reaction.feature == "novelty" else amount)


def _driven(name: str, base: Controls, drives: list[tuple[Reaction, np.ndarray]]) -> np.ndarray:
    """A control's values at all times, within its limits."""
    rest = getattr(base, name)
    if rest is None and name == "consistency":
        raise AudioError("A reaction drives consistency; say in `base` what it is in silence, such as 0.5.")
    rest, (least, most) = 1.0 if rest is None else rest, _LIMITS[name]
    change, highest = np.zeros(len(drives[0][1])), 0.0
    for reaction, curve in drives:
        middle = 0.5 if reaction.feature in _SILENT else 0.0
        change += reaction.amount * (curve - middle)
        highest += max(reaction.amount * (1 - middle), -reaction.amount * middle)
    if name == "saturation":  # grey stays grey
        return np.clip(rest * (1 + change), least, most)
    beyond = max(0.0, rest + highest - most) if name == "style_strength" else 0.0
    return np.clip(rest - beyond + change, least, most)


def _shares(heard: _Heard, reactions: Sequence[Reaction], base: Controls, num_styles: int) -> np.ndarray | None:
    """The styles' shares at all times, [T, styles]; None: nothing drives them."""
    own = base.style_blend or (1.0, *[0.0] * (num_styles - 1))
    shares = np.tile(shares_of(own, num_styles), (len(heard.times), 1))
    accent = np.eye(num_styles)[[-1] * len(shares)]
    driven = False
    for reaction in reactions:
        chosen = {"novelty": heard.section_styles, "chroma": heard.chroma_styles}.get(reaction.feature)
        styles = chosen(num_styles) if chosen else None
        if styles is not None:
            shares = (1 - reaction.amount) * shares + reaction.amount * styles
            accent, driven = np.roll(shares, 1, axis=1), True
    weight = np.zeros(len(shares))
    for reaction in reactions:
        curve = None if reaction.feature in ("novelty", "chroma") else heard.curve(reaction.feature)
        if curve is not None:
            weight, driven = weight + reaction.amount * curve, True
    weight = np.clip(weight, 0, 1)[:, np.newaxis]
    return (1 - weight) * shares + weight * accent if driven else None


class _Heard:
    """What is heard at the times of frames."""

    def __init__(self, features: Features, times: np.ndarray, cuts: np.ndarray) -> None:
        self.features, self.times = features, times
        with_cuts = snapped(features.sections, cuts, _TO_CUT)
        self._at_cut = np.isin(with_cuts, cuts)
        self._sections = np.where(self._at_cut, with_cuts, snapped(features.sections, features.onsets, _TO_ONSET))

    def curve(self, feature: str) -> np.ndarray | None:
        """A curve in [0, 1]; None: nothing happens in it."""
        features = self.features
        if feature == "onset":
            return self._pulses(features.onsets, features.strengths)
        if feature == "beat":
            return self._pulses(features.beats, np.ones(len(features.beats)))
        if feature == "novelty":
            places = self._places()
            return None if places is None else 1 - np.abs(1 - places % 2)
        curve = getattr(features, feature)
        return None if np.ptp(curve) == 0 else self._sampled(curve, feature)

    def section_styles(self, num_styles: int) -> np.ndarray | None:
        """Shares by sections, one style after the other, [T, styles]; None: there is one section."""
        places = self._places()
        return None if places is None else _around(places, num_styles)

    def chroma_styles(self, num_styles: int) -> np.ndarray | None:
        """Shares by harmony, [T, styles]: the pitch classes are dealt out to the styles, the most frequent first.

        None: the same style fits all the time.
        """
        chroma = self.features.chroma
        order = np.argsort(-chroma.sum(axis=0), kind="stable")
        fits = np.stack([chroma[:, order[number::num_styles]].sum(axis=1) for number in range(num_styles)], axis=1)
        sounding, best = np.flatnonzero(chroma.any(axis=1)).tolist(), fits.argmax(axis=1).tolist()
        chosen, changes = best[sounding[0]] if sounding else 0, []
        shares = np.eye(num_styles)[[chosen] * len(self.times)]
        for place in sounding:
            if fits[place, best[place]] > _STICKY * fits[place, chosen]:
                chosen = best[place]
                changes.append((place / self.features.rate, chosen))
        for moment, style in changes:
            share = self._faded(moment)[:, np.newaxis]
            shares = (1 - share) * shares + share * np.eye(num_styles)[style]
        return shares if changes else None

    def _places(self) -> np.ndarray | None:
        """The number of the section at each time, from 0, with fractions while they fade."""
        if not len(self._sections):
            return None
        faded = [
            (self.times >= moment - 1e-6).astype(float) if hard else self._faded(moment)
            for moment, hard in zip(self._sections, self._at_cut, strict=True)
        ]
        return np.sum(faded, axis=0)

    def _faded(self, moment: float) -> np.ndarray:
        """From 0 to 1 around a moment."""
        return np.clip((self.times - moment) / _FADE + 0.5, 0, 1)

    def _pulses(self, moments: np.ndarray, strengths: np.ndarray) -> np.ndarray | None:
        """Pulses that begin with the nearest frame and decay."""
        inside = moments < self.times[-1] + 0.5 * self._step
        if not inside.any():
            return None
        struck = np.zeros(len(self.times))
        np.maximum.at(struck, np.rint(moments[inside] / self._step).astype(int), strengths[inside])
        keep, states, state = float(np.exp(-self._step / _DECAY)), [], 0.0
        for strength in struck.tolist():
            state = max(strength, keep * state)
            states.append(state)
        return np.array(states)

    def _sampled(self, curve: np.ndarray, feature: str) -> np.ndarray:
        """A curve, followed as fast as it may be."""
        features, after = self.features, _SILENT[feature]
        missing = max(0, int(np.ceil(self.times[-1] * features.rate)) + 1 - len(curve))
        curve = np.concatenate([curve, np.full(missing, after)])
        if feature in _FOLLOWED:
            curve = _follow(curve, *_FOLLOWED[feature], 1 / features.rate)
        return np.interp(self.times, np.arange(len(curve)) / features.rate, curve)

    @property
    def _step(self) -> float:
        return float(self.times[1] - self.times[0]) if len(self.times) > 1 else 1.0


def _around(places: np.ndarray, num_styles: int) -> np.ndarray:
    """Shares of the styles at a place on the circle of all styles, [T, styles]."""
    first = np.floor(places).astype(int)
    rest = (places - first)[:, np.newaxis]
    return (1 - rest) * np.eye(num_styles)[first % num_styles] + rest * np.eye(num_styles)[(first + 1) % num_styles]


def _follow(values: np.ndarray, attack: float, release: float, step: float) -> np.ndarray:
    """Values that rise and fall with these time constants; 0: at once."""
    up, down = (float(np.exp(-step / constant)) if constant else 0.0 for constant in (attack, release))
    result, state = [], float(values[0])
    for value in values.tolist():
        keep = up if value > state else down
        state = value + keep * (state - value)
        result.append(state)
    return np.array(result)

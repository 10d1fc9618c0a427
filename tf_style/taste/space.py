"""What can be painted, as vectors: mixtures of a library's paintings, strength and colours."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tf_style import images
from tf_style.controls import Controls
from tf_style.taste.describing import describe
from tf_style.taste.file import TasteError
from tf_style.words import naming
from tf_style.words.catalog import Entry, read_library

_COMPONENTS = 8
_SHARES = (0.5, 0.6, 0.7, 0.8)  # of the first of two paintings
_SINGLES = 0.5  # share of candidates with one painting
_NEUTRAL = 0.4  # share of candidates that leave a control alone
_KEEP_COLORS = 0.25
_TAKEN = 0.35  # share of what a variation takes from another candidate
_DEVIATION = 4.0  # of the worth of candidates; 1 is that of a person's judgement
_STYLE, _CONTROLS, _BOTH = 0.4, 0.45, 0.15  # parts of the kernel
_STYLE_LENGTH, _CONTROL_LENGTH = 1.2, 2.0  # in deviations


class Candidate(NamedTuple):
    """A way to paint.

    Attributes:
      styles: Names of one or two pictures of the library, the larger share first.
      shares: Of each, of sum 1.
      style_strength: As in `Controls`, like the other three.
      preserve_color: "none" or "luminance".
      saturation: Factor.
      warmth: In [-1, 1].
    """

    styles: tuple[str, ...]
    shares: tuple[float, ...]
    style_strength: float = 1.0
    preserve_color: str = "none"
    saturation: float = 1.0
    warmth: float = 0.0

    @property
    def controls(self) -> Controls:
        """For a stylizer that is given these styles in this order."""
        return Controls(
            self.shares, self.style_strength, self.preserve_color, saturation=self.saturation, warmth=self.warmth
        )

    def as_json(self) -> dict[str, Any]:
        """For a file, with the shares beside the names."""
        return {"styles": dict(zip(self.styles, self.shares, strict=True)), **dict(zip(FIELDS, self[2:], strict=True))}

    @classmethod
    def from_json(cls, given: Any) -> Candidate:
        """What `as_json` wrote.

        Raises:
          TasteError: It is something else, or has values that are not allowed.
        """
        try:
            styles = given["styles"]
            numbers = {name: float(given[name]) for name in FIELDS if name != "preserve_color"}
            found = cls(
                tuple(styles), tuple(map(float, styles.values())), preserve_color=given["preserve_color"], **numbers
            )
            usable = (
                1 <= len(styles) <= 2
                and abs(sum(found.shares) - 1) < 1e-6
                and found.preserve_color in ("none", "luminance")
                and found.controls
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise TasteError(f"it has a painting that cannot be read ({error})") from None
        if not usable:
            raise TasteError(f"it has a painting that cannot be read ({given})")
        return found


#: What a candidate sets beside its styles.
FIELDS = Candidate._fields[2:]
#: Fields with the values that leave a painting as it is.
NEUTRAL: dict[str, Any] = {name: Candidate._field_defaults[name] for name in FIELDS}


class Space:
    """Where candidates lie: near ones look alike.

    Args:
      entries: The library's pictures.
      looks: What `describe` says of each, [N, D].
      digest: Of the pictures.
    """

    def __init__(self, entries: Sequence[Entry], looks: np.ndarray, digest: str = "") -> None:
        self.entries = {entry.style: entry for entry in entries}
        self.digest = digest
        self._rows = {style: row for row, style in enumerate(self.entries)}
        self._places = _components(looks)

    @classmethod
    def open(cls, library: str | Path = "") -> Space:
        """The space of a library's pictures, which takes a second or two for the first time in a process.

        Args:
          library: A folder of pictures; "" is the package's own library.

        Raises:
          LibraryError, ImageError: The library or one of its pictures cannot be read.
        """
        entries = read_library(library)
        digest = hashlib.sha256()
        for entry in entries:
            digest.update(entry.style.encode() + b"\0" + hashlib.sha256(entry.path.read_bytes()).digest())
        return _opened(entries, digest.hexdigest())

    def named(self, style: str) -> str:
        """A picture as `--style` names it: by `library:` if it is the package's own, else by its file."""
        path = self.entries[style].path
        return f"{naming.PREFIX}{style}" if path.parent == naming.FOLDER else str(path)

    def holds(self, candidates: Iterable[Candidate]) -> bool:
        """Whether the library has all paintings of these candidates."""
        return all(style in self.entries for one in candidates for style in one.styles)

    def draw(self, count: int, seed: int) -> list[Candidate]:
        """Random candidates, all different, and the same for the same seed."""
        rng = np.random.default_rng(seed)
        names = list(self.entries)
        found: dict[Candidate, None] = {}
        while len(found) < count:
            found.setdefault(self._drawn(rng, names))
        return list(found)

    def vary(self, one: Candidate, count: int, rng: np.random.Generator) -> list[Candidate]:
        """Candidates that differ from one in its paintings or in some of the controls."""
        names = list(self.entries)
        return [_crossed(one, self._drawn(rng, names), rng) for _ in range(count)]

    def coordinates(self, candidates: Sequence[Candidate]) -> tuple[np.ndarray, np.ndarray]:
        """Where candidates lie: the looks of their styles, [n, P], and their controls, [n, 4].

        The looks of the library's pictures have a total variance of 1, the controls of those drawn about 1 each.
        """
        styles = [np.dot(one.shares, self._places[[self._rows[name] for name in one.styles]]) for one in candidates]
        return np.stack(styles), np.array([_coordinates(one) for one in candidates])

    def prior(self, candidates: Sequence[Candidate]) -> Likeness:
        """What is known of candidates' worth before any choice."""
        return Likeness(*self.coordinates(candidates))

    def _drawn(self, rng: np.random.Generator, names: list[str]) -> Candidate:
        styles = [names[number] for number in rng.permutation(len(names))[:2]]
        shares: tuple[float, ...] = (1.0,)
        if rng.random() > _SINGLES and len(styles) > 1:
            share = float(rng.choice(_SHARES))
            shares = (share, round(1 - share, 2))
        values = (
            rng.uniform(0.4, 1.0),
            2.0 ** rng.uniform(-1.0, 0.75),
            rng.uniform(-0.5, 0.5),
        )
        drawn = [float(round(0.05 * round(value / 0.05), 2)) for value in values]
        strength, saturation, warmth = (
            neutral if rng.random() < _NEUTRAL else value for neutral, value in zip((1.0, 1.0, 0.0), drawn, strict=True)
        )
        keep = "luminance" if rng.random() < _KEEP_COLORS else "none"
        return Candidate(tuple(styles[: len(shares)]), shares, strength, keep, saturation, warmth)


def _crossed(one: Candidate, other: Candidate, rng: np.random.Generator) -> Candidate:
    """A candidate with some of another's values, at least one."""
    takes = rng.random(1 + len(FIELDS)) < _TAKEN
    takes[rng.integers(len(takes))] = True
    changes: dict[str, Any] = {
        name: value for name, value, taken in zip(FIELDS, other[2:], takes[1:], strict=True) if taken
    }
    if takes[0] and len(other.styles) == 2 and one.styles[0] != other.styles[0]:
        changes |= {"styles": (one.styles[0], other.styles[0]), "shares": other.shares}
    elif takes[0]:
        changes |= {"styles": other.styles, "shares": other.shares}
    return one._replace(**changes)


class Likeness(NamedTuple):
    """A `Prior`: candidates that look alike are worth about the same.

    The looks of the styles count, each control for itself, and both together.

    Attributes:
      styles: From `Space.coordinates`, like `controls`.
      controls: The same.
    """

    styles: np.ndarray
    controls: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """Of each candidate's worth, [n]."""
        return np.full(len(self.styles), _DEVIATION**2)

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """Covariance of some candidates with all."""
        steps = (self.controls[numbers, None] - self.controls) / _CONTROL_LENGTH
        near = np.exp(-0.5 * _squares(self.styles[numbers], self.styles) / _STYLE_LENGTH**2)
        alike = np.exp(-0.5 * steps**2).mean(-1)
        return _DEVIATION**2 * (_STYLE * near + _CONTROLS * alike + _BOTH * near * alike)


@functools.lru_cache(maxsize=4)
def _opened(entries: tuple[Entry, ...], digest: str) -> Space:
    looks = np.stack([describe(images.read_visible(entry.path, min_side=1)) for entry in entries])
    return Space(entries, looks, digest)


def _components(looks: np.ndarray) -> np.ndarray:
    """The principal components of looks, [N, at most 8], of total variance 1."""
    spread = looks.std(0)
    standard = (looks - looks.mean(0)) / np.where(spread > 0, spread, 1.0)
    left, sizes, _ = np.linalg.svd(standard, full_matrices=False)
    places = left[:, :_COMPONENTS] * sizes[:_COMPONENTS]
    total = np.sqrt((places**2).sum() / len(places))
    return places / total if total > 0 else places


def _coordinates(one: Candidate) -> tuple[float, ...]:
    """The controls, each of about deviation 1 among those drawn."""
    return (
        (1.0 - one.style_strength) / 0.2,
        2.0 * (one.preserve_color != "none"),
        np.log2(max(one.saturation, 0.1)) / 0.4,
        one.warmth / 0.22,
    )


def _squares(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squares of distances between vectors, [n, d] and [m, d]."""
    both = (some**2).sum(1)[:, None] + (others**2).sum(1) - 2 * some @ others.T
    return np.maximum(both, 0.0)

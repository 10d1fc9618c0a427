"""Controls over time: what a film's frames are painted with, second by second."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence

import numpy as np

from tf_style.controls import OWN, Controls
from tf_style.images import replacing

#: Controls that are numbers, and can change gradually.
NUMBERS = ("style_strength", "saturation", "warmth", "consistency")
_SHARE = "share_"  # share_1 is the first style's part in style_blend
_DIGITS = 4  # after the point, here and in files, so that a file that is read back gives the same film


class ScheduleError(ValueError):
    """A schedule cannot be used; the message says what to do."""


class Schedule:
    """Controls that change gradually from one moment to the next; before the first and after the last they stay.

    Args:
      seconds: Moments, increasing, [N].
      values: By name (one of `NUMBERS`) the values at these moments, [N].
      shares: Shares of the styles at these moments, [N, styles]; None: missing.
      base: What holds for everything that is missing above.

    Raises:
      ScheduleError: No moments, moments out of order, an unknown name, or values that `Controls` refuses.

    Example:
      >>> Schedule([0, 2], {"style_strength": [0, 1]}).at(1.0).style_strength
      0.5
    """

    def __init__(
        self,
        seconds: Sequence[float] | np.ndarray,
        values: Mapping[str, Sequence[float] | np.ndarray],
        shares: Sequence[Sequence[float]] | np.ndarray | None = None,
        base: Controls = OWN,
    ) -> None:
        self.base = base
        self.seconds = _rounded(seconds)
        self.values = {name: _rounded(values[name]) for name in NUMBERS if name in values}
        self.shares = np.zeros((len(self.seconds), 0)) if shares is None else _rounded(shares)
        unknown = sorted(set(values) - set(NUMBERS))
        if unknown:
            raise ScheduleError(f"A schedule has no {unknown[0]!r}; there are {', '.join(NUMBERS)}.")
        in_order = np.isfinite(self.seconds).all() and (np.diff(self.seconds) > 0).all()
        if not len(self.seconds) or not in_order:
            raise ScheduleError("A schedule needs moments in their order, in seconds, such as 0, 1.5, 4.")
        for name, column in (*self.values.items(), ("shares", self.shares)):
            if len(column) != len(self.seconds):
                raise ScheduleError(
                    f"A schedule of {len(self.seconds)} moments needs as many {name}, not {len(column)}."
                )
        columns = [*self.values.values(), *self.shares.T, self.shares.sum(axis=1)]
        extremes = {int(place) for column in columns for place in (column.argmin(), column.argmax())}
        for moment in sorted(extremes):  # all others lie between
            try:
                self._controls(moment)
            except ValueError as error:
                raise ScheduleError(f"At {self.seconds[moment]:g} s: {error}") from None

    @property
    def num_styles(self) -> int:
        """How many styles have shares; 0: the shares are those of `base`."""
        return self.shares.shape[1]

    def at(self, seconds: float) -> Controls:
        """The controls at a moment."""
        return self._controls(float(np.interp(seconds, self.seconds, np.arange(len(self.seconds)))))

    def _controls(self, place: float) -> Controls:
        """The controls at a moment's number, or between two."""
        first = int(place)
        weights = np.array([1 - (place - first), place - first])
        rows = np.minimum([first, first + 1], len(self.seconds) - 1)
        numbers = {name: float(weights @ values[rows]) for name, values in self.values.items()}
        blend = tuple((weights @ self.shares[rows]).tolist()) or self.base.style_blend
        return self.base.replace(style_blend=blend, **numbers)

    @classmethod
    def read(cls, path: str | os.PathLike[str], base: Controls = OWN) -> Schedule:
        """Reads a CSV file as `write` writes it: a header with `seconds` and controls, then a row for each moment.

        Raises:
          ScheduleError: The file cannot be read, or a value cannot be used; the message names the line.
        """
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(map(str.strip, row))]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ScheduleError(f"The schedule '{path}' cannot be read ({error}); give a CSV file.") from None
        names = rows[0] if rows else []
        shares = [f"{_SHARE}{number}" for number in range(1, 1 + sum(name.startswith(_SHARE) for name in names))]
        unknown = [name for name in names if name not in ("seconds", *NUMBERS, *shares)]
        if "seconds" not in names or unknown or len(set(names)) < len(names):
            raise ScheduleError(
                f"The schedule '{path}' must begin with a line of names: seconds, and some of {', '.join(NUMBERS)}, "
                f"{_SHARE}1, {_SHARE}2 and so on, each once; it begins with {','.join(names)!r}."
            )
        table = np.empty((len(rows) - 1, len(names)))
        for number, row in enumerate(rows[1:]):
            try:
                table[number] = [float(cell) for cell in row]
            except ValueError:
                raise ScheduleError(
                    f"The schedule '{path}', row {number + 2}: {','.join(row)!r} must be {len(names)} numbers."
                ) from None
        columns = dict(zip(names, table.T, strict=True))
        try:
            return cls(
                columns["seconds"],
                {name: columns[name] for name in NUMBERS if name in columns},
                np.stack([columns[name] for name in shares], axis=1) if shares else None,
                base,
            )
        except ScheduleError as error:
            raise ScheduleError(f"The schedule '{path}' cannot be used. {error}") from None

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes a CSV file that `read` reads."""
        names = ["seconds", *self.values, *(f"{_SHARE}{number + 1}" for number in range(self.num_styles))]
        table = np.column_stack([self.seconds, *self.values.values(), self.shares])
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows([f"{value:.{_DIGITS}f}" for value in row] for row in table)


def _rounded(values: Sequence[float] | Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    return np.round(np.asarray(values, np.float64), _DIGITS) + 0.0  # no -0

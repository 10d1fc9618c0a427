"""Progress of a run: one changing line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tf_style.types import Progress

_LINES_EVERY_SECONDS = 10.0
_DEFAULT_COLUMNS = 80


class ProgressDisplay:
    """Shows scale, step, loss and time left.

    Args:
      quiet: Show nothing.
      stream: Where to write; default: standard error.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._start = time.monotonic()
        self._first_fraction: float | None = None
        self._next_line = 0.0
        self._width = 0

    def say(self, text: str) -> None:
        """Writes a line that stays."""
        if not self._quiet:
            self.close()
            self._write(text + "\n")

    def update(self, progress: Progress) -> None:
        """Shows a step."""
        height, width = progress.size
        place = (
            f"scale {progress.scale + 1}/{progress.num_scales} ({width}x{height})  "
            f"step {progress.step}/{progress.num_steps}"
        )
        last = progress.step == progress.num_steps
        self.show(place, progress.fraction, progress.loss, progress.losses, last=last)

    def show(self, place: str, fraction: float, loss: float, losses: Mapping[str, float], *, last: bool) -> None:
        """Shows how far the work is.

        Args:
          place: The beginning of the line.
          fraction: Share of the work that is done.
          loss: The sum of the terms.
          losses: The terms by name; left out if the line would be too long.
          last: Whether the work is done; the last line is always shown.
        """
        now = time.monotonic()
        if self._first_fraction is None:  # the first step includes compilation, so the time left counts from there
            self._start, self._first_fraction = now, fraction
        if self._quiet or (not self._terminal and now < self._next_line and not last):
            return
        self._next_line = now + _LINES_EVERY_SECONDS
        terms = ", ".join(f"{name} {value:.4g}" for name, value in losses.items())
        left = f"{self._time_left(fraction, now)} left"
        short = f"{place}  loss {loss:.4g}  {left}" if losses else f"{place}  {left}"
        line = f"{place}  loss {loss:.4g} ({terms})  {left}" if losses else short
        if self._terminal:
            text = self._fitting(line, short)
            self._write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._write(line + "\n")

    def close(self) -> None:
        """Ends the changing line."""
        if self._width:
            self._write("\n")
            self._width = 0

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # nobody is reading (`| head`, a closed terminal): keep painting
            self._quiet = True

    def _fitting(self, line: str, short: str) -> str:
        """A text short enough not to wrap, since a wrapped line cannot be overwritten."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns or _DEFAULT_COLUMNS
        except OSError:
            columns = _DEFAULT_COLUMNS
        return (line if len(line) < columns else short)[: columns - 1]

    def _time_left(self, fraction: float, now: float) -> str:
        done = fraction - (self._first_fraction or 0.0)
        return _clock((now - self._start) / done * (1.0 - fraction)) if done > 0 else "--:--"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

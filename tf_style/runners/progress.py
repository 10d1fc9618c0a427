"""Progress of a run, for people: one line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tf_style.types import Progress

_LINES_EVERY_SECONDS = 10.0


class ProgressDisplay:
    """Shows scale, step, loss and time left.

    Args:
      quiet: Show nothing.
      stream: Where; default: standard error.
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
        """A line that stays."""
        if not self._quiet:
            self._clear()
            print(text, file=self._stream, flush=True)

    def update(self, progress: Progress) -> None:
        """Called after each step."""
        now = time.monotonic()
        if self._first_fraction is None:  # the first step holds the compilation: time left is reckoned from there
            self._start, self._first_fraction = now, progress.fraction
        last = progress.step == progress.num_steps
        if self._quiet or (not self._terminal and now < self._next_line and not last):
            return
        self._next_line = now + _LINES_EVERY_SECONDS
        text = self._line(progress, now)
        if self._terminal:
            self._stream.write("\r" + text.ljust(self._width))
            self._stream.flush()
            self._width = len(text)
        else:
            print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Ends the changing line."""
        if self._width:
            print(file=self._stream, flush=True)
            self._width = 0

    def _clear(self) -> None:
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0

    def _line(self, progress: Progress, now: float) -> str:
        height, width = progress.size
        terms = ", ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
        done = progress.fraction - (self._first_fraction or 0.0)
        left = _clock((now - self._start) / done * (1.0 - progress.fraction)) if done > 0 else "--:--"
        return (
            f"scale {progress.scale + 1}/{progress.num_scales} ({width}x{height})  "
            f"step {progress.step}/{progress.num_steps}  loss {progress.loss:.4g} ({terms})  {left} left"
        )


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

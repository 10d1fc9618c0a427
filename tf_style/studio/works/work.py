"""A work: something that is painted for a visitor, how far it is, and how it ended."""

from __future__ import annotations

import abc
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tf_style import images

#: Long side in pixels of pictures that the page shows.
VIEW_SIDE = 1280
_EVERY_SECONDS = 0.4  # between two pictures of a work that goes on
_SHARE = 0.1  # of the time, at most, for making them
_QUALITY = 85


class Work(abc.ABC):
    """Something to paint. Subclasses define `_paint`, which calls `_show` and heeds `stopping`.

    Args:
      output: The file to write.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        #: "waiting", "painting", and at the end "done", "stopped" or "failed".
        self.state = "waiting"
        #: Why it failed, or where it stopped.
        self.message = ""
        self.place = ""
        self.fraction = 0.0
        self.seconds = 0.0
        #: The latest picture, as a JPEG file, and its number.
        self.view, self.views = b"", 0
        #: Set once it has ended, in any way.
        self.ended = threading.Event()
        self._stop = threading.Event()
        self._started = 0.0
        self._first: tuple[float, float] | None = None
        self._next_view = 0.0

    @property
    def stopping(self) -> bool:
        """Whether it should stop."""
        return self._stop.is_set()

    @property
    def seconds_left(self) -> float | None:
        """About how long it will still take; None if that is not known yet."""
        if self._first is None or self.fraction <= self._first[1] or self.ended.is_set():
            return None
        began, before = self._first
        return (time.monotonic() - began) / (self.fraction - before) * (1 - self.fraction)

    def stop(self) -> None:
        """Asks it to stop; what is painted so far is kept."""
        self._stop.set()

    def leave(self) -> None:
        """Ends it before its turn."""
        self.state, self.message = "stopped", "Stopped before it began."
        self.ended.set()

    def run(self) -> None:
        """Paints. Whatever goes wrong is said in `message`."""
        self._started = time.monotonic()
        self.state = "painting"
        try:
            complete = False if self.stopping else self._paint()
            self.message = "" if complete else self._stopped_at()
            state = "done" if complete else "stopped"
        except ValueError as error:  # messages for people
            self.message, state = str(error).replace(f"{self.output.parent}/", ""), "failed"
        except Exception as error:
            logging.getLogger("tf_style").exception("A painting failed")
            self.message, state = f"The painting failed: {error or type(error).__name__}", "failed"
        self.seconds = time.monotonic() - self._started
        self.state = state
        self.ended.set()

    @property
    def written(self) -> bool:
        """Whether there is a result."""
        return self.ended.is_set() and self.output.exists()

    @property
    def lost(self) -> bool:
        """Whether it has ended without a result."""
        return self.ended.is_set() and not self.output.exists()

    @abc.abstractmethod
    def _paint(self) -> bool:
        """Paints and writes the output; returns False if it was stopped before the end.

        Raises:
          ValueError: With a message for people.
        """

    def _show(self, place: str, fraction: float, picture: Callable[[], bytes]) -> None:
        """Says how far it is, and now and then makes a picture, a JPEG file (or empty if there is none yet)."""
        now = time.monotonic()
        self.place, self.fraction = place, fraction
        if self._first is None:  # the first step takes longer than others
            self._first = now, fraction
        if now < self._next_view:
            return
        if view := picture():
            self.view, self.views = view, self.views + 1
        end = time.monotonic()
        self._next_view = end + max(_EVERY_SECONDS, (end - now) / _SHARE)

    def _stopped_at(self) -> str:
        return f"Stopped at {self.place}." if self.place else "Stopped before the first step; there is no picture yet."


def as_view(pixels: np.ndarray) -> bytes:
    """A picture [H, W, 3], uint8 or in [0, 1], as a small JPEG file, for the page."""
    picture = images.Picture(images.to_float(pixels) if pixels.dtype == np.uint8 else np.asarray(pixels, np.float32))
    height, width = picture.size
    if max(height, width) > VIEW_SIDE:
        scale = VIEW_SIDE / max(height, width)
        picture = images.resize(picture, (max(1, round(height * scale)), max(1, round(width * scale))))
    return images.encode_jpeg(images.to_uint8(np.clip(picture.pixels, 0.0, 1.0)), quality=_QUALITY)

"""Sections of a film: frames that depend on none before them, so that each section can be painted by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tf_style.jobs.film.shots import Shot
from tf_style.video import Frame

_ALONE = 96  # frames of a section, where each is painted alone


class Section(NamedTuple):
    """A shot, or a piece of a film whose frames are painted alone.

    Attributes:
      number: From 0.
      start: The time of its first frame, in the source's `time_base`.
      num_frames: How many frames it has.
      before: How many frames of the film come before it.
      shot: How it is painted.
    """

    number: int
    start: int
    num_frames: int
    before: int
    shot: Shot

    @property
    def place(self) -> str:
        """The name of the folder of its parts."""
        return f"{self.number:06}"


def find_sections(
    frames: Iterable[tuple[Frame, bool, Shot]], consistency: float, show: Callable[[int], None]
) -> list[Section]:
    """Reads a film once, and says where it can be divided.

    Args:
      frames: All frames of the film, as `Source.frames` yields them.
      consistency: How closely each frame follows the one before; 0: the film can be divided anywhere.
      show: Called with the number of each frame, from 1.
    """
    begun: list[tuple[int, int, Shot]] = []  # the number of a frame, from 0, its time, how it is painted
    count = 0
    for frame, begins, shot in frames:
        if begins or not begun or (not consistency and count - begun[-1][0] >= _ALONE):
            begun.append((count, frame.time, shot))
        count += 1
        show(count)
    ends = [*(before for before, *_ in begun), count][1:]
    return [
        Section(number, time, end - before, before, shot)
        for number, ((before, time, shot), end) in enumerate(zip(begun, ends, strict=True))
    ]

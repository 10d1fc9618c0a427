"""One worker for all visitors: they take turns, and each has a line of works of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from tf_style.studio.works.work import Work


class Turns:
    """Paints one work at a time, in a thread of its own.

    The next work is the first one of the visitor whose last turn is the longest ago. So two visitors alternate, and one
    who asks for five paintings does not hold up another's first.
    """

    def __init__(self) -> None:
        self._lines: dict[str, deque[Work]] = {}
        self._last_turns: dict[str, int] = {}
        self._count = 0
        self._changed = threading.Condition()
        self._current: tuple[str, Work] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._paint_all, name="painter", daemon=True)
        self._thread.start()

    def add(self, visitor: str, work: Work) -> None:
        """Puts a work at the end of a visitor's line."""
        with self._changed:
            self._lines.setdefault(visitor, deque()).append(work)
            self._changed.notify()

    def before(self, work: Work) -> int:
        """How many works come before this one, with the one that is being painted."""
        with self._changed:
            return (self._current is not None) + next(
                (number for number, other in enumerate(self._order()) if other is work), 0
            )

    def stop(self, work: Work) -> None:
        """Stops a work: what is painted so far is kept, and one that waits leaves its line."""
        with self._changed:
            work.stop()
            for line in self._lines.values():
                if work in line:
                    line.remove(work)
                    work.leave()

    def remove(self, visitor: str) -> None:
        """Forgets a visitor. A work that is being painted stops; returns when it has."""
        with self._changed:
            for work in self._lines.pop(visitor, ()):
                work.leave()
            self._last_turns.pop(visitor, None)
            current = self._current
        if current is not None and current[0] == visitor:
            current[1].stop()
            current[1].ended.wait()

    def close(self) -> None:
        """Stops all works, and waits for the painter."""
        with self._changed:
            self._closed = True
            for line in self._lines.values():
                for work in line:
                    work.leave()
            self._lines.clear()
            if self._current is not None:
                self._current[1].stop()
            self._changed.notify()
        self._thread.join()

    def _order(self) -> Iterator[Work]:
        """All works that wait, in the order of their turns."""
        lines = {visitor: deque(line) for visitor, line in self._lines.items() if line}
        turns, count = dict(self._last_turns), self._count
        while lines:
            visitor = min(lines, key=lambda name: turns.get(name, 0))
            count += 1
            turns[visitor] = count
            yield lines[visitor].popleft()
            lines = {name: line for name, line in lines.items() if line}

    def _paint_all(self) -> None:
        while (work := self._next()) is not None:
            work.run()
            with self._changed:
                self._current = None

    def _next(self) -> Work | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or any(self._lines.values()))
            if self._closed:
                return None
            work = next(self._order())
            visitor = next(name for name, line in self._lines.items() if work in line)
            self._lines[visitor].popleft()
            self._count += 1
            self._last_turns[visitor] = self._count
            self._current = visitor, work
            return work

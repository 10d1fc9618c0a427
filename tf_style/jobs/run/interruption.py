"""Ctrl-C and similar signals, handled when nothing can be lost."""

from __future__ import annotations

import signal
import threading
from types import TracebackType
from typing import Any

#: The exit status that shells report after Ctrl-C.
INTERRUPTED = 130


class Interruption:
    """Context manager for Ctrl-C, SIGTERM and a closed terminal.

    While `at_once` is true a signal raises KeyboardInterrupt. Set it to false while something could be lost, such as a
    file being written; a signal then only sets `asked`. Ignored signals (nohup) stay ignored.
    """

    _SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

    def __init__(self) -> None:
        self.asked = False
        self.at_once = True
        self._before: dict[int, Any] = {}

    def __call__(self, number: int, frame: Any) -> None:
        """Handles a signal."""
        self.asked = True
        if self.at_once:
            raise KeyboardInterrupt

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():  # other threads may not handle signals
            for number in (getattr(signal, name) for name in self._SIGNALS if hasattr(signal, name)):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

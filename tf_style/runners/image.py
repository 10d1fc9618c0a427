"""One stylization from files to files: check, paint, report, survive interruptions."""

from __future__ import annotations

import signal
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.runners.inputs import Inputs, read_inputs
from tf_style.runners.progress import ProgressDisplay
from tf_style.runners.quiet import quiet_tensorflow

if TYPE_CHECKING:
    from tf_style.runners.session import Session

_INTERRUPTED = 130  # what shells report after Ctrl-C


def run(config: StylizeConfig, files: StylizeFiles, preset: str) -> int:
    """Paints, writes the picture and the reports.

    Args:
      config: All options.
      files: Where from, where to.
      preset: Its name, for the record.

    Returns:
      The exit status: 0, or 130 after an interruption (Ctrl-C or SIGTERM; what was painted so far is written).

    Raises:
      ImageError, ConfigError, WeightsError: Before anything is painted or written.
    """
    inputs = read_inputs(config, files)
    display = ProgressDisplay(quiet=files.quiet)
    started = time.monotonic()
    with _Interruption() as interruption:
        session = _paint(config, files, inputs, display, interruption)
        if session is None or session.progress is None:
            display.say("Interrupted before the first step; nothing was written.")
            return _INTERRUPTED
        if not session.complete:
            how_to_go_on = session.save_checkpoint_on_interrupt()  # first: writing the picture may fail
            session.write_picture()
            display.say(f"Interrupted at step {session.progress.step}: the picture so far is in {files.output}.")
            display.say(how_to_go_on)
            return _INTERRUPTED
        session.write_picture()
        session.finish(preset, time.monotonic() - started)
    display.say(f"Wrote {files.output} ({time.monotonic() - started:.0f} s).")
    return 0


class _Interruption:
    """Ctrl-C, a polite kill or a closed terminal: ends the run at once, or after the step once there is a picture.

    A context manager. Signals that are ignored (as by nohup) stay ignored; so do second ones while files are written.
    """

    _SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

    def __init__(self) -> None:
        self.asked = False
        self.at_once = True
        self._before: dict[int, Any] = {}

    def __call__(self, number: int, frame: Any) -> None:
        """The handler of the signals."""
        self.asked = True
        if self.at_once:
            raise KeyboardInterrupt

    def __enter__(self) -> _Interruption:
        if threading.current_thread() is threading.main_thread():  # others may not handle signals
            for number in (getattr(signal, name) for name in self._SIGNALS if hasattr(signal, name)):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _paint(
    config: StylizeConfig,
    files: StylizeFiles,
    inputs: Inputs,
    display: ProgressDisplay,
    interruption: _Interruption,
) -> Session | None:
    """Loads the model and runs all steps, or those before an interruption; None if not even the model is there."""
    session = None
    try:
        with quiet_tensorflow():
            from tf_style.runners.session import Session

            session = Session(config, files, inputs)
        display.say(session.headline())
        for progress in session.steps():
            interruption.at_once = False  # from now on there is something to lose
            display.update(progress)
            if interruption.asked:
                break
    except KeyboardInterrupt:
        interruption.at_once = False
    finally:
        display.close()
    return session

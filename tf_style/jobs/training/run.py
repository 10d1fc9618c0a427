"""Training from folders to a file: check, train, report, survive interruptions."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tf_style.config import ConfigError, TrainConfig, TrainFiles
from tf_style.jobs.run.files import reserved
from tf_style.jobs.run.inputs import check_writable
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.jobs.run.quiet import quiet_tensorflow

if TYPE_CHECKING:
    from tf_style.jobs.training.loop import TrainingLoop


def run(config: TrainConfig, files: TrainFiles) -> int:
    """Trains a network and writes it. Returns and raises: see `run_session`.

    Args:
      config: All options.
      files: Where from, where to.
    """
    check_writable("output_dir", files.output_dir)
    for option in ("content_dir", "style_dir"):
        if not Path(getattr(files, option)).is_dir():
            raise ConfigError(f"--{option}={getattr(files, option)} is not a folder; give one with pictures.")

    def open_session() -> TrainingLoop:
        from tf_style.jobs.training.session import TrainingSession

        return TrainingSession(config, files)

    return run_session(open_session, config.num_steps, "--network={}", files.output_dir, quiet=files.quiet)


def run_session(
    open_session: Callable[[], TrainingLoop], num_steps: int, flags: str, folder: str, *, quiet: bool
) -> int:
    """Trains and writes the result, with progress; Ctrl-C keeps what was learned.

    Args:
      open_session: Makes the session; it may load TensorFlow.
      num_steps: Steps of the whole training.
      flags: The flags with which `tf-style stylize` uses the result, with {} for its path.
      folder: The result's folder, which no other run may use meanwhile.
      quiet: Print errors only.

    Returns:
      The exit status: 0, or 130 after an interruption (what was learned so far is written).

    Raises:
      ConfigError, DataError, NetworkError, WeightsError: Before anything is trained or written.
      DataError: Later too, if a picture cannot be read; the last checkpoint stays.
      TrainingError: The loss became infinite.
    """
    display = ProgressDisplay(quiet=quiet)
    started = time.monotonic()
    with Interruption() as interruption, reserved("output_dir", folder):
        try:
            with quiet_tensorflow():
                session = open_session()
            display.say(session.headline())
            if session.complete:
                display.say(f"Nothing to do: all {num_steps} steps of {session.result} are done.")
                return 0
            display = _prepare(session, display, interruption, quiet=quiet)
            for progress in session.steps():
                interruption.at_once = False  # from now on there is something to lose
                place, last = f"step {progress.step}/{num_steps}", progress.step == num_steps
                display.show(place, progress.step / num_steps, progress.loss, progress.losses, last=last)
                if interruption.asked and not last:  # the last step is followed by its validation
                    break
        except KeyboardInterrupt:
            display.say("Interrupted before the first step; nothing new was written.")
            return INTERRUPTED
        finally:
            display.close()
        result = session.save()
        if not session.complete:
            display.say(f"Interrupted at step {session.step}: the result so far is {result}.")
            display.say("Repeat the same command to resume.")
            return INTERRUPTED
    seconds = time.monotonic() - started
    display.say(f"Wrote {result} ({seconds:.0f} s). To paint with it: tf-style stylize {flags.format(result)}")
    return 0


def _prepare(
    session: TrainingLoop, display: ProgressDisplay, interruption: Interruption, *, quiet: bool
) -> ProgressDisplay:
    """Does what comes before the first step; returns the display for the steps."""
    prepared = False
    for what, share in session.prepare():
        display.show(what, share, 0.0, {}, last=share == 1)
        prepared = True
    if not prepared:
        return display
    interruption.at_once = False
    session.save()
    display.close()
    return ProgressDisplay(quiet=quiet)  # a new one, to estimate the time left from training alone

"""One picture painted, from files to files: check, paint, report, survive interruptions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.jobs.large.inputs import LargeInputs, large_size, read_large_inputs
from tf_style.jobs.run.files import reserved
from tf_style.jobs.run.inputs import Inputs, read_inputs
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.memory import check_memory, is_lack_of_memory, too_large
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.jobs.run.quiet import quiet_tensorflow

if TYPE_CHECKING:
    from tf_style.jobs.large.picture import LargePicture
    from tf_style.jobs.picture.session import Session


def run(config: StylizeConfig, files: StylizeFiles, preset: str, inputs: Inputs | LargeInputs | None = None) -> int:
    """Paints, and writes the picture and the reports.

    Args:
      config: All options.
      files: Where from, where to.
      preset: Its name, for the record.
      inputs: The checked pictures; default: read from the files.

    Returns:
      The exit status: 0, or 130 after an interruption (Ctrl-C or SIGTERM; what was painted so far is written).

    Raises:
      ImageError, ConfigError, WeightsError: Before anything is painted or written.
    """
    if inputs is None:
        size = large_size(config, files)
        inputs = read_inputs(config, files) if size is None else read_large_inputs(config, files, size)
    if isinstance(inputs, Inputs):
        check_memory(config, inputs.content.size)
    display = ProgressDisplay(quiet=files.quiet)
    started = time.monotonic()
    folder = files.checkpoint_dir
    kept = f"; {folder} is unchanged" if folder and Path(folder).is_dir() else ""
    with Interruption() as interruption, reserved("checkpoint_dir", folder):
        session = _open(config, files, inputs, display, interruption)
        try:
            if session is not None:
                _paint(session, display, interruption)
            if session is None or session.progress is None:
                display.say(f"Interrupted before the first step; nothing was written{kept}.")
                return INTERRUPTED
            if not session.complete:
                how_to_go_on = session.save_checkpoint_on_interrupt()  # first: writing the picture may fail
                session.write_picture()
                display.say(f"Interrupted at step {session.progress.step}: the picture so far is in {files.output}.")
                display.say(how_to_go_on)
                return INTERRUPTED
            session.write_picture()
            session.finish(preset, time.monotonic() - started)
        except Exception as error:
            if isinstance(inputs, LargeInputs) or not is_lack_of_memory(error):
                raise
            raise too_large(config, inputs.content.size) from None
        finally:
            if session is not None:
                session.close()
    display.say(f"Wrote {files.output} ({time.monotonic() - started:.0f} s).")
    return 0


def _open(
    config: StylizeConfig,
    files: StylizeFiles,
    inputs: Inputs | LargeInputs,
    display: ProgressDisplay,
    interruption: Interruption,
) -> Session | LargePicture | None:
    """Loads the model; returns None after an interruption."""
    session: Session | LargePicture
    try:
        with quiet_tensorflow():
            if isinstance(inputs, LargeInputs):
                from tf_style.jobs.large.open import open_large

                session = open_large(config, files, inputs)
            else:
                from tf_style.jobs.picture.session import Session

                session = Session(config, files, inputs)
    except KeyboardInterrupt:
        interruption.at_once = False
        return None
    display.say(session.headline())
    return session


def _paint(session: Session | LargePicture, display: ProgressDisplay, interruption: Interruption) -> None:
    """Runs all steps, or stops at an interruption."""
    try:
        for progress in session.steps():
            interruption.at_once = False  # from now on there is something to lose
            display.update(progress)
            if interruption.asked:
                break
    except KeyboardInterrupt:
        interruption.at_once = False
    finally:
        display.close()

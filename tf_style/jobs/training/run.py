"""Training a network from folders to a file: check, train, report, survive interruptions."""

from __future__ import annotations

import time
from pathlib import Path

from tf_style.config import ConfigError, TrainConfig, TrainFiles
from tf_style.jobs.run.inputs import check_writable
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.jobs.run.quiet import quiet_tensorflow


def run(config: TrainConfig, files: TrainFiles) -> int:
    """Trains, and writes the network.

    Args:
      config: All options.
      files: Where from, where to.

    Returns:
      The exit status: 0, or 130 after an interruption (what was learned so far is written).

    Raises:
      ConfigError, DataError, NetworkError, WeightsError: Before anything is trained or written.
      DataError: Later too, if a picture cannot be read; the last checkpoint stays.
      TrainingError: The loss became infinite.
    """
    check_writable("output_dir", files.output_dir)
    for option in ("content_dir", "style_dir"):
        if not Path(getattr(files, option)).is_dir():
            raise ConfigError(f"--{option}={getattr(files, option)} is not a folder; give one with pictures.")
    display = ProgressDisplay(quiet=files.quiet)
    started = time.monotonic()
    with Interruption() as interruption:
        try:
            with quiet_tensorflow():
                from tf_style.jobs.training.session import TrainingSession

                session = TrainingSession(config, files)
            display.say(session.headline())
            if session.complete:
                display.say(f"Nothing to do: {session.network} has had all its {config.num_steps} steps.")
                return 0
            for progress in session.steps():
                interruption.at_once = False  # from now on there is something to lose
                place = f"step {progress.step}/{config.num_steps}"
                last = progress.step == config.num_steps
                display.show(place, progress.step / config.num_steps, progress.loss, progress.losses, last=last)
                if interruption.asked and not last:  # after the last step there is its validation
                    break
        except KeyboardInterrupt:
            display.say("Interrupted before the first step; nothing was written.")
            return INTERRUPTED
        finally:
            display.close()
        network = session.save()
        if not session.complete:
            display.say(f"Interrupted at step {session.step}: the network so far is {network}.")
            display.say("Repeat the same command to go on from here.")
            return INTERRUPTED
    display.say(
        f"Wrote {network} ({time.monotonic() - started:.0f} s): tf-style stylize --network={network} paints with it."
    )
    return 0

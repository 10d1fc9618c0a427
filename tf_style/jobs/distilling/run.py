"""Making a narrow backbone from folders to a file: check, fit, train, report, survive interruptions."""

from __future__ import annotations

import time
from pathlib import Path

from tf_style.config import ConfigError, DistillConfig, DistillFiles
from tf_style.jobs.run.inputs import check_writable
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.jobs.run.quiet import quiet_tensorflow


def run(config: DistillConfig, files: DistillFiles) -> int:
    """Fits and trains, and writes the backbone.

    Args:
      config: All options.
      files: Where from, where to.

    Returns:
      The exit status: 0, or 130 after an interruption (what was learned so far is written).

    Raises:
      ConfigError, DataError, WeightsError: Before anything is trained or written.
      DataError: Later too, if a picture cannot be read; the last checkpoint stays.
      TrainingError: The loss became infinite.
    """
    check_writable("output_dir", files.output_dir)
    for folder in files.picture_dirs:
        if not Path(folder).is_dir():
            raise ConfigError(f"{folder}, of --picture_dirs, is not a folder; give folders with pictures.")
    display = ProgressDisplay(quiet=files.quiet)
    started = time.monotonic()
    with Interruption() as interruption:
        try:
            with quiet_tensorflow():
                from tf_style.jobs.distilling.session import DistillationSession

                session = DistillationSession(config, files)
            display.say(session.headline())
            if session.complete:
                display.say(f"Nothing to do: {session.backbone} has had all its {config.num_steps} steps.")
                return 0
            if not session.fitted:
                for layer, share in session.fit():
                    display.show(f"fitted {layer}", share, 0.0, {}, last=share == 1)
                interruption.at_once = False
                session.save()
            display.close()
            display = ProgressDisplay(quiet=files.quiet)  # fitting says nothing about the time that training takes
            for progress in session.steps():
                interruption.at_once = False  # from now on there is something to lose
                place = f"step {progress.step}/{config.num_steps}"
                last = progress.step == config.num_steps
                display.show(place, progress.step / config.num_steps, progress.loss, progress.losses, last=last)
                if interruption.asked and not last:  # after the last step there is its validation
                    break
        except KeyboardInterrupt:
            display.say("Interrupted before the first step; nothing was written since.")
            return INTERRUPTED
        finally:
            display.close()
        backbone = session.save()
        if not session.complete:
            display.say(f"Interrupted at step {session.step}: the backbone so far is {backbone}.")
            display.say("Repeat the same command to go on from here.")
            return INTERRUPTED
    display.say(
        f"Wrote {backbone} ({time.monotonic() - started:.0f} s): tf-style stylize --backbone=compact_vgg19 "
        f"--weights={backbone} paints with it."
    )
    return 0

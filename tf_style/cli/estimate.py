"""`tf-style estimate`: what a run will take, before it."""

from __future__ import annotations

import time

from tf_style.cli import flags
from tf_style.config import DEFAULT_PRESET, ConfigError, StylizeConfig, StylizeFiles, check_given
from tf_style.presets import preset_config

_USAGE = (
    "usage: tf-style estimate --content=photo.jpg --style=painting.jpg [--flag=value ...]\n\n"
    "Takes the flags of tf-style stylize, makes a few steps at small sizes, and says how many steps the run will have, "
    "and what time, memory and disk it will take. --json=FILE writes the same as JSON."
)
_OPTIONS = (StylizeFiles, StylizeConfig)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    started = time.monotonic()
    if any(argument in flags.HELP for argument in argv):
        print(flags.help_text(_USAGE, _OPTIONS, flags.PRESET))
        return 0
    given = flags.parse("estimate", _OPTIONS, flags.PRESET, argv)
    preset = given.pop("preset", DEFAULT_PRESET)
    names = tuple(given)
    missing = [f"--{name}" for name in ("content", "style") if not given.get(name)]
    if missing:
        raise ConfigError(
            f"{', '.join(missing)} must be given: tf-style estimate --content=photo.jpg --style=painting.jpg"
        )
    given.setdefault("output", "result.png")
    files = flags.take(StylizeFiles, given)
    config = preset_config(preset).replace(**given)
    check_given(config, names)
    from tf_style.jobs.estimating.run import run

    return run(config, files, started=started, say=print)

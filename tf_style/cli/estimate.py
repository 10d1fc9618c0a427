"""`tf-style estimate`: how much time, memory and disk a run will take."""

from __future__ import annotations

import time

from tf_style.cli import flags
from tf_style.config import StylizeConfig, StylizeFiles

_USAGE = (
    "usage: tf-style estimate --content=photo.jpg --style=painting.jpg [--flag=value ...]\n\n"
    "Takes the flags of tf-style stylize, runs a few steps at small sizes, and prints how many steps, how much time, "
    "memory and disk the run will take. --json=FILE writes the same as JSON."
)
FLAGS = flags.Flags(
    (StylizeFiles, StylizeConfig), flags.PRESET, positional=("content", "style", "output"), first=flags.PAINTING_FIRST
)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    started = time.monotonic()
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, FLAGS, argv))
        return 0
    given = flags.parse("estimate", FLAGS, argv)
    flags.require(given, ("content", "style"), "tf-style estimate --content=photo.jpg --style=painting.jpg")
    given.setdefault("output", "result.png")
    config, files, _, _ = flags.stylization(given)
    from tf_style.jobs.estimating.run import run

    return run(config, files, started=started, say=print)

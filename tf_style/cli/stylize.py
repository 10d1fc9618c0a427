"""`tf-style stylize`: paint one picture, or many, in the style of another."""

from __future__ import annotations

from pathlib import Path

from tf_style.cli import flags
from tf_style.config import StylizeConfig, StylizeFiles

_USAGE = (
    "usage: tf-style stylize --content=photo.jpg --style=painting.jpg --output=result.png [--flag=value ...]\n"
    "       tf-style stylize photo.jpg painting.jpg result.png [--flag=value ...]"
)
_OPTIONS = (StylizeFiles, StylizeConfig)
_POSITIONAL = ("content", "style", "output")


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, _OPTIONS, flags.PRESET))
        return 0
    parsed = flags.parse("stylize", _OPTIONS, flags.PRESET, argv, positional=_POSITIONAL)
    config, files, preset, given = flags.stylization(parsed)
    if files.manifest:
        from tf_style.jobs.folder import catalogue

        return catalogue.run(config, files, preset, given)
    if Path(files.content).is_dir():
        from tf_style.jobs.folder.run import run
    else:
        from tf_style.jobs.picture.run import run  # loads TensorFlow only after checking its inputs
    return run(config, files, preset)

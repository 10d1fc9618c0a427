"""`tf-style stylize`: paint one picture, or a folder of them, in the style of another."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tf_style.cli import flags
from tf_style.config import DEFAULT_PRESET, StylizeConfig, StylizeFiles, check_given
from tf_style.presets import load_preset, preset_config

_USAGE = "usage: tf-style stylize --content=photo.jpg --style=painting.jpg --output=result.png [--flag=value ...]"
_OPTIONS = (StylizeFiles, StylizeConfig)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if any(argument in flags.HELP for argument in argv):
        print(flags.help_text(_USAGE, _OPTIONS, flags.PRESET))
        return 0
    given = flags.parse("stylize", _OPTIONS, flags.PRESET, argv)
    preset = given.pop("preset", DEFAULT_PRESET)
    names = tuple(given)
    names_of_options = tuple(field.name for field in dataclasses.fields(StylizeConfig) if field.name in given)
    files = flags.take(StylizeFiles, given)
    config = preset_config(preset).replace(**given)
    check_given(config, names)
    if files.manifest:
        from tf_style.jobs.folder import catalogue

        return catalogue.run(config, files, load_preset(preset).name, names_of_options)
    if Path(files.content).is_dir():
        from tf_style.jobs.folder.run import run
    else:
        from tf_style.jobs.picture.run import run  # numpy and Pillow; TensorFlow only after the inputs are checked
    return run(config, files, load_preset(preset).name)

"""`tf-style stylize`: paint one picture in the style of another."""

from __future__ import annotations

import dataclasses

from tf_style.cli import flags
from tf_style.config import DEFAULT_PRESET, StylizeConfig, StylizeFiles, parse_value
from tf_style.presets import load_preset, preset_config

_USAGE = "usage: tf-style stylize --content=photo.jpg --style=painting.jpg --output=result.png [--flag=value ...]"
_EXTRA = {"preset": f"named set of options, see tf-style presets, or the path of a flagfile [{DEFAULT_PRESET}]"}
_OPTIONS = (StylizeFiles, StylizeConfig)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if any(argument in flags.HELP for argument in argv):
        print(flags.help_text(_USAGE, _OPTIONS, _EXTRA))
        return 0
    given = flags.parse("stylize", _OPTIONS, _EXTRA, argv)
    preset = given.pop("preset", DEFAULT_PRESET)
    file_fields = {field.name: field for field in dataclasses.fields(StylizeFiles)}
    files = StylizeFiles(
        **{name: parse_value(field, given.pop(name)) for name, field in file_fields.items() if name in given}
    )
    config = preset_config(preset).replace(**given)
    from tf_style.runners.image import run  # numpy and Pillow; TensorFlow only after the inputs are checked

    return run(config, files, load_preset(preset).name)

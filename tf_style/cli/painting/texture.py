"""`tf-style texture`: make a tile that looks like a picture and repeats without a seam."""

from __future__ import annotations

import dataclasses
from typing import Any

from tf_style.cli import flags
from tf_style.config import ClipOptions, ConfigError, StylizeConfig, StylizeFiles, check_given
from tf_style.jobs.run import places
from tf_style.presets import load_preset, preset_config

_USAGE = (
    "usage: tf-style texture --style=brick.jpg --output=tile.png [--size=1024] [--flag=value ...]\n"
    "       tf-style texture brick.jpg [tile.png] [--flag=value ...]"
)
#: Flags that mean nothing without a content.
_WITHOUT = (
    "content", "color_from", "preserve_color", "color_stage", "network", "style_strength", "init", "init_network",
    "noise", "keep_weight", "tile_size", "tile_steps", *(field.name for field in dataclasses.fields(ClipOptions)),
    *(field.name for field in dataclasses.fields(StylizeConfig) if field.name.startswith("content_")),
    *(field.name for field in dataclasses.fields(StylizeFiles) if field.metadata["group"] in ("folder", "masks")),
)  # fmt: skip
FLAGS = flags.Flags(
    (StylizeFiles, StylizeConfig), flags.TEXTURE_PRESET, _WITHOUT, ("style", "output"), first=flags.PAINTING_FIRST
)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, FLAGS, argv))
        print("--notileable gives a picture with plain edges.")
        return 0
    given = flags.parse("texture", FLAGS, argv)
    flags.require(given, ("style",), "tf-style texture --style=brick.jpg --output=tile.png --size=1024")
    given.setdefault("output", places.default_output(given, *given["style"], "tile"))
    with places.standard_streams(given):
        return _run(given)


def _run(given: dict[str, Any]) -> int:
    preset = given.pop("preset", "finest")
    given["content"] = "none"  # there is no such file
    files = flags.take(StylizeFiles, given)
    config = preset_config(preset)
    if config.network:
        raise ConfigError(f"The preset {preset} paints in one pass, which cannot make textures; choose another one.")
    config = config.replace(**{"tileable": True, **given, "content_weight": 0.0, "init": "noise"})
    check_given(config, given)
    from tf_style.jobs.picture.texture import run  # loads TensorFlow only after checking its inputs

    return run(config, files, load_preset(preset).name)

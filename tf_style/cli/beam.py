"""`tf-style beam`: a manifest on one machine or many, as an Apache Beam pipeline."""

from __future__ import annotations

import dataclasses
import importlib.util
import logging

from tf_style.cli import flags
from tf_style.config import DEFAULT_PRESET, ConfigError, StylizeConfig, StylizeFiles, check_given
from tf_style.presets import preset_config

_USAGE = (
    "usage: tf-style beam --manifest=jobs.csv --output=paintings [--flag=value ...] [-- --runner=FlinkRunner ...]\n\n"
    "Paints the rows of a manifest as tf-style stylize --manifest does, but as an Apache Beam pipeline; what follows "
    "-- is for Beam (docs/embedding.md). Pictures that are there already are left out, so a stopped job can be started "
    "again."
)
_OPTIONS = (StylizeFiles, StylizeConfig)
#: What a pipeline has no use for.
_WITHOUT = (
    "content", "json", "quiet", "skip_existing",
    *(field.name for field in dataclasses.fields(StylizeFiles) if field.metadata["group"] == "masks"),
    "figure", "save_every", "checkpoint_dir", "checkpoint_seconds", "tensorboard_dir",
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if any(argument in flags.HELP for argument in argv):
        print(flags.help_text(_USAGE, _OPTIONS, flags.PRESET, without=_WITHOUT))
        return 0
    own, for_beam = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    given = flags.parse("beam", _OPTIONS, flags.PRESET, own, without=_WITHOUT)
    missing = [f"--{name}" for name in ("manifest", "output") if not given.get(name)]
    if missing:
        raise ConfigError(f"{', '.join(missing)} must be given: tf-style beam --manifest=jobs.csv --output=paintings")
    preset = given.pop("preset", DEFAULT_PRESET)
    files = flags.take(StylizeFiles, given)
    names = tuple(given)
    config = preset_config(preset).replace(**given)
    check_given(config, names)
    if importlib.util.find_spec("apache_beam") is None:
        raise ConfigError("Apache Beam is not installed; pip install 'tf-style[beam]' brings it.")
    from tf_style.jobs.run.quiet import quiet_tensorflow

    if not for_beam:  # what Beam warns of on one machine is no news: results written anew, clouds that are not there
        logging.getLogger().setLevel(logging.ERROR)
        logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)  # what it logs it raises as well
    with quiet_tensorflow():  # Beam too says at import what it does without
        from tf_style.jobs.beam.run import run
    return run(config, files, names, for_beam)

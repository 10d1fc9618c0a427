"""`tf-style beam`: a manifest on one machine or many, as an Apache Beam pipeline."""

from __future__ import annotations

import dataclasses
import importlib.util

from tf_style.cli import flags
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles

_USAGE = (
    "usage: tf-style beam --manifest=jobs.csv --output=paintings [--flag=value ...] [-- --runner=FlinkRunner ...]\n\n"
    "Paints the rows of a manifest like tf-style stylize --manifest, but as an Apache Beam pipeline. Arguments after\n"
    "-- go to Beam (see docs/embedding.md). Pictures that exist are skipped, so you can restart a stopped job."
)
#: Flags that mean nothing in a pipeline.
_WITHOUT = (
    "content", "json", "quiet", "skip_existing", "devices",
    *(field.name for field in dataclasses.fields(StylizeFiles) if field.metadata["group"] == "masks"),
    "figure", "save_every", "checkpoint_dir", "checkpoint_seconds", "tensorboard_dir",
)  # fmt: skip
FLAGS = flags.Flags((StylizeFiles, StylizeConfig), flags.PRESET, _WITHOUT, first=flags.PAINTING_FIRST)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, FLAGS, argv))
        return 0
    own, for_beam = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    given = flags.parse("beam", FLAGS, own)
    flags.require(given, ("manifest", "output"), "tf-style beam --manifest=jobs.csv --output=paintings")
    config, files, _, options = flags.stylization(given)
    if importlib.util.find_spec("apache_beam") is None:
        raise ConfigError("Apache Beam is not installed; run pip install 'tf-style[beam]'.")
    from tf_style.jobs.run.quiet import quiet_tensorflow

    with quiet_tensorflow():  # Beam too prints notices at import
        from tf_style.jobs.beam.run import run
    return run(config, files, options, for_beam)

"""`tf-style prepare`: make TFRecords for training from a folder of pictures."""

from __future__ import annotations

from tf_style.cli import flags
from tf_style.config import PrepareConfig

_USAGE = "usage: tf-style prepare --input_dir=photos --output_dir=records [--flag=value ...]"
_OPTIONS = (PrepareConfig,)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if any(argument in flags.HELP for argument in argv):
        print(flags.help_text(_USAGE, _OPTIONS, {}))
        return 0
    config = flags.take(PrepareConfig, flags.parse("prepare", _OPTIONS, {}, argv))
    from tf_style.jobs.preparing.run import run  # Pillow only after the options are checked, TensorFlow later still

    return run(config)

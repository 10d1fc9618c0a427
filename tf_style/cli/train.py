"""`tf-style train`: make a feed-forward network from your own pictures."""

from __future__ import annotations

from tf_style.cli import flags
from tf_style.config import TrainConfig, TrainFiles

_USAGE = "usage: tf-style train --content_dir=photos --style_dir=paintings --output_dir=my_network [--flag=value ...]"
_OPTIONS = (TrainFiles, TrainConfig)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if any(argument in flags.HELP for argument in argv):
        print(flags.help_text(_USAGE, _OPTIONS, {}))
        return 0
    given = flags.parse("train", _OPTIONS, {}, argv)
    files = flags.take(TrainFiles, given)
    config = flags.take(TrainConfig, given)
    from tf_style.jobs.training.run import run  # TensorFlow only after the options are checked

    return run(config, files)

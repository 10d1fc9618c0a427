"""`tf-style distill`: make a narrow backbone from a wide one."""

from __future__ import annotations

from tf_style.cli import flags
from tf_style.config import DistillConfig, DistillFiles

_USAGE = "usage: tf-style distill --picture_dirs=photos,paintings --output_dir=my_backbone [--flag=value ...]"
_OPTIONS = (DistillFiles, DistillConfig)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if any(argument in flags.HELP for argument in argv):
        print(flags.help_text(_USAGE, _OPTIONS, {}))
        return 0
    given = flags.parse("distill", _OPTIONS, {}, argv)
    files = flags.take(DistillFiles, given)
    config = flags.take(DistillConfig, given)
    from tf_style.jobs.distilling.run import run  # TensorFlow only after the options are checked

    return run(config, files)

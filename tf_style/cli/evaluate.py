"""`tf-style evaluate`: measure paintings, whoever made them."""

from __future__ import annotations

from tf_style.cli import flags
from tf_style.config import EvaluateConfig, EvaluateFiles

_USAGE = "usage: tf-style evaluate --content=photo.jpg --style=painting.jpg --painting=result.png [--flag=value ...]"
_OPTIONS = (EvaluateFiles, EvaluateConfig)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if any(argument in flags.HELP for argument in argv):
        print(flags.help_text(_USAGE, _OPTIONS, {}))
        return 0
    given = flags.parse("evaluate", _OPTIONS, {}, argv)
    files = flags.take(EvaluateFiles, given)
    config = flags.take(EvaluateConfig, given)
    from tf_style.jobs.evaluating.run import run  # numpy and Pillow; TensorFlow only after the inputs are checked

    return run(config, files)

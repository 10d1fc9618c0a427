"""`tf-style recolor`: a picture in the colours of another one, or of a palette."""

from __future__ import annotations

from tf_style.cli import flags
from tf_style.config import RecolorConfig, RecolorFiles

_USAGE = "usage: tf-style recolor --content=photo.jpg --color_from=painting.jpg --output=result.png [--flag=value ...]"
_OPTIONS = (RecolorFiles, RecolorConfig)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if any(argument in flags.HELP for argument in argv):
        print(flags.help_text(_USAGE, _OPTIONS, {}))
        return 0
    given = flags.parse("recolor", _OPTIONS, {}, argv)
    files = flags.take(RecolorFiles, given)
    config = flags.take(RecolorConfig, given)
    from tf_style.jobs.picture.recolor import run  # numpy and Pillow; TensorFlow only after the inputs are checked

    return run(config, files)

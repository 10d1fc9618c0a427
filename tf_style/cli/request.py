"""`tf-style request`: let a model server paint a picture."""

from __future__ import annotations

from tf_style.cli import flags
from tf_style.config import RequestOptions

_USAGE = (
    "usage: tf-style request --server=localhost:8500 --content=photo.jpg --style=painting.jpg --output=result.png "
    "[--flag=value ...]\n\n"
    "Asks TensorFlow Serving, or tf-style serve, for a painting by a model that tf-style export wrote.\n"
    "Exit status: 0; 1 if the server fails or there is none; 2 for bad input, also if the server calls it so\n"
    "(INVALID_ARGUMENT); 130 after Ctrl-C."
)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if any(argument in flags.HELP for argument in argv):
        print(flags.help_text(_USAGE, (RequestOptions,), {}))
        return 0
    given = flags.parse("request", (RequestOptions,), {}, argv)
    options = flags.take(RequestOptions, given)
    from tf_style.jobs.requesting.run import run  # numpy, Pillow and gRPC; never TensorFlow

    return run(options)

"""`tf-style request`: have a model server paint a picture."""

from __future__ import annotations

import os

from tf_style.cli import flags
from tf_style.cli.painting.words import replace_words
from tf_style.config import ConfigError, RequestOptions, WordsOptions
from tf_style.jobs.run import places

_USAGE = (
    "usage: tf-style request --server=localhost:8500 --content=photo.jpg --style=painting.jpg --output=result.png "
    "[--flag=value ...]\n"
    "       tf-style request photo.jpg painting.jpg [result.png] --server=localhost:8500 [--flag=value ...]\n\n"
    "Asks TensorFlow Serving, or tf-style serve, to paint with a model that tf-style export wrote.\n"
    "Exit status: 0; 1 if the server fails or cannot be reached; 2 for bad input, even if only the server finds it\n"
    "(INVALID_ARGUMENT); 130 after Ctrl-C."
)
FLAGS = flags.Flags(
    (RequestOptions, WordsOptions), without=("text_guidance",), positional=("content", "style", "output")
)
_FROM_WORDS = ("style_blend", "style_strength")  # what requests can carry of the options that words set


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, FLAGS, argv))
        return 0
    given = flags.parse("request", FLAGS, argv)
    if given.get("signature") != "stylize_text":
        replace_words(given, only=_FROM_WORDS)
    for name in {"style_library", "any"} & given.keys():
        raise ConfigError(f"{name} is for words that are looked up here; leave --signature=stylize_text or it out.")
    styles = given.get("style") or filter(None, [given.get("style_name", given.get("style_text"))])
    pictures = [*filter(None, [given.get("content")]), *styles]
    if len(pictures) > 1:
        given.setdefault("output", places.default_output(given, *pictures))
    with places.standard_streams(given):
        options = flags.take(RequestOptions, given)
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # our own messages say the same
        from tf_style.jobs.requesting.run import run  # loads numpy, Pillow and gRPC, never TensorFlow

        return run(options)

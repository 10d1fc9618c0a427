"""`tf-style studio`: a page in the browser to paint on."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

from tf_style.cli import flags
from tf_style.config import ConfigError, StudioOptions
from tf_style.jobs.run.quiet import quiet_tensorflow

_USAGE = """usage: tf-style studio [--port=7860] [--host=ADDRESS --auth=user:password] [--server=host:port] [--noopen]

Opens a page in the browser: drop a photo, choose paintings, press Paint. Only this machine can open it, unless --host
says otherwise, and it calls no other machine. Ctrl-C stops it and removes all files that it holds."""
FLAGS = flags.Flags((StudioOptions,))


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, FLAGS, argv))
        return 0
    options = flags.take(StudioOptions, flags.parse("studio", FLAGS, argv))
    if importlib.util.find_spec("gradio") is None:
        raise ConfigError("tf-style studio needs gradio; install it with pip install 'tf-style[studio]'.")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # our own messages say what matters
    with quiet_tensorflow():
        importlib.import_module("tf_style.studio.desk")  # loads TensorFlow
    from tf_style.studio.app import serve

    return serve(options, _print)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

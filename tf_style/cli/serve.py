"""`tf-style serve`: a local stand-in for TensorFlow Serving."""

from __future__ import annotations

import importlib.util
import os
import sys

from tf_style.cli import flags
from tf_style.config import ConfigError, ServeOptions
from tf_style.jobs.run.quiet import quiet_tensorflow

_USAGE = """usage: tf-style serve --model_base_path=models/starry [--rest_api_port=8501] [--flag=value ...]

Answers like TensorFlow Serving, with its flags, but runs on this machine's TensorFlow; for development and tests.
In production run TensorFlow Serving itself; folders, requests and answers stay the same.
SIGTERM or Ctrl-C finishes the running requests and stops."""
FLAGS = flags.Flags((ServeOptions,))
_NEEDED = {
    "grpc": "grpcio",
    "tensorflow_serving": "tensorflow-serving-api",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
}


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, FLAGS, argv))
        return 0
    given = flags.parse("serve", FLAGS, argv)
    options = flags.take(ServeOptions, given)
    missing = [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ConfigError(f"tf-style serve needs {' and '.join(missing)}: pip install 'tf-style[serving]'.")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # our own messages say what matters
    with quiet_tensorflow():
        import tensorflow as tf

        from tf_style.serving.server.run import serve

        tf.get_logger().setLevel("ERROR")  # TensorFlow calls its own session's loader deprecated
    return serve(options, _print)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")  # in one piece: other threads print too
    sys.stdout.flush()

"""`tf-style COMMAND --flag=value ...`: runs a command, and turns errors into one sentence and an exit status."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import sys
import warnings

from tf_style.cli import plain
from tf_style.jobs.run.allocator import keep_freed_memory
from tf_style.version import __version__

#: Command -> what it does. Its code is in the module of the same name (see `module_of`), or in the table of `plain`.
COMMANDS = {
    "stylize": "paint a picture, or a folder of them, in the style of another",
    "video": "paint a film in the style of a picture",
    "texture": "make a tile of any size that looks like a picture and repeats without a seam",
    "beam": "paint a list of pictures, or a film, on one machine or many, as an Apache Beam pipeline",
    "estimate": "say how much time, memory and disk a run will take",
    "studio": "paint on a page in the browser",
    "recolor": "give a picture the colours of another, or of a palette",
    "presets": "list the presets and what to expect of them",
    "library": "list the paintings that styles can be taken from, or search them by words",
    "taste": "show pairs of paintings and learn which you like; --profile paints to that taste",
    "prepare": "turn a folder of pictures into files for training",
    "train": "train a feed-forward network on your own pictures",
    "distill": "make a narrow backbone whose features are close to VGG-19's",
    "evaluate": "measure paintings against their photos and styles",
    "export": "write a SavedModel for TensorFlow Serving",
    "inspect": "describe an exported model, its inputs and its outputs",
    "serve": "run a local stand-in for TensorFlow Serving, for development and tests",
    "request": "have a model server paint a picture",
    "completion": "print a script that completes commands in bash, zsh or fish",
    "doctor": "say what this installation and machine have, and whether they paint",
}
_PAINTING = ("stylize", "texture", "beam", "video")  # in a room of their own
_FAILED, _BAD_USAGE, _INTERRUPTED = 1, 2, 130


def module_of(command: str) -> str:
    """The module of a command that is not in the table of `plain`."""
    return f"tf_style.cli.{'painting.' if command in _PAINTING else ''}{command}"


def main(argv: list[str] | None = None) -> int:
    """Runs a command.

    Args:
      argv: Arguments after the program's name; default: those of the process.

    Returns:
      The exit status: 0, 1 if a file could not be written, 2 for bad input, 130 after an interruption.
    """
    status = _run(sys.argv[1:] if argv is None else argv, own_process=argv is None)
    if argv is None and status == _INTERRUPTED:  # threads of libraries may still run, and crash at a normal exit
        with contextlib.suppress(OSError):  # nobody is reading
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
    return status


def _run(arguments: list[str], own_process: bool) -> int:
    if not arguments or arguments[0] in ("-h", "-help", "--help", "help"):
        print(_usage())
        return 0 if arguments else _BAD_USAGE
    if arguments[0] == "--version":
        print(f"tf-style {__version__}")
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return _refuse(f"Unknown command {name!r}. There are: {', '.join(COMMANDS)}.{hint}")
    if own_process:
        keep_freed_memory()
        os.environ["KERAS_BACKEND"] = "tensorflow"  # commands need it, whatever the user's own programs use
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # leaves room on the GPU for others
    with warnings.catch_warnings():
        _show_own_warnings("--quiet" in rest)
        return _command(name, rest)


def _show_own_warnings(quiet: bool) -> None:
    """Prints our own warnings, one line each, and none of other libraries."""

    def show(message: Warning | str, category: type[Warning], *rest: object, **more: object) -> None:
        if category.__module__.startswith("tf_style") and not quiet:
            print(f"tf-style: {message}", file=sys.stderr)

    warnings.simplefilter("default")
    warnings.showwarning = show


def _command(name: str, rest: list[str]) -> int:
    try:
        if name in plain.COMMANDS:
            status = plain.main(name, rest)
        else:
            status = importlib.import_module(module_of(name)).main(rest)
        sys.stdout.flush()
        return status
    except ValueError as error:  # ConfigError, ImageError, WeightsError, unknown layers: messages for people
        if not getattr(type(error), "__module__", "").startswith("tf_style") and type(error) is not ValueError:
            raise
        from tf_style.images import WriteError

        return _refuse(str(error), _FAILED if isinstance(error, WriteError) else _BAD_USAGE)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # `tf-style presets | head`: nobody reads the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that vanished
        print(f"tf-style: {error}", file=sys.stderr)
        return _FAILED


def _refuse(sentence: str, status: int = _BAD_USAGE) -> int:
    print(f"tf-style: {sentence}", file=sys.stderr)
    return status


def _usage() -> str:
    lines = [f"  {name:<10} {what}" for name, what in COMMANDS.items()]
    return "\n".join(
        ["usage: tf-style COMMAND --flag=value ...", "", *lines, "", "tf-style COMMAND --help lists a command's flags."]
    )


if __name__ == "__main__":
    sys.exit(main())

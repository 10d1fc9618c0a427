"""`tf-style COMMAND --flag=value ...`: finds the command, turns errors into one sentence and an exit status."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import sys

from tf_style.jobs.run.allocator import keep_freed_memory
from tf_style.version import __version__

#: Command -> (module with `main(argv) -> exit status`, what it does).
COMMANDS = {
    "stylize": ("tf_style.cli.stylize", "paint a picture, or a folder of them, in the style of another"),
    "texture": ("tf_style.cli.texture", "make a tile of any size that looks like a picture and repeats without a seam"),
    "beam": ("tf_style.cli.beam", "paint a list of pictures on one machine or many, as an Apache Beam pipeline"),
    "estimate": ("tf_style.cli.estimate", "say what time, memory and disk a run will take, before it"),
    "recolor": ("tf_style.cli.recolor", "give a picture the colours of another one, or of a palette"),
    "presets": ("tf_style.cli.presets", "list the presets and what to expect of them"),
    "prepare": ("tf_style.cli.prepare", "make files for training from a folder of pictures of any kind"),
    "train": ("tf_style.cli.train", "make a feed-forward network from your own pictures"),
    "distill": ("tf_style.cli.distill", "make a narrow backbone that sees as VGG-19 does"),
    "evaluate": ("tf_style.cli.evaluate", "measure paintings against their photos and styles"),
    "export": ("tf_style.cli.export", "write a SavedModel for TensorFlow Serving"),
    "inspect": ("tf_style.cli.inspect", "print what an exported model is, takes and gives"),
    "serve": ("tf_style.cli.serve", "a local stand-in for TensorFlow Serving, for development and tests"),
    "request": ("tf_style.cli.request", "let a model server paint a picture"),
}
_FAILED, _BAD_USAGE, _INTERRUPTED = 1, 2, 130


def main(argv: list[str] | None = None) -> int:
    """Runs a command.

    Args:
      argv: Arguments after the program's name; default: the process's.

    Returns:
      The exit status: 0, 1 if a file could not be written, 2 for bad input, 130 after an interruption.
    """
    status = _run(sys.argv[1:] if argv is None else argv, own_process=argv is None)
    if argv is None and status == _INTERRUPTED:  # libraries' threads may be at work still, and not take an end well
        with contextlib.suppress(OSError):  # nobody reads any more
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
    if arguments[0] not in COMMANDS:
        close = difflib.get_close_matches(arguments[0], COMMANDS, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return _refuse(f"Unknown command {arguments[0]!r}. There are: {', '.join(COMMANDS)}.{hint}")
    if own_process:
        keep_freed_memory()
    try:
        command = importlib.import_module(COMMANDS[arguments[0]][0])
        status = command.main(arguments[1:])
        sys.stdout.flush()
        return status
    except ValueError as error:  # ConfigError, ImageError, WeightsError, unknown layers: all meant for people
        if not getattr(type(error), "__module__", "").startswith("tf_style") and type(error) is not ValueError:
            raise
        from tf_style.images import WriteError

        return _refuse(str(error), _FAILED if isinstance(error, WriteError) else _BAD_USAGE)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # `tf-style presets | head`: nobody reads what is left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a disk that is full, a folder that went away
        print(f"tf-style: {error}", file=sys.stderr)
        return _FAILED


def _refuse(sentence: str, status: int = _BAD_USAGE) -> int:
    print(f"tf-style: {sentence}", file=sys.stderr)
    return status


def _usage() -> str:
    lines = [f"  {name:<9} {what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(
        ["usage: tf-style COMMAND --flag=value ...", "", *lines, "", "tf-style COMMAND --help lists a command's flags."]
    )


if __name__ == "__main__":
    sys.exit(main())

"""Where pictures come from and go to when a command names no file: standard input and output, and default names."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tf_style.config import ConfigError

_INPUTS = ("content", "style", "color_from", "content_mask", "style_masks", "keep_mask")
_STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0")
_STANDARD_OUTPUT = ("-", "/dev/stdout", "/dev/fd/1")
#: What a film that can go on has beside it: a folder of its name and this.
PARTS = ".parts"
_STATES = ("state.npz", "tf_style-tiles")  # what a run that can go on leaves in its --checkpoint_dir


@contextlib.contextmanager
def standard_streams(given: dict[str, Any]) -> Iterator[None]:
    """Lets files stand in for standard input and output, wherever they are named among the flags (`-`).

    A picture from standard input, or from a pipe of the shell (`<(...)`), is stored in a temporary file first. The
    output's file is copied to standard output when the block ends, however it ends. Messages show the streams' names.

    Args:
      given: The flags by name, as `flags.parse` returns them; the files' names take the streams' places.

    Raises:
      ConfigError: Standard input is named twice, or a stream is a terminal.
    """
    with tempfile.TemporaryDirectory(prefix="tf_style_") as folder:
        names = _store_inputs(given, Path(folder))
        output = _output_file(given, Path(folder))
        if output is not None:
            names[str(output)] = "standard output"
        if not names:
            yield
            return
        with contextlib.redirect_stderr(_Renamed(sys.stderr, names)):
            try:
                yield
            except ValueError as error:
                error.args = (_renamed(str(error), names),)
                raise
            finally:
                if output is not None and output.exists():
                    with open(output, "rb") as file:
                        shutil.copyfileobj(file, sys.stdout.buffer)
                    sys.stdout.buffer.flush()


def default_output(given: dict[str, Any], *parts: str, suffix: str = "png") -> str:
    """A file beside the first picture, named after the pictures, that does not exist yet.

    Args:
      given: The flags by name. With a --checkpoint_dir that holds the state of a run, or with the parts of a film
        beside it, the last file that exists is taken: it is that run's, which goes on.
      *parts: Paths of pictures, or words.
      suffix: The file's suffix.
    """
    first = Path(parts[0])
    if parts[0] in _STANDARD_INPUT:
        return "-"
    stem = "-".join(Path(part).stem or "picture" for part in parts)
    found = [first.parent / f"{stem}.{suffix}"]
    while found[-1].exists():
        found.append(first.parent / f"{stem}-{len(found) + 1}.{suffix}")
    state = given.get("checkpoint_dir")
    goes_on = state and any((Path(state) / name).exists() for name in _STATES)
    goes_on = goes_on or (len(found) > 1 and Path(f"{found[-2]}{PARTS}").exists())
    return str(found[-2] if goes_on and len(found) > 1 else found[-1])


def _store_inputs(given: dict[str, Any], folder: Path) -> dict[str, str]:
    """Replaces streams among the inputs by files; returns the streams' names by file."""
    names: dict[str, str] = {}

    def stored(path: str) -> str:
        is_standard = path in _STANDARD_INPUT
        if not is_standard and (not path.startswith("/dev/fd/") or os.path.isfile(path)):
            return path
        if is_standard:
            if "standard input" in names.values():
                raise ConfigError("Standard input was given twice, but it holds one picture; give a file's name.")
            if sys.stdin is None or sys.stdin.isatty():
                raise ConfigError(f"{path} is standard input, but nothing is piped into it; pipe a picture into it.")
        target = folder / f"input-{len(names)}"
        names[str(target)] = "standard input" if is_standard else path
        with open(target, "wb") as file:
            if is_standard:
                shutil.copyfileobj(sys.stdin.buffer, file)
            else:
                with open(path, "rb") as pipe:
                    shutil.copyfileobj(pipe, file)
        return str(target)

    for option in _INPUTS:
        if option in given:
            value = given[option]
            given[option] = stored(value) if isinstance(value, str) else tuple(map(stored, value))
    return names


def _output_file(given: dict[str, Any], folder: Path) -> Path | None:
    if given.get("output") not in _STANDARD_OUTPUT:
        return None
    if sys.stdout.isatty():
        raise ConfigError("The output is standard output, but that is a terminal; pipe it on, or name a file.")
    output = folder / f"output.{given.pop('format', 'png')}"
    given["output"] = str(output)
    return output


def _renamed(text: str, names: dict[str, str]) -> str:
    for path, name in names.items():
        text = text.replace(f"'{path}'", name).replace(path, name)
    return text


class _Renamed:
    """A text stream that shows streams' names for files."""

    def __init__(self, stream: Any, names: dict[str, str]) -> None:
        self._stream, self._names = stream, names

    def write(self, text: str) -> int:
        return self._stream.write(_renamed(text, self._names))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

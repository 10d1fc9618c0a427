"""`tf-style completion bash|zsh|fish`: a script that completes commands, flags, choices, presets and file names."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from tf_style.cli import flags, plain
from tf_style.cli.completion.scripts import SHELLS, Flag
from tf_style.cli.main import COMMANDS, module_of
from tf_style.config import ConfigError, is_switch
from tf_style.presets import preset_names

_USAGE = "usage: tf-style completion bash|zsh|fish"
_HELP = f"""{_USAGE}

Prints a script that completes tf-style's commands, flags, choices, presets and file names.

  bash: tf-style completion bash > ~/.local/share/bash-completion/completions/tf-style
  zsh:  tf-style completion zsh > "${{fpath[1]}}/_tf-style"
  fish: tf-style completion fish > ~/.config/fish/completions/tf-style.fish"""
FLAGS = flags.Flags(positional=("shell",))


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(_HELP)
        return 0
    shell = flags.parse("completion", FLAGS, argv).get("shell")
    if shell is None:
        raise ConfigError(f"completion takes a shell, but nothing was given; {_USAGE}.")
    if shell not in SHELLS:
        raise ConfigError(f"Unknown shell {shell!r}; completion is there for {', '.join(SHELLS)}.")
    print(SHELLS[shell]({name: list(_flags(name)) for name in COMMANDS}))
    return 0


def _flags(command: str) -> Iterator[Flag]:
    """All flags of a command."""
    row = plain.COMMANDS.get(command)
    known = row.flags if row else importlib.import_module(module_of(command)).FLAGS
    for name, text in known.extra.items():
        yield Flag(name, text, tuple(preset_names()) if name == "preset" else ())
    for field in known.fields:
        text, choices = field.metadata["help"], field.metadata["choices"]
        if is_switch(field):
            yield Flag(field.name, text, takes_value=False)
            yield Flag(f"no{field.name}", f"not: {text}", takes_value=False)
        else:
            yield Flag(field.name, text, choices, not choices and not isinstance(field.default, int | float))
    yield Flag("flagfile", "read flags from a file")
    yield Flag("help", "list all flags", takes_value=False)

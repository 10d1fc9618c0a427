"""`tf-style presets`: list the presets and what to expect of them."""

from __future__ import annotations

from tf_style.cli import flags
from tf_style.config import DEFAULT_PRESET
from tf_style.presets import load_preset, preset_names

_USAGE = "usage: tf-style presets\n\nLists the presets: what each is for, what it costs and what to expect."

FLAGS = flags.Flags()


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(_USAGE)
        return 0
    flags.parse("presets", FLAGS, argv)
    for name in preset_names():
        preset = load_preset(name)
        print(f"{name}{' (default)' if name == DEFAULT_PRESET else ''}")
        print("\n".join(f"    {line}".rstrip() for line in preset.header).rstrip())
        print()
    return 0

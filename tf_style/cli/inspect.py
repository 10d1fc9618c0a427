"""`tf-style inspect DIR`: describe an exported model, its inputs and its outputs."""

from __future__ import annotations

import json
from pathlib import Path

from tf_style.cli import flags
from tf_style.config import ConfigError, PrintOptions
from tf_style.serving.export.card import megabytes, read_card

_USAGE = "usage: tf-style inspect DIR [--json]"
_ABOUT = "Prints the card and the signatures of the newest version in DIR, or of DIR itself if it is a version."
FLAGS = flags.Flags((PrintOptions,), positional=("folder",))


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(f"{_USAGE}\n\n{_ABOUT}", FLAGS, argv))
        return 0
    given = flags.parse("inspect", FLAGS, argv)
    if "folder" not in given:
        raise ConfigError(f"inspect takes one folder, but nothing was given; {_USAGE}.")
    folder = given.pop("folder")
    if not Path(folder).is_dir():
        raise ConfigError(f"{folder} is not a folder; give the --output folder of tf-style export.")
    version, card = read_card(Path(folder))
    options = flags.take(PrintOptions, given)
    print(json.dumps(card, indent=2, sort_keys=True) if options.json else _describe(version, card))
    return 0


def _describe(version: Path, card: dict) -> str:
    limits = ", ".join(f"{name} {value}" for name, value in card["limits"].items())
    made_with = ", ".join(f"{name} {value}" for name, value in card["versions"].items())
    lines = [
        f"{version} ({megabytes(version):.0f} MB)",
        f"preset {card['preset'] or '(none)'}, {_model(card)}, stylize_bytes at {card['size'] or 'its own'} px",
        f"limits: {limits}",
        f"made with: {made_with}",
    ]
    for name, tensors in card["signatures"].items():
        lines += ["", name]
        for kind in ("inputs", "outputs"):
            lines += [f"  {kind[:-1]:<7} {tensor:<24} {text}" for tensor, text in tensors[kind].items()]
    return "\n".join(lines)


def _model(card: dict) -> str:
    if "network" not in card:
        return f"backbone {card['backbone']} in {card['compute_dtype']}, optimizer {card['optimizer']}"
    network = card["network"]
    styles = f" of {', '.join(network['styles'])}" if "styles" in network else ""
    return f"network {network['name']} ({network['kind']}{styles}) in {card['compute_dtype']}"

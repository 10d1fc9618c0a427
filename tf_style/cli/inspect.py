"""`tf-style inspect DIR`: describe an exported model, its inputs and its outputs."""

from __future__ import annotations

import json
from pathlib import Path

from tf_style.cli import flags
from tf_style.config import ConfigError, PrintOptions
from tf_style.serving.export.card import megabytes, read_card

_USAGE = "usage: tf-style inspect DIR [--json]"
_HELP = f"""{_USAGE}

Prints the card and the signatures of the newest version in DIR, or of DIR itself if it is a version.

  --json                     the whole card as JSON"""
FLAGS = flags.Flags((PrintOptions,))


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(_HELP)
        return 0
    folders = [argument for argument in argv if argument != "--json"]
    if len(folders) != 1 or folders[0].startswith("--"):
        raise ConfigError(f"inspect takes one folder, but {' '.join(argv) or 'nothing'} was given; {_USAGE}.")
    if not Path(folders[0]).is_dir():
        raise ConfigError(f"{folders[0]} is not a folder; give the --output folder of tf-style export.")
    version, card = read_card(Path(folders[0]))
    print(json.dumps(card, indent=2, sort_keys=True) if "--json" in argv else _describe(version, card))
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

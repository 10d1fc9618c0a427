"""The model's card: a JSON file beside the SavedModel that says what it is, and what it takes and gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: In the folder of a version.
CARD_FILE = Path("assets.extra", "tf_style.json")
_FORMAT = 1


class CardError(ValueError):
    """A folder without a card that can be read; the message says what to do."""


def write_card(version: Path, card: dict[str, Any]) -> None:
    """Writes the card into the folder of a version."""
    path = version / CARD_FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"format": _FORMAT, **card}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_card(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The card of a version, or of the newest version in a folder of versions.

    Args:
      folder: Of one version, or with versions in it (1/, 2/, ...).

    Returns:
      The version's folder, and the card.

    Raises:
      CardError: There is none.
    """
    path = folder if (folder / CARD_FILE).is_file() else newest_version(folder)
    if path is None or not (path / CARD_FILE).is_file():
        raise CardError(f"{folder} holds no model of tf-style export; give the folder that was its --output.")
    try:
        return path, json.loads((path / CARD_FILE).read_text(encoding="utf-8"))
    except ValueError:
        raise CardError(f"The card {path / CARD_FILE} cannot be read; export the model anew.") from None


def megabytes(folder: Path) -> float:
    """What the files of a folder take on disk, in units of 2^20 bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def newest_version(folder: Path) -> Path | None:
    """The folder with the highest number in `folder`; None where there is none."""
    versions = [path for path in folder.glob("*") if path.name.isascii() and path.name.isdigit() and path.is_dir()]
    return max(versions, key=lambda path: int(path.name), default=None)

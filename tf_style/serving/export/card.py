"""The model's card: a JSON file beside the SavedModel that describes it, its inputs and its outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: In the folder of a version.
CARD_FILE = Path("assets.extra", "tf_style.json")
_FORMAT = 1


class CardError(ValueError):
    """A folder has no readable card; the message says what to do."""


def write_card(version: Path, card: dict[str, Any]) -> None:
    """Writes the card into the folder of a version."""
    path = version / CARD_FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"format": _FORMAT, **card}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_card(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Reads the card of a version, or of the newest version in a folder of versions.

    Args:
      folder: One version, or a folder of versions (1/, 2/, ...).

    Returns:
      The version's folder, and the card.

    Raises:
      CardError: There is none.
    """
    path = folder if (folder / CARD_FILE).is_file() else newest_version(folder)
    if path is None or not (path / CARD_FILE).is_file():
        raise CardError(f"{folder} holds no model from tf-style export; give the folder that was its --output.")
    try:
        return path, json.loads((path / CARD_FILE).read_text(encoding="utf-8"))
    except ValueError:
        raise CardError(f"The card {path / CARD_FILE} cannot be read; export the model again.") from None


def megabytes(folder: Path) -> float:
    """Size of a folder's files, in units of 2^20 bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def newest_version(folder: Path) -> Path | None:
    """The folder with the highest number in `folder`; None if there is none."""
    versions = [path for path in folder.glob("*") if path.name.isascii() and path.name.isdigit() and path.is_dir()]
    return max(versions, key=lambda path: int(path.name), default=None)

"""A folder of pictures with their titles and descriptions, read from `captions.csv` where there is one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tf_style.images import READABLE_SUFFIXES
from tf_style.words import naming
from tf_style.words.naming import LibraryError

#: The list in the folder: file and caption, and, if known, title, artist, year and licence.
CAPTIONS = "captions.csv"
_NEEDED = ("file", "caption")
_BETWEEN = "|"  # separates the descriptions of a picture


class Entry(NamedTuple):
    """A picture of a library: its name (the file's, without suffix), and what is known about it."""

    style: str
    path: Path
    title: str
    artist: str = ""
    year: str = ""
    licence: str = ""
    captions: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What may be compared with a search: each description, and title and artist."""
        return (*self.captions, f"{self.title} {self.artist}".strip())


def read_library(given: str | Path = "") -> tuple[Entry, ...]:
    """The pictures of a library, by name.

    Args:
      given: A folder of pictures, with a `captions.csv` or without; "" is the package's own library.

    Raises:
      LibraryError: The folder or its list cannot be read, or a picture of the list is missing.
    """
    folder = Path(given).expanduser() if given else naming.FOLDER
    if not folder.is_dir():
        raise LibraryError(f"The style library '{folder}' is not a folder; give a folder of pictures.")
    try:
        found = {path.name: path for path in folder.iterdir() if _is_picture(path)}
    except OSError as error:
        raise LibraryError(f"The style library '{folder}' cannot be read ({error.strerror}).") from None
    entries = {name: Entry(path.stem, path, _title(path)) for name, path in found.items()}
    if (folder / CAPTIONS).is_file():
        entries |= {entry.path.name: entry for entry in _listed(folder / CAPTIONS, found)}
    if not entries:
        raise LibraryError(f"The style library '{folder}' holds no picture; put pictures into it, or give another.")
    return tuple(sorted(entries.values(), key=lambda entry: entry.path.name))


def _is_picture(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix.lower() in READABLE_SUFFIXES


def _title(path: Path) -> str:
    return path.stem.replace("_", " ").strip()


def _listed(path: Path, found: dict[str, Path]) -> Iterator[Entry]:
    for number, row in enumerate(_rows(path), 2):
        name = row["file"]
        if name not in found:
            raise LibraryError(
                f"'{path}', line {number}: there is no picture {name!r} in the folder; correct the line."
            )
        captions = tuple(filter(None, map(str.strip, row["caption"].split(_BETWEEN))))
        known = {key: row.get(key, "") for key in ("artist", "year", "licence")}
        title = row.get("title") or _title(found[name])
        yield Entry(found[name].stem, found[name], title, captions=captions, **known)


def _rows(path: Path) -> Iterable[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # -sig: spreadsheets write a byte order mark
            reader = csv.DictReader(file, skipinitialspace=True, restkey="more", restval="", strict=True)
            columns = reader.fieldnames or ()
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LibraryError(f"'{path}' cannot be read as a list ({error}); save it as CSV in UTF-8.") from None
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise LibraryError(f"'{path}' must begin with a line of column names that include {' and '.join(missing)}.")
    for number, row in enumerate(rows, 2):
        if row.pop("more", None):
            raise LibraryError(f"'{path}', line {number} has too many values; put captions with commas into quotes.")
    return [{name: value.strip() for name, value in row.items()} for row in rows]

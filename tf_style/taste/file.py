"""A profile's file: JSON that people can read, always whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tf_style.images import WriteError, replacing

FORMAT, VERSION = "taste of tf_style", 1
#: The file's fields, in order.
FIELDS = (
    "format", "version", "learned", "sure", "choices", "agreed", "styles", "controls", "library", "seed", "log",
    "merged",
)  # fmt: skip


class TasteError(ValueError):
    """A profile or an answer cannot be used; the message says what to do."""


def broken(path: str, why: str) -> TasteError:
    """The error for a file that cannot be read as a profile."""
    return TasteError(f"'{path}' is not a profile of tf-style taste ({why}); give another file, or move it away.")


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The fields of a profile's file; of their values only format and version are checked.

    Raises:
      TasteError: The file does not exist, or holds something else.
    """
    name = os.fspath(path)
    try:
        return parse(Path(path).read_bytes(), name)
    except FileNotFoundError:
        raise TasteError(
            f"There is no profile '{name}'; tf-style taste PHOTOS --profile={name} asks you and writes it."
        ) from None
    except OSError as error:
        raise TasteError(f"The profile '{name}' cannot be read ({error.strerror}).") from None


def parse(data: bytes, name: str) -> dict[str, Any]:
    """The same for a file's bytes."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise broken(name, str(error)) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise broken(name, f"its format is not {FORMAT!r}")
    if found.get("version") != VERSION:
        raise TasteError(
            f"'{name}' has version {found.get('version')!r} of profiles, but this tf_style knows version {VERSION}; "
            "install the version of tf_style that wrote it."
        )
    for field in FIELDS:
        if field not in found:
            raise broken(name, f"the field {field!r} is missing")
    for field in found:
        if field not in FIELDS:
            raise broken(name, f"the field {field!r} is not known")
    return found


def write(path: str | os.PathLike[str], fields: dict[str, Any]) -> bytes:
    """Writes a profile's file in one move, on the disk before this returns; returns its bytes.

    Raises:
      WriteError: It cannot be written; the file stays as it was.
    """
    ordered = {"format": FORMAT, "version": VERSION, **fields}
    lines = []
    for name in FIELDS:
        value = ordered[name]
        if name in ("log", "merged", "styles") and value:  # one entry a line
            rows = ",\n".join(f"    {json.dumps(entry, ensure_ascii=False)}" for entry in value)
            lines.append(f'  "{name}": [\n{rows}\n  ]')
        else:
            lines.append(f'  "{name}": {json.dumps(value, ensure_ascii=False)}')
    data = ("{\n" + ",\n".join(lines) + "\n}\n").encode()
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise WriteError(f"The profile '{os.fspath(path)}' cannot be written ({error.strerror}).") from None
    return data

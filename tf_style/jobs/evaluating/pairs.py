"""Finds which painting to measure against which photo and style."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from tf_style.config import ConfigError, EvaluateFiles


class Pair(NamedTuple):
    """The paths of a painting, of the photo it shows, and of the style image it should look like."""

    content: str
    style: str
    painting: str


def find_pairs(files: EvaluateFiles) -> list[Pair]:
    """The pairs, from the lists by position or from the CSV file.

    Raises:
      ConfigError: The CSV file cannot be read, has no rows, or lacks a column or a value.
    """
    if files.pairs:
        return _read_csv(Path(files.pairs))
    count = len(files.painting)
    content, style = (paths if len(paths) == count else paths * count for paths in (files.content, files.style))
    return [Pair(*paths) for paths in zip(content, style, files.painting, strict=True)]


def _read_csv(path: Path) -> list[Pair]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # -sig: spreadsheets write a byte order mark
            rows = csv.reader(file, strict=True)
            columns = _columns(path, next(rows, []))
            pairs = [_pair(path, rows.line_num, columns, row) for row in rows if row]
    except UnicodeDecodeError:
        raise ConfigError(f"--pairs={path} is not UTF-8 text; save it as CSV in UTF-8.") from None
    except csv.Error as error:
        raise ConfigError(f"--pairs={path} is not a valid CSV file ({error}); save it as CSV.") from None
    except OSError as error:
        raise ConfigError(
            f"--pairs={path} cannot be read ({error.strerror or error}); give the path of a CSV file."
        ) from None
    if not pairs:
        raise ConfigError(f"--pairs={path} names no painting; write one row for each below the header.")
    return pairs


def _columns(path: Path, header: list[str]) -> list[str]:
    columns = [name.strip() for name in header]
    missing = [name for name in Pair._fields if columns.count(name) != 1]
    if missing:
        came = " ".join(",".join(header).split())[:80]
        raise ConfigError(
            f"--pairs={path} must start with the line {','.join(Pair._fields)}, but it starts with {came!r}; name each "
            "of these columns once."
        )
    return columns


def _pair(path: Path, line: int, columns: list[str], row: list[str]) -> Pair:
    if len(row) != len(columns):
        raise ConfigError(
            f"Line {line} of --pairs={path} has {len(row)} values for {len(columns)} columns; give one for each "
            "(put a path that holds a comma in double quotes)."
        )
    values = dict(zip(columns, map(str.strip, row), strict=True))
    empty = [name for name in Pair._fields if not values[name]]
    if empty:
        raise ConfigError(f"Line {line} of --pairs={path} has no {empty[0]}; give the path of a picture.")
    return Pair(*(str(path.parent / values[name]) for name in Pair._fields))

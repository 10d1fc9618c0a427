"""The numbers of an evaluation as text: a row for each painting, and the medians."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

#: The table's columns, in this order.
COLUMNS = ("style_distance", "content_distance", "structural_similarity")
_MEDIAN = "median"


def medians(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = COLUMNS) -> dict[str, float]:
    """The median of each column over the rows."""
    return {name: statistics.median(row[name] for row in rows) for name in columns}


def table(rows: Sequence[Mapping[str, Any]], encoding: str = "utf-8", columns: Sequence[str] = COLUMNS) -> str:
    """The rows as aligned text; several are followed by a row of medians.

    Args:
      rows: Each has `painting` and the columns.
      encoding: Encoding of the output stream; characters that it lacks are escaped.
      columns: Names of the numbers.
    """
    lines = [["painting", *(name.replace("_", " ") for name in columns)]]
    lines += [[_shown(row["painting"], encoding), *_numbers(row, columns)] for row in rows]
    if len(rows) > 1:
        lines.append([_MEDIAN, *_numbers(medians(rows, columns), columns)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))])
        for name, *cells in lines
    )


def _numbers(row: Mapping[str, float], columns: Sequence[str]) -> list[str]:
    return [f"{row[name]:.4f}" for name in columns]


def _shown(name: str, encoding: str) -> str:
    return name.replace("\n", "\\n").encode(encoding, "backslashreplace").decode(encoding)

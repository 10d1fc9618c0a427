"""What became of each row: workers leave a file for each batch, and the machine that started them makes one of all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tf_style.images import replacing
from tf_style.jobs.folder.catalogue import job_of
from tf_style.jobs.folder.manifest import Row

RESULTS = "results.jsonl"
_BATCHES = ".results"

Outcome = dict[str, Any]


def outcome(
    row: Row, *, size: Sequence[int] | None = None, seconds: float | None = None, error: str | None = None,
    skipped: bool = False,
) -> Outcome:  # fmt: skip
    """A line about a row; `seconds` are None if the worker that painted it died before it could say.

    `remarks` are about the pictures of its batch, such as that a file has more frames than the one painted.
    """
    job = job_of(row)
    return {
        "name": job.name, "output": str(job.target), "size": size, "seconds": seconds, "error": error,
        "skipped": skipped, "remarks": [],
    }  # fmt: skip


def clear(folder: str) -> None:
    """Makes the folder, and forgets what batches of earlier runs left."""
    shutil.rmtree(Path(folder) / _BATCHES, ignore_errors=True)
    Path(folder).mkdir(parents=True, exist_ok=True)


def is_reported(batch: Sequence[Row], folder: str) -> bool:
    """Whether a worker has already done this batch."""
    return _file(batch, folder).is_file()


def report_batch(batch: Sequence[Row], outcomes: list[Outcome], folder: str) -> None:
    """Writes what became of a batch, whole or not at all."""
    _write(_file(batch, folder), outcomes)


def gather(batches: Sequence[Sequence[Row]], skipped: Sequence[Row], folder: str, unknown: str) -> list[Outcome]:
    """Writes `results.jsonl`, a line for each row in the list's order; returns the lines as dicts.

    Args:
      batches: What workers were given.
      skipped: Rows that they were not given, because their pictures existed.
      folder: The output folder.
      unknown: The error of rows about which no worker left a word and whose pictures are not there.
    """
    found = [(row, outcome(row, skipped=True, seconds=0.0)) for row in skipped]
    for batch in batches:
        told = _read(_file(batch, folder))
        for row in batch:
            error = None if Path(row.files.output).is_file() else f"'{row.files.content}': {unknown}"
            found.append((row, told.get(job_of(row).name) or outcome(row, error=error)))
    outcomes = [told for _, told in sorted(found, key=lambda pair: pair[0].number)]
    _write(Path(folder) / RESULTS, outcomes)
    shutil.rmtree(Path(folder) / _BATCHES, ignore_errors=True)
    return outcomes


def _file(batch: Sequence[Row], folder: str) -> Path:
    name = hashlib.sha256(repr([(row.number, row.files.output) for row in batch]).encode()).hexdigest()
    return Path(folder) / _BATCHES / f"{name}.jsonl"


def _read(path: Path) -> dict[str, Outcome]:
    if not path.is_file():
        return {}
    return {told["name"]: told for told in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


def _write(path: Path, outcomes: list[Outcome]) -> None:
    with replacing(path) as temporary:
        lines = (json.dumps(told, sort_keys=True) + "\n" for told in outcomes)
        temporary.write_text("".join(lines), encoding="utf-8")

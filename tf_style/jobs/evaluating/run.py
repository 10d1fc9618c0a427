"""Measures paintings, from files to a table: check, measure, report."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tf_style.config import ConfigError, EvaluateConfig, EvaluateFiles
from tf_style.images import ImageError
from tf_style.jobs.evaluating.pairs import Pair, find_pairs
from tf_style.jobs.evaluating.pictures import PictureReader, Pictures
from tf_style.jobs.evaluating.table import medians, table
from tf_style.jobs.run.inputs import check_weights, check_writable
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.jobs.run.quiet import quiet_tensorflow

if TYPE_CHECKING:
    from tf_style.jobs.evaluating.session import EvaluationSession

Tried = tuple[Pair, Pictures | ImageError]


def run(config: EvaluateConfig, files: EvaluateFiles) -> int:
    """Measures the paintings and prints the table.

    Args:
      config: All options.
      files: The pictures to compare, and where to write the record.

    Returns:
      The exit status: 0, or 1 if some of the paintings could not be measured.

    Raises:
      ConfigError, WeightsError: Before anything is measured.
      ImageError: No painting can be measured; the message says why the first cannot.
    """
    pairs = find_pairs(files)
    _check_report(files, pairs)
    check_weights(config.weights)
    if files.video:
        from tf_style.jobs.evaluating.films import measure_films

        return measure_films(config, files, pairs)
    tried = _with_a_usable_one(PictureReader(config.size, files.max_pixels).try_each(pairs))
    display = ProgressDisplay(quiet=files.quiet)
    try:
        session = _load(config, files, display)
        rows, failures = _measure_all(session, tried, len(pairs), display)
    finally:
        display.close()
    order = {pair: number for number, pair in enumerate(pairs)}
    rows.sort(key=lambda row: order[Pair(*(row[name] for name in Pair._fields))])
    try:
        if files.json:
            _write_record(session, files, rows, failures)
    finally:  # print the numbers even if the disk is full
        print(table(rows, sys.stdout.encoding or "utf-8"))
    return 1 if failures else 0


def _check_report(files: EvaluateFiles, pairs: list[Pair]) -> None:
    check_writable("json", files.json)
    inputs = {os.path.realpath(path) for path in chain([files.pairs] if files.pairs else [], *pairs)}
    if files.json and os.path.realpath(files.json) in inputs:
        raise ConfigError(f"--json={files.json} is an input of this run too; choose another name.")


def _with_a_usable_one(tried: Iterator[Tried]) -> Iterator[Tried]:
    """The same pairs, read up to the first usable one; raises the first error if there is none."""
    ahead: list[Tried] = []
    for pair, pictures in tried:
        ahead.append((pair, pictures))
        if not isinstance(pictures, ImageError):
            return chain(ahead, tried)
    error = ahead[0][1]
    assert isinstance(error, ImageError)
    raise error


def _load(config: EvaluateConfig, files: EvaluateFiles, display: ProgressDisplay) -> EvaluationSession:
    with quiet_tensorflow():
        from tf_style.jobs.evaluating.session import EvaluationSession

        session = EvaluationSession(config)
    display.say(session.headline())
    session.load(quiet=files.quiet)
    return session


def _measure_all(
    session: EvaluationSession, tried: Iterable[Tried], count: int, display: ProgressDisplay
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Returns the rows of the paintings measured, and the errors of the others, which are also printed at once."""
    rows: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    for number, (pair, pictures) in enumerate(tried, 1):
        if isinstance(pictures, ImageError):
            display.close()
            print(f"tf-style: {pair.painting} is left out: {pictures}", file=sys.stderr)
            failures.append({**pair._asdict(), "error": str(pictures)})
            continue
        if pictures.note:
            display.say(pictures.note)
        rows.append(session.measure(pair, pictures))
        if count > 1:
            display.show(f"painting {number}/{count}", number / count, 0.0, {}, last=number == count)
    return rows, failures


def _write_record(
    session: EvaluationSession, files: EvaluateFiles, rows: list[dict[str, Any]], failures: list[dict[str, str]]
) -> None:
    from tf_style.jobs.run.record import write_record

    record = {**session.record(), "rows": rows, "medians": medians(rows), "failures": failures}
    write_record(Path(files.json), record)

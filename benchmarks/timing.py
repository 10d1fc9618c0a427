"""Times of calls, for benchmarks in any interpreter."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def milliseconds(function: Callable[[], object], repeats: int) -> float:
    """The median of several calls, after one that does not count."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(1000.0 * (time.perf_counter() - start))
    return statistics.median(times)


def in_turns(measures: Mapping[str, Callable[[], float]], turns: int) -> dict[str, float]:
    """Medians of figures measured one after the other, again and again: other work on the machine slows all alike."""
    runs: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(turns):
        for name, measure in measures.items():
            runs[name].append(measure())
    return {name: statistics.median(figures) for name, figures in runs.items()}

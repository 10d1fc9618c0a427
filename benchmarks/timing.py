"""Time of one call, for benchmarks in any interpreter."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def milliseconds(function: Callable[[], object], repeats: int) -> float:
    """The median of several calls, after one that does not count."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(1000.0 * (time.perf_counter() - start))
    return statistics.median(times)

"""Counters and histograms with TensorFlow Serving's names, as a page for Prometheus."""

from __future__ import annotations

import bisect
import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")

# Microseconds: 33 limits, the last about 20 minutes.
_LIMITS = tuple(10 * 1.8**index for index in range(33))
_REQUEST_COUNT = "/tensorflow/serving/request_count"
_REQUEST_LATENCY = "/tensorflow/serving/request_latency"
_RUNTIME_LATENCY = "/tensorflow/serving/runtime_latency"
_LOAD_ATTEMPTS = "/tensorflow/cc/saved_model/load_attempt_count"
_LOAD_LATENCY = "/tensorflow/cc/saved_model/load_latency"
_COUNTERS = {
    _REQUEST_COUNT: ("model_name", "status"),
    _LOAD_ATTEMPTS: ("model_path", "status"),
    _LOAD_LATENCY: ("model_path",),
}
_HISTOGRAMS = {
    _REQUEST_LATENCY: ("model_name", "API", "entrypoint"),
    _RUNTIME_LATENCY: ("model_name", "API", "runtime"),
}


class _Histogram:
    def __init__(self) -> None:
        self.buckets = [0] * (len(_LIMITS) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.buckets[bisect.bisect_right(_LIMITS, value)] += 1
        self.total += value


class Metrics:
    """The metrics of one server; any thread may record."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in _COUNTERS}
        self._histograms: dict[str, dict[tuple[str, ...], _Histogram]] = {name: {} for name in _HISTOGRAMS}

    def request(self, model: str, status: str, api: str, entrypoint: str, seconds: float) -> None:
        """Counts a request, and adds the latency of a successful one to the histogram.

        Args:
          model: The model's name.
          status: Name of the status code.
          api: `Predict` over gRPC, `predict` over REST.
          entrypoint: `GRPC` or `REST`.
          seconds: From the request's arrival to its answer.
        """
        self._count(_REQUEST_COUNT, (model, status))
        if status == "OK":
            self._observe(_REQUEST_LATENCY, (model, api, entrypoint), seconds)

    def timed_run(self, model: str, run: Callable[[], _Result]) -> _Result:
        """Calls `run` and records how long the session took."""
        start = time.perf_counter()
        result = run()
        self._observe(_RUNTIME_LATENCY, (model, "Predict", "TF1"), time.perf_counter() - start)
        return result

    def load(self, path: str, ok: bool, seconds: float) -> None:
        """Counts an attempt to load a version."""
        self._count(_LOAD_ATTEMPTS, (path, "success" if ok else "fail"))
        self._count(_LOAD_LATENCY, (path,), int(seconds * 1e6))

    def total(self, name: str) -> int | None:
        """The sum of a counter over all labels; None if there is no such counter."""
        with self._lock:
            return sum(self._counters[name].values()) if name in self._counters else None

    def page(self) -> str:
        """All metrics in Prometheus's text format."""
        lines: list[str] = []
        with self._lock:
            for name in sorted([*_COUNTERS, *_HISTOGRAMS]):
                shown = re.sub(r"[^a-zA-Z0-9_]", ":", name)
                if name in _COUNTERS:
                    lines.append(f"# TYPE {shown} counter")
                    for values, count in self._counters[name].items():
                        lines.append(f"{shown}{{{_labels(_COUNTERS[name], values)}}} {count}")
                else:
                    lines.append(f"# TYPE {shown} histogram")
                    for values, histogram in self._histograms[name].items():
                        lines += _histogram_lines(shown, _labels(_HISTOGRAMS[name], values), histogram)
        return "\n".join(lines) + "\n"

    def _count(self, name: str, labels: tuple[str, ...], by: int = 1) -> None:
        with self._lock:
            cells = self._counters[name]
            cells[labels] = cells.get(labels, 0) + by

    def _observe(self, name: str, labels: tuple[str, ...], seconds: float) -> None:
        with self._lock:
            self._histograms[name].setdefault(labels, _Histogram()).add(seconds * 1e6)


def _histogram_lines(name: str, labels: str, histogram: _Histogram) -> list[str]:
    lines, count = [], 0
    for limit, members in zip([*(f"{limit:g}" for limit in _LIMITS), "+Inf"], histogram.buckets, strict=True):
        count += members
        lines.append(f'{name}_bucket{{{labels},le="{limit}"}} {count}')
    return [*lines, f"{name}_sum{{{labels}}} {histogram.total:g}", f"{name}_count{{{labels}}} {count}"]


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for value in values)
    return ",".join(f'{name}="{value}"' for name, value in zip(names, escaped, strict=True))

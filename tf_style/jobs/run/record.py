"""The record of a run: a JSON file that says what was done, and with what."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_style.images import replacing


def peak_memory() -> dict[str, int]:
    """Peak memory of this process and of each GPU in use, in bytes."""
    memory = {"host": _peak_resident()}
    for gpu in tf.config.list_logical_devices("GPU"):
        memory[gpu.name.removeprefix("/device:")] = int(tf.config.experimental.get_memory_info(gpu.name[8:])["peak"])
    return memory


def _peak_resident() -> int:
    status = Path("/proc/self/status")
    if status.exists():  # unlike getrusage, not inherited from the parent process
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Writes the record, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")

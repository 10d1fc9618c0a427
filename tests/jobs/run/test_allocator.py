"""The commands keep freed memory: large blocks are reused, not given back to the system and cleared again."""

import os
import platform
import subprocess
import sys

import pytest

from tf_style.cli import main as program

_SCRIPT = """
import sys
import numpy as np
from tf_style.jobs.run.allocator import keep_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

if sys.argv[1] == "keep":
    assert keep_freed_memory()
before = resident()
block = np.ones(64 * 2**20, np.uint8)
assert resident() - before > 60 * 2**20
del block
print((resident() - before) // 2**20)
"""


def left_after_freeing(mode: str) -> int:
    """MiB that stay after 64 MiB were freed."""
    command = [sys.executable, "-c", _SCRIPT, mode]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator is told to keep memory")
def test_freed_memory_stays_with_a_process_that_asks_for_it():
    assert left_after_freeing("keep") > 60
    assert left_after_freeing("leave") < 4


def test_commands_take_memory_of_gpus_as_they_need_it(monkeypatch):
    """Unless the user says else: TensorFlow would take all of it at once."""
    monkeypatch.setattr(program, "keep_freed_memory", lambda: None)
    monkeypatch.setattr(sys, "argv", ["tf-style", "presets"])
    monkeypatch.delenv("TF_FORCE_GPU_ALLOW_GROWTH", raising=False)
    assert program.main() == 0
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "false")
    assert program.main() == 0
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "false"


def test_other_c_libraries_are_left_alone(monkeypatch):
    from tf_style.jobs.run import allocator

    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: ("", ""))
    assert not allocator.keep_freed_memory()

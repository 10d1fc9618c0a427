"""Files appear whole or not at all, and what a killed process left is removed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tf_style.images import replacing, writing

PIXELS = np.zeros((40, 40, 3), np.float32)
HOLD = """
import sys, time
from tf_style.images import replacing
with replacing(sys.argv[1]) as temporary:
    temporary.write_bytes(b"half a file")
    print("writing", flush=True)
    time.sleep(100)
"""


def hidden(folder):
    return sorted(path for path in folder.iterdir() if path.name.startswith("."))


def make_old(*paths):
    for path in paths:
        os.utime(path, (time.time() - 60,) * 2)


@pytest.fixture
def as_a_new_process(monkeypatch):
    monkeypatch.setattr(writing, "_cleaned", set())


def test_leftovers_of_a_killed_process_are_removed_and_files_of_living_ones_kept(tmp_path, as_a_new_process):
    processes = []
    for name in ("killed.png", "living.png"):
        command = [sys.executable, "-c", HOLD, str(tmp_path / name)]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        assert processes[-1].stdout.readline() == b"writing\n"
    killed, living = processes
    before = hidden(tmp_path)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    make_old(*before)
    (tmp_path / ".tf_style-fresh.png").touch()
    (tmp_path / ".other-program").touch()
    writing.write_image(tmp_path / "new.png", PIXELS)
    left = hidden(tmp_path)
    living.kill()
    living.wait()
    names = [path.name for path in left]
    assert len(before) == 2 and len(left) == 3 and {".tf_style-fresh.png", ".other-program"} < set(names)
    assert not (tmp_path / "killed.png").exists()


def test_a_block_that_fails_leaves_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("a.txt")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
        raise KeyboardInterrupt
    assert (tmp_path / "a.txt").read_text() == "old" and not hidden(tmp_path)
    with replacing(tmp_path / "link.txt") as temporary:
        assert temporary.suffix == ".txt"
        temporary.write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new" and (tmp_path / "link.txt").is_symlink() and not hidden(tmp_path)

"""The command that most tests of films run, with a tiny network, whole or stopped, in parts of a few frames."""

import json
import time

import numpy as np

from tests import command
from tf_style.cli.main import main
from tf_style.jobs.film import run as job

FEW = 5
SECONDS = 200  # longer than any of these runs takes on a slow machine
PAINT = ("--network=network.npz", "--style=a", "--compute_dtype=float32")


def stopped(folder, arguments, output, number, frames=1):
    """Starts a command and sends a signal once so many frames are in parts; returns its status and what it says."""
    process = command.fork([*arguments, f"--output={output}"], folder, setup=_small_parts)
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline and _in_parts(folder / f"{output}.parts") < frames:
        time.sleep(0.005)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=SECONDS)
    return process.returncode, stderr


def _small_parts():
    job._PART = FEW


def _in_parts(folder):
    try:
        with np.load(folder / "state.npz") as arrays:
            return json.loads(str(arrays["facts"]))["num_frames"]
    except (OSError, ValueError, EOFError):
        return 0


def video(*flags, content="clip.mp4"):
    """Paints `content`; flags replace those of PAINT."""
    return main(["video", f"--content={content}", *command.over(PAINT, flags)])

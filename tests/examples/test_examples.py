"""The examples run as they are, only smaller."""

import re
import runpy
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tests import command

pytestmark = pytest.mark.slow

EXAMPLES = command.ROOT / "examples"
SIZE = 56
#: Script -> the pictures it writes, long side SIZE.
PAINTINGS = {
    "in_a_dataset.py": ("lighthouse.png", "mountain_lake.png", "woman_with_hat.png"),
    "in_a_function.py": ("eager.png", "in_a_function.png"),
    "keras_layer.py": ("keras_layer.png",),
    "train_on_jax.py": ("great_wave.png",),
    "webcam.py": ("webcam.png",),
    "worker_pool.py": ("lighthouse.png", "mountain_lake.png"),
}
#: Script -> its flags, if it has no steps to take fewer of.
OWN_FLAGS = {
    "train_on_jax.py": ["--num_steps=4"],
    "webcam.py": ["--camera=clip.mp4"],
    "worker_pool.py": ["--num_workers=1"],
}
#: Script -> a line it prints, with a number that may not be larger than the one here.
CLAIMS = {
    "in_a_dataset.py": (r"traced (\d+) time\(s\) for 3 pictures", 1),
    "in_a_function.py": (r"Largest difference between the two: (\S+),", 2e-2),
    "keras_layer.py": (r"Largest difference between the two models: (\S+) of 255", 1e-3),
    "train_on_jax.py": (r"step 4/4  loss (\S+)", 85.0),  # 96 at first
    "webcam.py": (r"frames a second, (\d+) dropped", 5),
}


def run_in_a_process(path, arguments, folder):
    """In this one, Keras has its backend already."""
    variables = command.environment(folder / "keras", JAX_PLATFORMS="cpu", JAX_DISABLE_MOST_OPTIMIZATIONS="1")
    line = [sys.executable, str(path), *arguments]
    done = subprocess.run(line, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    return command.Outcome(done.returncode, done.stdout, done.stderr)


def test_every_example_is_run():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PAINTINGS)


@pytest.mark.parametrize("name", PAINTINGS)
def test_example(name, tmp_path):
    output = tmp_path / "painted"
    if name == "webcam.py":
        from tests.video.clips import make_clip  # it needs PyAV

        make_clip(tmp_path / "clip.mp4", range(6))
    arguments = [f"--size={SIZE}", *OWN_FLAGS.get(name, ["--num_steps=2"]), f"--output_dir={output}"]
    if name == "train_on_jax.py":
        pytest.importorskip("jax", reason="The example runs on it: pip install jax")
        done = run_in_a_process(EXAMPLES / name, arguments, tmp_path)
    else:
        done = command.run_script(EXAMPLES / name, arguments, tmp_path)
    assert done.status == 0, done.stdout + done.stderr
    for painting in PAINTINGS[name]:
        with Image.open(output / painting) as image:
            assert max(image.size) == SIZE
            assert len(image.convert("RGB").getcolors(SIZE * SIZE)) > 100
    if name not in CLAIMS:
        return
    pattern, limit = CLAIMS[name]
    found = re.search(pattern, done.stdout)
    assert found, done.stdout
    assert float(found[1]) <= limit


@pytest.mark.parametrize("name", PAINTINGS)
def test_example_says_what_it_shows(name):
    header = (EXAMPLES / name).read_text(encoding="utf-8").split('"""')[1]
    assert "Shows: " in header
    assert f"python examples/{name} --output_dir=" in header


def test_the_camera_drops_frames_rather_than_lag(tmp_path):
    from tests.video.clips import make_clip

    def gray(height, width, place):
        return np.full((height, width, 3), 10 * place, np.uint8)

    make_clip(tmp_path / "clip.mp4", range(24), pictures=gray, rate=Fraction(20), sounds=())
    camera = runpy.run_path(str(EXAMPLES / "webcam.py"))["Camera"](str(tmp_path / "clip.mp4"))
    began, places, times = None, [], []
    for frame in camera:
        began = began or time.monotonic()
        places.append(frame.mean() / 10)
        times.append(time.monotonic() - began)
        time.sleep(0.2)  # to paint it
    assert places[0] < 1
    assert places[-1] > 22.5
    assert camera.dropped == 24 - len(places) > 5
    for place, seconds in zip(places[:-1], times, strict=False):
        assert abs(place - 20 * seconds) < 6  # frames; what is shown is what is there now

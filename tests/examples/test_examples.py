"""The examples run as they are, only smaller."""

import re

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
    "worker_pool.py": ("lighthouse.png", "mountain_lake.png"),
}
#: Script -> its flags, if it has no steps to take fewer of.
OWN_FLAGS = {"worker_pool.py": ["--num_workers=1"]}
#: Script -> a line it prints, with a number that may not be larger than the one here.
CLAIMS = {
    "in_a_dataset.py": (r"traced (\d+) time\(s\) for 3 pictures", 1),
    "in_a_function.py": (r"Largest difference between the two: (\S+),", 2e-2),
    "keras_layer.py": (r"Largest difference between the two models: (\S+) of 255", 1e-3),
}


def test_every_example_is_run():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PAINTINGS)


@pytest.mark.parametrize("name", PAINTINGS)
def test_example(name, tmp_path):
    output = tmp_path / "painted"
    arguments = [f"--size={SIZE}", *OWN_FLAGS.get(name, ["--num_steps=2"]), f"--output_dir={output}"]
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

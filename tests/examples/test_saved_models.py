"""The examples of an exported model in other programs, run as they are on a real export.

Where only failures matter, it is a model that mixes colors, with the same signatures.
"""

import importlib.util
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests import command

EXAMPLES = command.ROOT / "examples" / "saved_model"
PICTURES = command.ROOT / "examples" / "pictures"
SIZE = 56
#: Script -> the pictures it writes, long side SIZE.
PAINTINGS = {
    "in_a_dataset.py": ("lighthouse.png", "mountain_lake.png", "woman_with_hat.png"),
    "keras_layer.py": ("keras_layer.png",),
}
#: Script -> a line it prints, with a number that may not be larger than the one here.
CLAIMS = {
    "in_a_dataset.py": (r"Modules of tf_style in this process: (\d+)", 0),
    "keras_layer.py": (r"Largest difference between alone and in a batch: (\S+) of 255", 1),
}
NO_BEAM = "apache-beam is not installed; the extra `beam` brings it"
needs_beam = pytest.mark.skipif(importlib.util.find_spec("apache_beam") is None, reason=NO_BEAM)


def run(name, arguments, folder):
    arguments = [sys.executable, EXAMPLES / name, *map(str, arguments)]
    environment = command.environment(folder / "keras", TF_CPP_MIN_LOG_LEVEL="3")
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    from tests.examples.saved_models import write_fake

    return write_fake(tmp_path_factory.mktemp("fake") / "1")


@pytest.fixture(scope="module")
def exported():
    from tests.serving.export.exported import small_model

    return small_model()


def assert_painted(name, model, folder):
    output = folder / "painted"
    done = run(name, [f"--model={model}", f"--size={SIZE}", "--num_steps=2", f"--output_dir={output}"], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    for painting in PAINTINGS[name]:
        with Image.open(output / painting) as image:
            assert max(image.size) == SIZE
            assert len(image.convert("RGB").getcolors(SIZE * SIZE)) > 20
    pattern, limit = CLAIMS[name]
    found = re.search(pattern, done.stdout)
    assert found, done.stdout
    assert float(found[1]) <= limit


def test_every_example_is_run():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*PAINTINGS, "beam_folder.py"}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_example_says_what_it_shows(path):
    header = path.read_text(encoding="utf-8").split('"""')[1]
    assert "Shows: " in header
    assert f"python examples/saved_model/{path.name} --model=models/tf_style/1" in header
    assert "tf-style export --output=models/tf_style" in header


@pytest.mark.slow
@pytest.mark.parametrize("name", PAINTINGS)
def test_example(name, exported, tmp_path):
    assert_painted(name, exported, tmp_path)


# --- Apache Beam ------------------------------------------------------------------------------------------------------


def run_beam(model, folder, *others):
    arguments = [f"--model={model}", f"--style={PICTURES / 'great_wave.jpg'}", f"--output_dir={folder / 'painted'}"]
    # Not Beam's Prism, which the DirectRunner may download.
    runner = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
    return run("beam_folder.py", [*arguments, f"--input={folder}/photos/*", runner, *others], folder)


def photos(folder):
    (folder / "photos").mkdir()
    for seed, (height, width) in enumerate([(40, 56), (56, 33)]):
        command.write_picture(folder / "photos" / f"photo_{seed}.jpg", height, width, seed)


@needs_beam
@pytest.mark.slow
def test_beam_paints_a_folder(exported, tmp_path):
    photos(tmp_path)
    done = run_beam(exported, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Painted 2 pictures into" in done.stdout
    for seed, size in enumerate([(56, 40), (33, 56)]):
        with Image.open(tmp_path / "painted" / f"photo_{seed}.png") as painting:
            assert painting.size == size
            with Image.open(tmp_path / "photos" / f"photo_{seed}.jpg") as photo:
                assert np.any(np.asarray(painting) != np.asarray(photo))


@needs_beam
def test_beam_reports_a_file_that_is_no_picture_and_paints_the_others(fake, tmp_path):
    photos(tmp_path)
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    done = run_beam(fake, tmp_path)
    assert done.returncode == 1
    assert "Painted 2 pictures into" in done.stdout
    assert "1 could not be painted." in done.stdout
    assert "notes.txt could not be painted: " in done.stderr
    assert len(list((tmp_path / "painted").iterdir())) == 2


@needs_beam
@pytest.mark.parametrize("runner", ["Flink", "Spark", "Dataflow", "Dataflow with a GPU"])
def test_beam_knows_the_documented_flags(runner, tmp_path):
    from apache_beam.options.pipeline_options import PipelineOptions

    text = (command.ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {runner} \| .*$", text, re.MULTILINE)
    flags = re.findall(r"--(\w+)=('[^']*'|[^\s`]+)", row)
    assert len(flags) >= 2
    known = PipelineOptions([f"--{name}={value}" for name, value in flags]).get_all_options(drop_default=True)
    assert {name for name, _ in flags} <= set(known) | {"runner", "machine_type"}

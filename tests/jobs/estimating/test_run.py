"""What a run will take: the arithmetic, and the command; how near it comes is measured in benchmarks/estimates.py."""

import json
from types import SimpleNamespace

import pytest

from tests import command
from tests.materials import assert_refused, colorful, picture
from tf_style import images
from tf_style.jobs.estimating.probes import Curve, MeasuredTile, Probes, _probe_sizes
from tf_style.stylizers.tiling import make_tiles


def test_lines_between_and_beyond():
    curve = Curve((100.0, 200.0, 400.0), (1.0, 3.0, 4.0), (0.1, 0.2, 0.4), (10.0, 10.0, 30.0), 5.0)
    assert [curve.at(pixels) for pixels in (100, 150, 300, 600)] == pytest.approx([1.0, 2.0, 3.5, 5.0])
    assert curve.begin_at(800) == pytest.approx(0.8)
    assert curve.memory_at(300) == 30.0  # what was reached stays the peak
    assert curve.memory_at(800) == pytest.approx(70.0)
    assert Curve((100.0,), (2.0,), (0.1,), (10.0,), 0.0).at(50) == pytest.approx(1.0)


def test_probes_are_small_and_of_the_pictures_aspect():
    sizes = _probe_sizes((1000, 3000), 1, ((0.04, 0.16, 0.5), 640 * 640))
    assert len(sizes) == 3
    assert sizes[-1][0] * sizes[-1][1] == pytest.approx(640 * 640, rel=0.01)
    assert all(width / height == pytest.approx(3.0, rel=0.02) for height, width in sizes)
    assert _probe_sizes((64, 64), 1, ((0.04, 0.16, 0.5), 640 * 640)) == [(64, 64)]
    assert _probe_sizes((161, 161), 1, ((0.04, 0.16, 0.5), 640 * 640)) == [(64, 64), (114, 114)]
    assert all(side % 16 == 0 for size in _probe_sizes((160, 320), 16, ((0.5,), 640 * 640)) for side in size)


def test_tiles_are_reckoned_as_they_are(monkeypatch):
    """Seconds go by the pixels of the very tiles, margins and all, measured on the largest one."""
    probes, objective = object.__new__(Probes), SimpleNamespace(margin=80, stride=16)
    probes._objective, probes._tile, probes._stylizer, seen = objective, None, None, []

    def measure(objective, side, shape):
        seen.append(shape)
        area = shape[0] * shape[1]
        return MeasuredTile(shape, 1e-6 * area, 1e-5 * area, 0.5)

    monkeypatch.setattr(probes, "_measure_tile", measure, raising=False)
    for size in ((1449, 1449), (1536, 1536), (2560, 1440), (4096, 4096)):
        areas = [tile.shape[0] * tile.shape[1] for tile in make_tiles(size, 1024, 80, 16)]
        found = probes.tiled(size, 1024)
        strips = 0.5 * size[0] * size[1] / 2_000_000
        assert found.prepare_seconds == pytest.approx(1e-6 * sum(areas))
        assert found.step_seconds == pytest.approx(1e-5 * sum(areas) + strips)
        assert max(height * width for height, width in seen) >= max(areas)  # memory is that of the largest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("estimate")
    images.write_image(place / "content.png", picture(96, 144, seed=1)[0].numpy())
    images.write_image(place / "style.png", colorful(2, (80, 100))[0].numpy())
    images.write_image(place / "mask.png", colorful(3, (96, 144))[0].numpy())
    (place / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return place


BASE = ["estimate", "--content=content.png", "--style=style.png", *command.SHORT]
RUNS = {
    "whole": ["--size=0", "--min_size=48", "--scale_factor=2", "--num_steps=7", "--first_steps=9"],
    "tiled": ["--size=400", "--tile_size=128", "--min_size=100", "--scale_factor=2", "--tile_steps=2"],
    "masks": ["--size=0", "--content_mask=mask.png", "--keep_mask=mask.png"],
    "lbfgs": ["--size=0", "--optimizer=lbfgs", "--content_layers=conv1_1", "--style_layers=conv1_1"],
}
REFUSED = {
    "no style": (["estimate", "--content=content.png"], "--style must be given"),
    "no file": ([*BASE, "--content=nowhere.png"], "nowhere.png"),
    "broken": ([*BASE, "--content=broken.png"], "broken.png"),
    "manifest": ([*BASE, "--manifest=a.csv"], "--manifest"),
    "mask": ([*BASE, "--content_mask=nowhere.png"], "nowhere.png"),
    "tiled lbfgs": ([*BASE, "--size=400", "--tile_size=128", "--optimizer=lbfgs"], "--optimizer=adam"),
    "option": ([*BASE, "--num_steps=0"], "num_steps"),
}


@pytest.fixture(scope="module")
def outcomes(folder):
    lines = {name: [*BASE, *more, f"--json={name}.json"] for name, more in RUNS.items()}
    lines["network"] = ["estimate", *BASE[1:3], "--preset=instant", "--size=0", "--json=network.json"]
    lines |= {name: line for name, (line, _) in REFUSED.items()}
    compiled = {name: lines.pop(name) for name in ("lbfgs",)}  # thousands of small operations, if not
    with command.eagerly():
        found = command.run_lines(lines, folder)
    return found | command.run_lines(compiled, folder)


@pytest.mark.parametrize("name", [*RUNS, "network"])
def test_says_steps_time_and_memory(name, outcomes, folder):
    outcome = outcomes[name]
    assert outcome.status == 0, outcome.stderr
    found = json.loads((folder / f"{name}.json").read_text())
    assert 0 < found["step_seconds"] < found["seconds"]
    assert 10**8 < found["memory_bytes"] < 10**11
    words = [line.split()[0] for line in outcome.stdout.splitlines()[1:]]
    assert {"size", "time", "memory"} <= set(words)
    assert not (folder / "result.png").exists()


def test_plans_are_those_of_the_run(outcomes, folder):
    whole, tiled = (json.loads((folder / f"{name}.json").read_text()) for name in ("whole", "tiled"))
    assert whole["size"] == [96, 144]
    assert (whole["scales"], whole["steps"]) == ([[48, 72], [96, 144]], [9, 7])
    assert whole["first_tiled"] == 2
    assert whole["disk_bytes"] == 0
    assert tiled["steps"][tiled["first_tiled"] :] == [2] * (len(tiled["steps"]) - tiled["first_tiled"])
    assert tiled["first_tiled"] < len(tiled["steps"])
    assert tiled["disk_bytes"] > 0
    assert "disk" in outcomes["tiled"].stdout


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name, outcomes):
    assert_refused(outcomes[name], REFUSED[name][1])


def test_pictures_are_checked_before_tensorflow_is_loaded(folder):
    """So that mistakes are told at once, and TensorFlow's notices are held back where it is."""
    outcome = command.run_lines({"refused": REFUSED["no file"][0]}, folder, fresh=True)["refused"]
    assert_refused(outcome, "nowhere.png")
    assert "tensorflow" not in outcome.modules

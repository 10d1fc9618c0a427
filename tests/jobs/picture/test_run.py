"""Whole runs of `tf-style stylize`: the picture, what is said on the way, and every report.

Two have a process of their own: one at a terminal, and one without that runs several command lines, as users start it.
Others, which differ in options only, run in this process and without traces.
"""

import dataclasses
import fcntl
import hashlib
import json
import os
import pty
import re
import struct
import sys
import termios
import time

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image, JpegImagePlugin
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests import command
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.images import read_image
from tf_style.version import __version__

pytestmark = pytest.mark.slow

TERMS = ("content", "style", "total_variation")
NOTICES = ("oneDNN", "cuda", "CUDA", "TF_ENABLE", "WARNING", "E0000", "I0000", "W0000", "cpu_feature_guard", "Warning")
COLUMNS = 80
TWO_SCALES = ("--min_size=34", "--scale_factor=1.1")  # 44 x 33, then 48 x 36

LINES = {
    "quiet": ["--output=quiet.png", "--quiet", "--figure=quiet_figure.svg"],  # the first: it loads TensorFlow
    "full": [
        "--output=new/full.png",
        "--figure=figure.png",
        "--json=record.json",
        "--tensorboard_dir=board",
        *TWO_SCALES,
        "--first_steps=4",
        "--style_weight=7",
        "--preset=mine.cfg",
    ],
    "own size": ["--output=own.png", "--size=0", "--content=odd.png"],
    "alpha": ["--output=alpha.png", "--content=alpha.png.in"],
    "16-bit png": ["--output=deep.png", "--bit_depth=16", "--content=alpha.png.in"],
    "16-bit tiff": ["--output=deep.tif", "--bit_depth=16"],
    "jpeg": ["--output=out.jpg"],
    "webp": ["--output=out.webp"],
    "noise": ["--output=noise.png", "--init=noise", "--seed=5"],
    "noise again": ["--output=again.png", "--init=noise", "--seed=5"],
    "other noise": ["--output=other.png", "--init=noise", "--seed=6"],
    "compiled by XLA": ["--output=xla.png", "--jit_compile"],
    "two styles": ["--output=two.png", "--style=style.jpg,other.jpg", "--style_blend=3,1"],
    "first of two": ["--output=first.png", "--style=style.jpg,other.jpg", "--style_blend=1,0"],
    "second of two": ["--output=second.png", "--style=style.jpg,other.jpg", "--style_blend=0,1"],
    "stopped early": ["--output=early.png", "--num_steps=120", "--relative_tolerance=0.9", "--json=early.json"],
}
#: What runs in a process of its own.
AS_STARTED = ("quiet", "full", "compiled by XLA", "stopped early")


def _command(*flags):
    return command.over(["stylize", "--content=content.png", "--style=style.jpg", *command.SHORT], flags)


def _write_inputs(folder):
    command.write_picture(folder / "content.png", 45, 60)  # 4:3, painted at 48 x 36
    command.write_picture(folder / "odd.png", 41, 53)
    command.write_picture(folder / "style.jpg", 50, 40, seed=1)
    command.write_picture(folder / "other.jpg", 40, 64, seed=2)
    command.write_picture(folder / "alpha.png", 36, 48, seed=3, mode="RGBA").rename(folder / "alpha.png.in")
    (folder / "mine.cfg").write_text("# Mine.\n--learning_rate=0.03\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    _write_inputs(folder)
    return folder


@pytest.fixture(scope="module")
def outcomes(folder):
    lines = {name: _command(*flags) for name, flags in LINES.items()}
    found = command.run_lines({name: lines[name] for name in AS_STARTED}, folder, fresh=True)
    with command.eagerly():
        return found | command.run_lines({name: lines[name] for name in LINES if name not in AS_STARTED}, folder)


@pytest.fixture(scope="module")
def record(outcomes, folder):
    return json.loads((folder / "record.json").read_text())


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LINES)
def test_a_run_ends_well(outcomes, name):
    assert outcomes[name].status == 0, outcomes[name].stderr
    assert outcomes[name].stdout == ""


def test_nothing_is_left_behind(outcomes, folder):
    written = {flag.split("=", 1)[1].split("/")[0] for flags in LINES.values() for flag in flags if "=" in flag}
    inputs = {"content.png", "odd.png", "style.jpg", "other.jpg", "alpha.png.in", "mine.cfg", "keras"}
    assert {path.name for path in folder.iterdir()} <= written | inputs


def test_the_picture_has_the_contents_aspect_and_is_painted(outcomes, folder):
    with Image.open(folder / "new" / "full.png") as image:
        assert (image.size, image.mode) == ((48, 36), "RGB")
        painted = np.asarray(image, np.float32)
    with Image.open(folder / "content.png") as image:
        content = np.asarray(image.resize((48, 36), Image.Resampling.LANCZOS), np.float32)
    difference = np.abs(painted - content).mean()
    assert 1 < difference < 60, "painted, and still the content"


def test_size_0_keeps_the_exact_size(outcomes, folder):
    assert Image.open(folder / "own.png").size == (53, 41)


def test_alpha_is_carried_to_the_output(outcomes, folder):
    with Image.open(folder / "alpha.png.in") as given, Image.open(folder / "alpha.png") as painted:
        assert painted.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(painted)[..., 3], np.asarray(given)[..., 3])
        assert np.asarray(painted)[..., 3].std() > 10


def test_16_bit_png(outcomes, folder):
    data = (folder / "deep.png").read_bytes()
    assert data[24] == 16, "bits a sample, in the header"
    picture = read_image(folder / "deep.png")
    assert picture.bit_depth == 16
    assert picture.alpha is not None
    levels = np.round(picture.pixels * 65535).astype(int)
    assert np.mean(levels % 257 != 0) > 0.9, "more than 8 bits of picture in 16 bits of file"


def test_16_bit_tiff(outcomes, folder):
    pixels = tifffile.imread(folder / "deep.tif")
    assert (pixels.dtype, pixels.shape) == (np.uint16, (36, 48, 3))
    assert np.mean(pixels % 257 != 0) > 0.9


def test_jpeg_has_full_color_resolution(outcomes, folder):
    with Image.open(folder / "out.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (48, 36))
        assert JpegImagePlugin.get_sampling(image) == 0, "4:4:4"


def test_webp(outcomes, folder):
    with Image.open(folder / "out.webp") as image:
        assert (image.format, image.size) == ("WEBP", (48, 36))


def test_the_same_seed_gives_the_same_bytes(outcomes, folder):
    noise, again, other = ((folder / name).read_bytes() for name in ("noise.png", "again.png", "other.png"))
    assert noise == again
    assert noise != other


def test_styles_are_blended_by_their_shares(outcomes, folder):
    names = ("quiet.png", "first.png", "two.png", "second.png")
    alone, first, two, second = (read_image(folder / name).pixels for name in names)
    assert np.abs(first - alone).max() < 0.02, "a style without a share changes nothing"
    assert np.abs(first - second).mean() > 0.01
    assert np.abs(two - first).mean() < np.abs(two - second).mean()


def test_a_run_stops_early_at_a_tolerance(outcomes, folder):
    record = json.loads((folder / "early.json").read_text())
    assert record["steps"] == 100, "the second look at the loss"
    assert (folder / "early.png").exists()


# --- what is said -----------------------------------------------------------------------------------------------------


def test_quiet_says_nothing(outcomes):
    assert outcomes["quiet"].stderr == ""


@pytest.mark.parametrize("name", [name for name in LINES if name != "quiet"])
def test_the_backbone_is_named_first_with_the_reason(outcomes, name):
    first = outcomes[name].stderr.splitlines()[0]
    assert first.startswith("Backbone compact_vgg19 in float32 on ")
    assert "as asked" in first


def test_without_a_terminal_progress_comes_in_plain_lines(outcomes):
    _, *lines, last = outcomes["full"].stderr.splitlines()
    assert "\r" not in outcomes["full"].stderr
    assert re.fullmatch(r"Wrote new/full\.png \(\d+ s\)\.", last)
    assert len(lines) >= 2, "the first step and the last"
    for line in lines:
        assert re.fullmatch(
            r"scale [12]/2 \(\d+x\d+\)  step \d/7  loss [\d.e+-]+ "
            r"\(content [\d.e+-]+, style [\d.e+-]+, total_variation [\d.e+-]+\)  (--:--|\d+:\d\d) left",
            line,
        ), line
    assert lines[0].startswith("scale 1/2 (44x33)  step 1/7")
    assert lines[-1].startswith("scale 2/2 (48x36)  step 7/7")
    assert lines[-1].endswith("0:00 left")


@pytest.mark.parametrize("name", AS_STARTED)
def test_tensorflow_says_nothing(outcomes, name):
    for notice in NOTICES:
        assert notice not in outcomes[name].stderr


# --- reports ----------------------------------------------------------------------------------------------------------


def test_the_record_holds_all_settings(record):
    settings = record["settings"]
    assert settings.keys() == {field.name for field in dataclasses.fields(StylizeConfig)}
    assert (settings["size"], settings["style_weight"], settings["learning_rate"]) == (48, 7.0, 0.03)
    assert settings["style_layers"] == ["conv1_1", "conv2_1"]
    assert record["preset"] == "mine"
    assert record["files"].keys() == {field.name for field in dataclasses.fields(StylizeFiles)}
    assert record["files"]["style"] == ["style.jpg"]


def test_the_record_holds_what_was_really_used(record):
    assert record["backbone"]["name"] == "compact_vgg19"
    assert record["backbone"]["compute_dtype"] == "float32"
    assert record["backbone"]["reason"]
    assert record["versions"].keys() >= {"tf_style", "python", "tensorflow", "keras", "numpy"}
    assert record["versions"]["tf_style"] == __version__
    assert record["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert any("CPU" in device for device in record["devices"])
    assert "style" in record["objective"]


def test_the_record_holds_what_came_of_it(record):
    assert record["size"] == [36, 48]
    assert record["steps"] == 7
    assert record["objective_evaluations"] == 7
    assert record["losses"].keys() == set(TERMS)
    assert record["loss"] == pytest.approx(sum(record["losses"].values()))
    assert record["loss"] > 0
    assert [row["step"] for row in record["history"]] == list(range(1, 8))
    assert record["history"][-1] == {"step": 7, "loss": record["loss"], **record["losses"]}
    assert 0 < record["painting_seconds"] <= record["seconds"] < 300
    assert 50e6 < record["peak_memory_bytes"]["host"] < 50e9


def test_the_figure_is_a_picture(outcomes, folder):
    with Image.open(folder / "figure.png") as figure:
        figure.load()
        assert figure.width > 2 * figure.height, "side by side"
        assert len(figure.convert("RGB").getcolors(figure.width * figure.height)) > 100
    assert "<svg" in (folder / "quiet_figure.svg").read_text()


def test_tensorboard_holds_every_term_and_pictures(outcomes, folder, record):
    events = EventAccumulator(str(folder / "board"), size_guidance={"tensors": 0})
    events.Reload()
    assert set(events.Tags()["tensors"]) == {"loss", *(f"loss/{term}" for term in TERMS), "picture"}
    for tag, key in [("loss", "loss"), *((f"loss/{term}", term) for term in TERMS)]:
        scalars = events.Tensors(tag)
        assert [event.step for event in scalars] == list(range(1, 8))
        values = [float(tf.make_ndarray(event.tensor_proto)) for event in scalars]
        np.testing.assert_allclose(values, [row[key] for row in record["history"]], rtol=1e-6)
    pictures = events.Tensors("picture")
    assert [event.step for event in pictures] == [1, 7], "the first and the last"
    width, height, png = pictures[-1].tensor_proto.string_val
    assert (int(width), int(height)) == (48, 36)
    assert png.startswith(b"\x89PNG")


# --- at a terminal ----------------------------------------------------------------------------------------------------


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except BlockingIOError:
        return b""
    except OSError:  # the other side was closed
        return None


@pytest.fixture(scope="module")
def at_terminal(folder):
    """What a terminal of 80 columns was sent, and the digests of the output file seen while the process ran.

    It belongs to somebody whose own programs run Keras on JAX.
    """
    terminal, other_side = pty.openpty()
    fcntl.ioctl(other_side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    os.set_blocking(terminal, False)
    output = folder / "previews" / "out.png"
    flags = ["--output=previews/out.png", "--save_every=2", "--num_steps=40", *TWO_SCALES, "--init=noise"]
    process = command.start(_command(*flags), folder, stderr=other_side, TERM="xterm", KERAS_BACKEND="jax")
    os.close(other_side)
    text, seen, deadline = b"", {}, time.monotonic() + 200
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        text += _read(terminal) or b""
        if output.exists():
            data = output.read_bytes()
            seen.setdefault(hashlib.sha256(data).hexdigest(), data)
        if ended:
            break
        time.sleep(0.002)
    process.kill()
    while more := _read(terminal):
        text += more
    os.close(terminal)
    assert process.wait() == 0, text.decode()
    return text.decode(), list(seen.values())


def test_progress_at_a_terminal_is_one_changing_line(at_terminal):
    text, _ = at_terminal
    lines = [line for line in text.split("\r\n") if line]
    assert len(lines) == 3, lines
    headline, progress, last = lines
    assert headline.startswith("Backbone compact_vgg19")
    assert last.startswith("Wrote previews/out.png")
    shown = [part.rstrip() for part in progress.split("\r") if part]
    assert len(shown) == 80, "each step"
    assert shown[0].startswith("scale 1/2 (44x33)  step 1/80  loss ")
    assert shown[-1].startswith("scale 2/2 (48x36)  step 80/80  loss ")
    assert all(part.endswith(" left") for part in shown)
    assert max(len(part) for part in progress.split("\r")) < COLUMNS, "a line that wraps cannot be overwritten"


def test_tensorflow_says_nothing_at_a_terminal(at_terminal):
    for notice in NOTICES:
        assert notice not in at_terminal[0]


def test_save_every_writes_the_picture_so_far(at_terminal, folder):
    _, seen = at_terminal
    assert len(seen) >= 3, "previews, and the result"
    for data in seen:
        path = folder / "seen.png"
        path.write_bytes(data)
        assert read_image(path).size == (36, 48), "whole, and in the size of the result from the first scale on"
        path.unlink()
    assert seen[-1] == (folder / "previews" / "out.png").read_bytes()

"""`tf-style video`: films in, painted films out; nothing is lost when it is stopped."""

import json
import signal
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tests import command
from tests.jobs.film.runs import FEW, PAINT, stopped, video
from tests.jobs.folder.photos import write_tiny_network
from tests.video.clips import frames_of, make_clip, sounds_of, waves
from tf_style.cli.main import main
from tf_style.jobs.film import run as job
from tf_style.video import read_info

LONG = ["video", "--content=long.mp4", *PAINT]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    write_tiny_network(folder / "network.npz")
    write_tiny_network(folder / "any.npz", "arbitrary")
    make_clip(folder / "clip.mp4", [0, 1, 2, 5, 6, 7, 10, 11], rotation=90)
    make_clip(folder / "long.mp4", range(60), rate=Fraction(10))
    command.write_picture(folder / "style.jpg", 50, 40, seed=1)
    return folder


def test_a_film_is_painted(there, capfd):
    assert video("--output=painted.mp4", "--json=film.json", "--preview=preview.png") == 0
    before, after = read_info("clip.mp4"), read_info("painted.mp4")
    for fact in ("width", "height", "rotation", "time_base", "tags"):
        assert getattr(after, fact) == getattr(before, fact), fact
    pictures, times = frames_of("clip.mp4")
    paintings, painted_times = frames_of("painted.mp4")
    assert painted_times == times
    assert all(np.abs(a.astype(int) - b).mean() > 5 for a, b in zip(pictures, paintings, strict=True))
    assert sounds_of("painted.mp4") == sounds_of("clip.mp4")
    record = json.loads((there / "film.json").read_text())
    assert record["film"] == {"frames": 8, "size": [48, 64], "rate": str(before.rate), "codec": "h264", "crf": 18}
    with Image.open("preview.png") as preview:
        assert preview.size == (64, 48)
    assert not (there / "painted.mp4.parts").exists()
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].startswith("Network network.npz in float32")
    assert lines[-1].startswith("Wrote painted.mp4: 8 frames (")


def test_a_frame_is_painted_upright_as_a_picture_is(there):
    """Without consistency, each frame is what tf-style stylize makes of it."""
    assert video("--output=alone.mkv", "--codec=ffv1", "--consistency=0") == 0
    pictures, _ = frames_of("clip.mp4")
    paintings, _ = frames_of("alone.mkv")
    for place in (0, 7):
        Image.fromarray(np.rot90(pictures[place])).save("frame.png")
        assert main(["stylize", "--content=frame.png", *PAINT, "--size=0", "--output=frame_out.png", "--quiet"]) == 0
        with Image.open("frame_out.png") as picture:
            expected = np.rot90(np.asarray(picture.convert("RGB")), -1)
        difference = np.abs(paintings[place] / np.iinfo(paintings[place].dtype).max - expected / 255.0)
        assert difference.max() < 3 / 255


def test_any_style_half_size_and_a_default_name(there):
    flags = ["--network=any.npz", "--compute_dtype=float32", "--size=48", "--style_strength=0.5", "--end=0.2"]
    assert main(["video", "clip.mp4", "style.jpg", *flags]) == 0
    info = read_info("clip-style.mp4")
    assert (info.height, info.width) == (36, 48)
    assert len(frames_of("clip-style.mp4")[0]) == 3


def test_odd_sides_become_even(there, capfd):
    make_clip("odd.mkv", range(2), size=(45, 61), pixel_format="yuv444p", sounds=())
    assert video("--output=even.mp4", content="odd.mkv") == 0
    info = read_info("even.mp4")
    assert (info.height, info.width) == (44, 60)
    assert "this one of 61x45 becomes 60x44" in capfd.readouterr().err


def test_cuts_are_respected(there):
    """The first frame of each shot is what it is alone."""
    pans = np.random.default_rng(0).integers(0, 255, (3, 6, 8, 3), np.uint8)
    pans = [np.asarray(Image.fromarray(small).resize((100, 48), Image.Resampling.BICUBIC)) for small in pans]
    make_clip(
        "cuts.mkv", range(36), pictures=lambda h, w, place: pans[place // 12][:h, place % 12 : place % 12 + w],
        rate=Fraction(10), sounds=(), codec="ffv1", pixel_format="yuv444p",
    )  # fmt: skip
    for name, consistency in (("calm.mkv", 1), ("alone.mkv", 0)):
        assert video(f"--output={name}", f"--consistency={consistency}", "--codec=ffv1", content="cuts.mkv") == 0
    calm, alone = frames_of("calm.mkv")[0], frames_of("alone.mkv")[0]
    same = [place for place in range(36) if np.array_equal(calm[place], alone[place])]
    assert same == [0, 12, 24]


# --- stopped ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(folder):
    """The long film, painted without a stop."""
    before, job._PART = job._PART, FEW
    try:
        flags = [flag.replace("=network", f"={folder}/network") for flag in PAINT]
        assert main(["video", f"--content={folder}/long.mp4", *flags, f"--output={folder}/whole.mp4", "--quiet"]) == 0
    finally:
        job._PART = before
    return folder / "whole.mp4"


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_film(there, whole, capfd):
    status, _ = stopped(there, LONG, "killed.mp4", signal.SIGKILL, 10)
    assert status == -signal.SIGKILL
    assert not (there / "killed.mp4").exists()
    assert (there / "killed.mp4.parts").exists()
    assert video("--output=killed.mp4", content="long.mp4") == 0
    assert "Goes on after frame " in capfd.readouterr().err
    assert (there / "killed.mp4").read_bytes() == whole.read_bytes()
    assert not (there / "killed.mp4.parts").exists()


@pytest.mark.slow
def test_an_interrupted_run_leaves_a_film_and_goes_on(there, whole):
    status, stderr = stopped(there, LONG, "stopped.mp4", signal.SIGINT, 10)
    assert status == 130, stderr
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("Interrupted: ")
    assert "of 60 frames are in stopped.mp4; to go on, repeat the command." in stderr
    paintings, times = frames_of("stopped.mp4")
    assert 10 <= len(paintings) < 60
    [(_, seconds)] = sounds_of("stopped.mp4")
    assert seconds == pytest.approx(float(times[-1]) + 0.1, abs=0.1)
    for painting, expected in zip(paintings, frames_of(whole)[0], strict=False):
        assert np.abs(painting.astype(int) - expected).mean() < 6  # compressed in other groups of frames
    assert main(["video", "--content=long.mp4", *PAINT, "--output=stopped.mp4", "--quiet"]) == 0
    assert (there / "stopped.mp4").read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_parts_of_another_run_are_refused(there, capfd):
    stopped(there, LONG, "other.mp4", signal.SIGKILL, 5)
    assert video("--output=other.mp4", "--style_strength=0.5", content="long.mp4") == 2
    line = capfd.readouterr().err.splitlines()[-1]
    assert "holds parts of other.mp4 that were painted with other options" in line


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--output=a.avi"], "must end in .mp4, .mov, .mkv, .webm"),
        (["--output=clip.mp4"], "--output=clip.mp4 is also an input of this run"),
        (["--output=a.mp4", "--start=2", "--end=1"], "end must be after start=2, but 1 was given"),
        (["--output=a.mp4", "--start=100"], "There is no frame from --start=100 on"),
        (["--output=a.mp4", "--consistency=2"], "consistency must be 0 to 1, but 2 was given"),
        (["--output=a.mp4", "--codec=ffv1"], "A .mp4 file cannot hold ffv1"),
        (["--output=a.mp4", "--flow=raft"], "flow must be one of dis_medium, dis_fast, dis_fast_half, farneback"),
        (["--output=a.mp4", "--size=20"], "at least 32"),
        (["--output=a.mp4", "--preview=a.doc"], "a.doc"),
        (["--output=a.mp4", "--style=c"], "'c'"),
        (["--output=a.mp4", "--style_blend=0.5,0.5"], "style_blend has 2 shares for 1 styles"),
    ],
)
def test_refused(there, capfd, flags, part):
    assert video(*flags) == 2
    lines = capfd.readouterr().err.splitlines()
    assert part in lines[-1]
    assert sum(line.startswith("tf-style: ") for line in lines) == 1
    assert not (there / "a.mp4").exists()
    assert not (there / "a.mp4.parts").exists()


def test_a_disk_that_refuses(there, capfd):
    assert video("--output=clip.mp4/a.mp4") in (1, 2)
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_frames_that_are_the_same_stay_the_same(there):
    """A still film does not flicker at all."""
    make_clip(
        "still.mkv", range(6), pictures=lambda h, w, _: waves(h, w, 0), sounds=(), codec="ffv1", pixel_format="yuv444p"
    )
    assert video("--output=calm.mkv", "--codec=ffv1", content="still.mkv") == 0
    paintings, _ = frames_of("calm.mkv")
    assert max(np.abs(painting.astype(int) - paintings[0]).max() for painting in paintings) <= 257

"""`tf-style video`: animations and numbered pictures, in and out; a full disk."""

import errno
import json
import os
import shutil
import signal
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tests.jobs.film.runs import PAINT, stopped, video
from tests.jobs.folder.photos import write_tiny_network
from tests.video.clips import LIMITED, frames_of, make_clip, sounds_of, waves
from tf_style.cli.main import main
from tf_style.images import write_image


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    write_tiny_network(folder / "network.npz")
    make_clip(folder / "clip.mp4", [0, 1, 2, 5, 6, 7, 10, 11], rate=Fraction(25), rotation=90)
    for number in range(5, 45):
        write_image(folder / "frames" / f"f{number}.png", waves(48, 64, number) / 255.0)
    return folder


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_an_animation_is_upright_and_without_sound(there, capfd):
    assert video("--output=lossless.mkv", "--codec=ffv1") == 0
    assert video("--output=moving.png", "--json=moving.json") == 0
    assert "The sound is left out, because pictures hold none." in capfd.readouterr().err.splitlines()
    with Image.open("moving.png") as image:
        assert image.size == (48, 64)
        for number, painting in enumerate(frames_of("lossless.mkv")[0]):
            image.seek(number)
            upright = np.rot90(painting >> 8 if painting.dtype == np.uint16 else painting)
            assert np.abs(np.asarray(image.convert("RGB")).astype(int) - upright).max() <= 2
    assert json.loads((there / "moving.json").read_text())["film"] == {
        "frames": 8, "size": [64, 48], "rate": "20", "codec": "png", "crf": None,
    }  # fmt: skip
    assert not (there / "moving.png.parts").exists()


def test_pictures_in_and_out(there, capfd):
    assert video("--output=out/%03d.png", "--end=0.2", content="frames") == 0
    assert sorted(os.listdir("out")) == [f"{number:03}.png" for number in range(5, 10)]
    assert capfd.readouterr().err.splitlines()[-1].startswith("Wrote out/%03d.png: 5 frames (")
    assert video("--output=same.apng", "--end=0.2", "--fps=25", content="frames/f%d.png") == 0
    with Image.open("same.apng") as image:
        for number in range(5):
            image.seek(number)
            assert image.info["duration"] == 40
            np.testing.assert_array_equal(np.asarray(image.convert("RGB")), pixels(f"out/{number + 5:03}.png"))


def test_odd_sides_stay_odd_in_pictures(there):
    make_clip("odd.mkv", range(2), size=(45, 61), pixel_format="yuv444p", sounds=())
    assert video("--output=odd/%d.png", content="odd.mkv") == 0
    assert pixels("odd/2.png").shape == (45, 61, 3)


def test_default_names(there):
    Image.new("RGB", (64, 48)).save("a.gif", save_all=True, append_images=[Image.new("RGB", (64, 48), "red")])
    network = ["--network=network.npz", "--compute_dtype=float32", "--quiet"]
    for content, output in (("a.gif", "a-a.gif"), ("few", "few-a.mp4"), ("few/%d.png", "few-a-2.mp4")):
        (there / "few").mkdir(exist_ok=True)
        shutil.copy("frames/f5.png", "few/5.png")
        assert main(["video", content, "a", *network]) == 0
        assert (there / output).is_file(), output


def test_fewer_frames_with_the_whole_sound(there):
    assert video("--output=few.mp4", "--fps=5") == 0
    _, times = frames_of("few.mp4")
    assert [float(time * 25) for time in times] == pytest.approx([0, 5, 10])
    assert sounds_of("few.mp4") == sounds_of("clip.mp4")


def test_hdr_is_painted_with_tonemap(there, capfd):
    make_clip("hdr.mp4", range(2), pixel_format="yuv420p10le", tags=(LIMITED, 9, 18, 9), sounds=())
    assert video("--output=sdr.mp4", content="hdr.mp4") == 2
    assert "is HDR (HLG), but films are painted in SDR; add --tonemap" in capfd.readouterr().err
    assert video("--output=sdr.mp4", "--tonemap", content="hdr.mp4") == 0
    assert len(frames_of("sdr.mp4")[0]) == 2


# --- stopped ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("output", "number"),
    [("%s/%%d.png", signal.SIGKILL), ("%s.webp", signal.SIGKILL), ("%s.gif", signal.SIGINT)],
)
def test_a_stopped_run_goes_on_to_the_same_bytes(there, output, number, capfd):
    whole, part = output % "whole", output % "stopped"
    assert video(f"--output={whole}", "--quiet", content="frames") == 0
    status, stderr = stopped(there, ["video", "--content=frames", *PAINT], part, number)
    assert status == (130 if number == signal.SIGINT else -number), stderr
    assert "Traceback" not in stderr
    if number == signal.SIGINT:
        assert f"of 40 frames are in {part}; to go on, repeat the command." in stderr
    assert video(f"--output={part}", content="frames") == 0
    assert "Goes on after frame " in capfd.readouterr().err
    assert _contents(there / part) == _contents(there / whole)
    assert not (there / f"{part}.parts").exists()


def _contents(output):
    if output.suffix != ".png":
        return output.read_bytes()
    return {path.name: path.read_bytes() for path in output.parent.iterdir()}


# --- a full disk ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("output", "file"), [("full.mp4", "000000.part"), ("full.gif", "state.npz")])
def test_a_disk_that_is_full_while_painting(there, capfd, output, file):
    (there / f"{output}.parts").mkdir()
    device = there / f"{output}.parts" / (file if file.endswith("part") else f".{file}")
    device.symlink_to("/dev/full")
    assert video(f"--output={output}") == 1
    line = capfd.readouterr().err.splitlines()[-1]
    assert line.startswith(f"tf-style: '{output}.parts/{file}' cannot be written (No space left on device)")
    assert not (there / output).exists()
    device.unlink()
    assert video(f"--output={output}") == 0  # it goes on once there is space


@pytest.mark.parametrize("output", ["late.mp4", "late/%d.png"])
def test_a_disk_that_is_full_at_the_end(there, capfd, monkeypatch, output):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert video(f"--output={output}", "--end=0.2") == 1
    lines = capfd.readouterr().err.splitlines()
    assert "cannot be written (No space left on device)" in lines[-1]
    assert sum(line.startswith("tf-style: ") for line in lines) == 1
    assert not list(there.glob("late.mp4")) + list(there.glob("late/*.png")) + list(there.rglob(".tf_style-*"))


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "content", "part"),
    [
        (["--output=frames/new%d.png"], "frames", "would mix with the pictures of --content=frames"),
        (["--output=frames/f%d.png"], "frames/f%02d.png", "would overwrite 'frames/f10.png'"),
        (["--output=no/%d.gif"], "frames", "has the suffix '.gif'"),
        (["--output=no.gif", "--codec=h264"], "clip.mp4", "--codec and --crf are for .mp4, .mov, .mkv, .webm"),
        (["--output=no.webp", "--fps=2000"], "clip.mp4", "fps must be at most 1000, but 2000 was given"),
        (["--output=no.webp", "--fps=-1"], "clip.mp4", "fps must be a finite number of at least 0"),
        (["--output=no.gif"], "nothing/%d.png", "No file has a name as in 'nothing/%d.png', such as 'nothing/1.png'"),
        (["--output=no.gif", "--fps=60"], "frames", "A .gif file shows at most 50 frames a second"),
        (["--output=no.gif", "--start=9"], "frames", "There is no frame from --start=9 on"),
    ],
)
def test_refused(there, capfd, flags, content, part):
    assert video(*flags, content=content) == 2
    lines = capfd.readouterr().err.splitlines()
    assert part in lines[-1]
    assert sum(line.startswith("tf-style: ") for line in lines) == 1
    assert not list(there.glob("no*"))

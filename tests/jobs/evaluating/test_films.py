"""`tf-style evaluate --video`: how calm and how sharp films are, whoever painted them."""

import json

import numpy as np
import pytest
from PIL import Image

from tests import command
from tests.video.clips import make_clip, waves
from tf_style.cli.main import main

LOSSLESS = {"codec": "ffv1", "pixel_format": "yuv444p", "sounds": ()}


def flickering(height, width, place):
    """The waves, lighter in every second frame."""
    return np.clip(waves(height, width, place).astype(int) + 30 * (place % 2), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    make_clip(folder / "clip.mkv", range(12), **LOSSLESS)
    make_clip(folder / "flickers.mkv", range(12), pictures=flickering, **LOSSLESS)
    make_clip(folder / "short.mkv", range(5), **LOSSLESS)
    Image.new("RGB", (40, 50), (200, 90, 40)).save(folder / "style.png")
    command.write_picture(folder / "style.jpg", 50, 40, seed=1)
    return folder


def test_films_are_measured_like_pictures_and_in_time(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    flags = ["--backbone=compact_vgg19", "--style=style.jpg", "--size=64", "--quiet", "--json=films.json"]
    assert main(["evaluate", "--video", "--content=clip.mkv", "--painting=clip.mkv,flickers.mkv", *flags]) == 0
    same, flickers = json.loads((folder / "films.json").read_text())["rows"]
    assert same["content_distance"] == pytest.approx(0, abs=1e-6)
    assert same["warp_error"] == same["own_warp_error"] == flickers["own_warp_error"]
    assert same["relative_sharpness"] == 1
    assert same["color_drift"] < 0.05
    assert flickers["warp_error"] ** 2 == pytest.approx(same["warp_error"] ** 2 + (30 / 255) ** 2, rel=0.3)
    assert flickers["warp_error_8"] == pytest.approx(flickers["own_warp_error_8"], rel=0.1)
    assert flickers["color_drift"] > 0.08
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:1] == ["painting"]
    assert [line.split()[0] for line in lines[1:]] == ["clip.mkv", "flickers.mkv", "median"]


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--content=clip.mkv", "--painting=short.mkv"], "have different numbers of frames"),
        (["--content=missing.mkv", "--painting=clip.mkv"], "There is no film 'missing.mkv'"),
        (["--content=style.jpg", "--painting=clip.mkv"], "is a single picture, not a film"),
    ],
)
def test_refused(folder, monkeypatch, capsys, flags, part):
    monkeypatch.chdir(folder)
    assert main(["evaluate", "--video", "--backbone=compact_vgg19", "--style=style.jpg", *flags]) == 2
    assert part in capsys.readouterr().err

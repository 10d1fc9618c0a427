"""Folders of styles: each content in each style; and pictures whose names differ in their suffix only."""

import json

import numpy as np
import pytest

from tests import command
from tf_style import images
from tf_style.cli.main import main

INSTANT = ["stylize", "--preset=instant", "--size=48", "--compute_dtype=float32"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "styles" / "old").mkdir(parents=True)
    (tmp_path / "photos").mkdir()
    command.write_picture(tmp_path / "photos" / "a.png", 40, 56)
    command.write_picture(tmp_path / "photos" / "a.jpg", 40, 56, seed=1)
    for seed, name in enumerate(("wave.png", "night.jpg", "old/wave.png"), 2):
        command.write_picture(tmp_path / "styles" / name, 48, 40, seed=seed)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names_in(place):
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())


def test_a_content_in_each_style_of_a_folder(folder, capsys):
    assert main([*INSTANT, "photos/a.png", "styles", "out", "--format=tga", "--json=run.json"]) == 0
    assert names_in(folder / "out") == ["a--night.tga", "a--old-wave.tga", "a--wave.tga"]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "1 content in 3 styles: 3 pictures, to out."
    assert lines[-1].startswith("Wrote 3 of 3 pictures to out")
    assert [row["error"] for row in json.loads((folder / "run.json").read_text())["pictures"]] == [None] * 3
    assert main([*INSTANT, "photos/a.png", "styles/wave.png", "alone.png", "--quiet"]) == 0
    alone, paired = (images.read_image(folder / name).pixels for name in ("alone.png", "out/a--wave.tga"))
    np.testing.assert_allclose(alone, paired, atol=1.1 / 255)  # batches sum in another order


def test_all_pairs_of_two_folders_and_a_bad_style(folder, capsys):
    (folder / "styles" / "broken.png").write_bytes(b"no picture")
    line = [*INSTANT, "--content=photos", "--style=styles,photos/a.jpg", "--output=out"]
    assert main(line) == 1
    found = names_in(folder / "out")
    assert found == sorted(
        f"{content}--{style}.png" for content in ("a", "a.png") for style in ("a", "night", "old-wave", "wave")
    )
    text = capsys.readouterr().err
    assert "2 contents in 5 styles: 10 pictures, to out." in text
    assert "Several pictures are called a; the painting of a.png keeps its suffix in its name." in text
    assert text.count("broken.png' is not a picture") == 2 and "2 of 10 pictures failed." in text
    assert main([*line, "--skip_existing"]) == 1
    assert "2 of 2 pictures failed." in capsys.readouterr().err


def test_pictures_of_one_name_are_both_painted(folder, capsys):
    assert main([*INSTANT, "photos", "styles/wave.png", "out"]) == 0
    assert names_in(folder / "out") == ["a.png", "a.png.png"]
    text = capsys.readouterr().err
    assert text.count("the painting of a.png keeps its suffix in its name.") == 1
    first, second = (images.read_image(folder / "out" / name).pixels for name in ("a.png", "a.png.png"))
    assert np.abs(first - second).max() > 0.1

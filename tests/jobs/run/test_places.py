"""Commands that name no file: standard input and output, pipes of the shell, and names of outputs."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests import command
from tf_style import images
from tf_style.cli.main import main

RECOLOR = ["recolor", "--size=48"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    command.write_picture(tmp_path / "photo.jpg", 40, 56)
    command.write_picture(tmp_path / "painting.png", 48, 40, seed=1)
    command.write_picture(tmp_path / "wave.png", 48, 40, seed=2)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def piped(monkeypatch):
    """Gives bytes to standard input, and collects those of standard output."""
    written = io.BytesIO()

    def pipe(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, write_through=True))
        return written

    return pipe


def picture_in(data):
    return np.asarray(Image.open(io.BytesIO(data)))


# --- standard input and output ----------------------------------------------------------------------------------------


def test_the_whole_program_in_a_pipeline(folder):
    found = subprocess.run(
        [sys.executable, "-m", "tf_style.cli.main", *RECOLOR, "-", "painting.png", "-"],
        input=(folder / "photo.jpg").read_bytes(),
        capture_output=True,
        env=command.environment(folder / "keras"),
        timeout=200,
        check=True,
    )
    assert main([*RECOLOR, "photo.jpg", "painting.png", "file.png"]) == 0
    assert found.stdout == (folder / "file.png").read_bytes()
    assert found.stderr.decode().startswith("Wrote standard output (")
    assert found.stderr.count(b"\n") == 1


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_any_picture_may_come_from_standard_input(folder, piped, name, capfd):
    data = (folder / "painting.png").read_bytes()
    piped(data)
    assert main([*RECOLOR, f"--color_from={name}", "--content=photo.jpg", "--output=piped.png"]) == 0
    assert main([*RECOLOR, "photo.jpg", "painting.png", "file.png"]) == 0
    assert (folder / "piped.png").read_bytes() == (folder / "file.png").read_bytes()


def test_format_sets_what_goes_to_standard_output(folder, piped):
    written = piped((folder / "photo.jpg").read_bytes())
    assert main(["stylize", "-", "painting.png", "--preset=instant", "--size=48", "--format=webp"]) == 0
    assert written.getvalue()[8:12] == b"WEBP" and picture_in(written.getvalue()).shape == (34, 48, 3)


def test_a_pipe_of_the_shell_is_an_input(folder, capsys):
    reading, writing = os.pipe()
    os.write(writing, (folder / "photo.jpg").read_bytes())
    os.close(writing)
    assert main([*RECOLOR, f"/dev/fd/{reading}", "painting.png", "out.png"]) == 0
    os.close(reading)
    assert images.read_image(folder / "out.png").size == (34, 48)


def test_streams_that_cannot_be_used_are_refused(folder, piped, monkeypatch, capfd):
    for data, words in ((b"", "standard input is empty (0 bytes)"), (b"text", "standard input is not a picture")):
        written = piped(data)
        assert main([*RECOLOR, "-", "painting.png", "-"]) == 2
        assert not written.getvalue()
        assert f"tf-style: {words}" in capfd.readouterr().err
    piped((folder / "photo.jpg").read_bytes())
    assert main([*RECOLOR, "-", "--color_from=-", "--output=out.png"]) == 2
    assert "Standard input was given twice" in capfd.readouterr().err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert main([*RECOLOR, "-", "painting.png", "--output=out.png"]) == 2
    assert "nothing is piped into it" in capfd.readouterr().err
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main([*RECOLOR, "photo.jpg", "painting.png", "-"]) == 2
    assert "standard output, but that is a terminal" in capfd.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["painting.png", "photo.jpg", "wave.png"]


def test_nobody_reads_standard_output(folder, piped, monkeypatch):
    piped(b"")

    class Closed(io.BytesIO):
        def write(self, data):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Closed()))
    monkeypatch.setattr(os, "dup2", lambda *ends: None)
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1, raising=False)
    assert main([*RECOLOR, "photo.jpg", "painting.png", "-", "--quiet"]) == 0


# --- names of outputs -------------------------------------------------------------------------------------------------


INSTANT = ["stylize", "--preset=instant", "--size=48"]


@pytest.mark.usefixtures("eagerly")
def test_a_painting_without_a_name_goes_beside_the_content_and_over_nothing(folder, capsys):
    (folder / "sub").mkdir()
    (folder / "sub" / "photo.jpg").write_bytes((folder / "photo.jpg").read_bytes())
    for line, name in (
        (["photo.jpg", "painting.png"], "photo-painting.png"),
        (["photo.jpg", "painting.png"], "photo-painting-2.png"),
        (["--content=photo.jpg", "--style=painting.png,wave.png"], "photo-painting-wave.png"),
        (["sub/photo.jpg", "painting.png"], "sub/photo-painting.png"),
        (["photo.jpg", "starry_night", "--network=many_styles"], "photo-starry_night.png"),
    ):
        before = set(folder.rglob("*.png"))
        assert main([*INSTANT, *line]) == 0
        assert set(folder.rglob("*.png")) - before == {folder / name}
        assert f"Wrote {name} (" in capsys.readouterr().err


def test_other_commands_name_their_outputs_too(folder, capsys):
    assert main([*RECOLOR, "photo.jpg", "painting.png"]) == 0
    assert (folder / "photo-recolored.png").is_file()
    short = [flag for flag in command.SHORT if not flag.startswith(("--content_", "--init="))]
    assert main(["texture", "painting.png", *short]) == 0
    assert (folder / "painting-tile.png").is_file()


def test_a_run_that_goes_on_keeps_its_name(folder):
    from tf_style.jobs.run.places import default_output

    names = [default_output({"checkpoint_dir": "state"}, "photo.jpg", "painting.png")]
    (folder / names[0]).touch()
    (folder / "state").mkdir()
    names.append(default_output({"checkpoint_dir": "state"}, "photo.jpg", "painting.png"))
    (folder / "state" / "state.npz").touch()
    names.append(default_output({"checkpoint_dir": "state"}, "photo.jpg", "painting.png"))
    assert names == ["photo-painting.png", "photo-painting-2.png", "photo-painting.png"]


# --- a box as the size ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "found"), [("48x48", (34, 48)), ("100x34", (34, 48)), ("33x400", (24, 33)), ("112x80", (80, 112))]
)
@pytest.mark.usefixtures("eagerly")
def test_the_result_fits_into_a_box(folder, size, found):
    assert main([*INSTANT[:2], "photo.jpg", "painting.png", "out.png", f"--size={size}"]) == (0 if found[0] > 31 else 2)
    if found[0] > 31:
        assert images.read_image(folder / "out.png").size == found


@pytest.mark.parametrize("size", ["1e3", "x", "320x", "0x50", "1.5x3", "320x200x3", "big"])
def test_other_sizes_are_refused(folder, size, capsys):
    assert main([*INSTANT[:2], "photo.jpg", "painting.png", f"--size={size}"]) == 2
    assert f"size must be a whole number of pixels, or a box such as 320x200, but '{size}'" in capsys.readouterr().err

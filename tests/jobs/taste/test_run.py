"""`tf-style taste` with answers from a pipe: what it shows, says and keeps."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from tests import command
from tests.taste.conftest import paintings  # noqa: F401
from tf_style.cli.main import main
from tf_style.jobs.taste import painter as painting
from tf_style.taste.profile import Profile
from tf_style.taste.session import Session


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(6):
        command.write_picture(folder / f"{seed}.png", 48, 64, seed=seed + 10)
    return folder


@pytest.fixture
def taste(tmp_path, paintings, photos, monkeypatch, eagerly):  # noqa: F811
    """Runs the command with lines from standard input."""
    monkeypatch.chdir(tmp_path)

    def run(lines, *flags):
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        return main(["taste", str(photos), "--profile=me.json", f"--style_library={paintings}", "--size=48", *flags])

    return run


def test_answers_from_a_pipe(taste, tmp_path, paintings, capsys):  # noqa: F811
    assert taste("l\nRight\nwhat\nu\nr\nb\n") == 0
    said = capsys.readouterr().out
    assert "Look at me-pair.png and type: l left, r right" in said
    assert re.findall(r"(\d+) of 20\?", said) == ["1", "2", "3", "3", "2", "3", "4"]
    assert "'what' is no answer" in said
    assert re.search(r"^me\.json: .*% sure after 3 choices\)\.\n--profile=me\.json is the same as --style=", said, re.M)
    session = Session.open("me.json")
    assert [one.answer for one in session.log] == ["left", "right", "both"]
    with Image.open("me-pair.png") as pair:
        assert pair.size == (2 * 48 + 12, 36)
        pixels = np.asarray(pair.convert("RGB"), np.float32) / 255
    photo = Image.open(tmp_path / "photos" / "3.png").resize((48, 36))
    assert np.abs(pixels[:, :48] - np.asarray(photo) / 255).mean() > 0.02
    assert (pixels[:, 48:60] == 1).all()

    assert taste("l\nq\nl\n", "--pair=shown.png") == 0
    said = capsys.readouterr().out
    assert re.findall(r"(\d+) of 20\?", said) == ["4", "5"]
    assert Session.open("me.json").log[-1].pair == session.ask()

    assert main(["taste", "--profile=me.json"]) == 0
    assert capsys.readouterr().out.startswith("me.json: ")
    assert taste("l\n", "--choices=4") == 2
    assert "holds 4 choices already; to go on, give --choices=24." in capsys.readouterr().err


def test_it_ends_by_itself_and_after_an_interruption(taste, monkeypatch, capsys):
    assert taste(9 * "r\n", "--choices=2") == 0
    assert Profile.read("me.json").choices == 2

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(painting.Painter, "side_by_side", interrupted)
    assert taste("r\n") == 130
    assert "all answers are kept" in capsys.readouterr().out
    assert Profile.read("me.json").choices == 2


def test_the_pair_is_no_photo(taste, photos, capsys):
    mine = photos / "0.png"
    before = mine.read_bytes()
    assert main(["taste", str(mine), "--profile=me.json", f"--pair={mine}"]) == 2
    assert "written over the photo" in capsys.readouterr().err
    assert mine.read_bytes() == before
    command.write_picture(photos / "00.png", 8, 8)  # too small to be painted
    assert taste("q\n", "--pair=photos/00.png") == 0


def test_merging(paintings, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        Session.open(f"{name}.json", paintings, seed=ord(name)).tell("left")
    assert main(["taste", "--profile=a.json", "--merge=b.json"]) == 0
    assert "b.json: 1 choice added." in capsys.readouterr().out
    assert Profile.read("a.json").choices == 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--profile must be given: tf-style taste photos/ --profile=me.json"),
        (["--profile=me.json"], "There is no profile 'me.json'"),
        (["nowhere", "--profile=me.json"], "'nowhere' does not exist"),
        (["photos", "--profile=me.json", "--pair=pair.txt"], "'.txt'"),
        (["photos", "--profile=me.json", "--style_library=nowhere"], "is not a folder"),
        (["photos", "--profile=me.json", "--choices=0"], "at least 1"),
        (["photos", "--profile=photos"], "cannot be read"),
    ],
)
def test_refusals(flags, words, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["taste", *flags]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not list(tmp_path.glob("*.json"))

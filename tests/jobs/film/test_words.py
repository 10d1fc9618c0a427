"""Films in the style of words: of the whole film, and of each shot."""

import re
import shlex
from fractions import Fraction

import numpy as np
import pytest

import tf_style
from tests import command
from tests.jobs.folder.photos import write_tiny_network
from tests.video.clips import frames_of, make_clip
from tests.words.conftest import folder as library  # noqa: F401
from tf_style.cli.main import main
from tf_style.config import ConfigError, VideoFiles
from tf_style.jobs.film.shots import read_shots

PAINT = ("--network=any.npz", "--compute_dtype=float32", "--codec=ffv1")


@pytest.fixture
def there(library, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    write_tiny_network(tmp_path / "any.npz", "arbitrary")
    make_clip(tmp_path / "clip.mkv", range(4), rate=Fraction(10), codec="ffv1", pixel_format="yuv444p")
    with command.eagerly():
        yield tmp_path


def painted(output, *flags):
    assert main(["video", "clip.mkv", *PAINT, *flags, f"--output={output}"]) == 0
    return frames_of(output)[0]


def test_words_paint_what_the_printed_flags_paint(there, capsys):
    """The whole film, and each shot as a film of its own; Python as well."""
    assert main(["video", "clip.mkv", *PAINT, "--style_text=golden night, muted"]) == 0
    whole = frames_of("clip-night-gold.mkv")[0]
    [given] = re.findall(r"; the same as (.*)", capsys.readouterr().err)
    np.testing.assert_array_equal(whole, painted("flags.mkv", *shlex.split(given)))
    (there / "shots.csv").write_text('0,"text: golden night, muted"\n0.2\n')
    capsys.readouterr()
    shots = painted("shots.mkv", "--shots=shots.csv", "--style_text=golden stars, subtle, keep colours")
    said = re.findall(r"^Words: 'shots.csv', line (\d): .*; the same as (.*)$", capsys.readouterr().err, re.M)
    assert [line for line, _ in said] == ["1", "2"]
    np.testing.assert_array_equal(shots[:2], whole[:2])
    np.testing.assert_array_equal(shots[2:], painted("alone.mkv", *shlex.split(said[1][1]), "--start=0.2"))
    words = {"style_text": "golden night, muted", "network": "any.npz", "compute_dtype": "float32"}
    tf_style.stylize_video("clip.mkv", (), "python.mkv", codec="ffv1", quiet=True, **words)
    np.testing.assert_array_equal(whole, frames_of("python.mkv")[0])


@pytest.mark.parametrize(
    ("shots", "flags", "part"),
    [
        ("0,text: stormy sea, muted", [], "line 1: a comma begins a new column; put words with commas into quotes"),
        ("0,text: portrait", [], "line 1: No picture of the style library is near 'portrait'; the nearest are"),
        ("0,text:", [], "line 1: "),
        ("0,text: sea", ["--network=many_styles"], "line 1: style_text finds pictures, but network=many_styles knows"),
        (
            "0,text: golden stars\n0.3,text: sea",
            ["--style_blend=.5,.5"],
            "line 2: style_blend has 2 shares for 1 styles",
        ),
        ("0", ["--style=library:gold", "--style_text=sea"], "were both given; leave one of them out"),
        ("0,text: sea", ["--style_library=nowhere"], "'nowhere' is not a folder"),
    ],
)
def test_refused(there, capsys, shots, flags, part):
    (there / "shots.csv").write_text(shots)
    assert main(["video", "clip.mkv", *PAINT[:1], "--shots=shots.csv", *flags, "--output=a.mkv"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert part in line
    assert not (there / "a.mkv").exists()


def test_any_takes_the_nearest(there):
    (there / "shots.csv").write_text("0,text: portrait\n")
    files = VideoFiles(content="clip.mkv", output="a.mkv", shots="shots.csv")
    with pytest.raises(ConfigError, match="give --any"):
        read_shots(files)
    assert read_shots(VideoFiles(content="clip.mkv", output="a.mkv", shots="shots.csv", any=True))[0].style

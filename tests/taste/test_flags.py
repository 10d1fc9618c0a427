"""`--profile` at the command line, and `profile=` in Python: the same as the flags that are printed."""

import json
import re
import shlex

import numpy as np
import pytest

import tf_style
from tests import command
from tests.taste.conftest import answer
from tf_style.cli.main import main
from tf_style.taste.session import Session

QUICK = dict(flag.removeprefix("--").split("=") for flag in command.SHORT if "=" in flag) | {"jit_compile": False}


pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture
def content(tmp_path):
    return str(command.write_picture(tmp_path / "photo.png"))


@pytest.fixture
def profile(session, tmp_path):
    """A profile of two paintings, warm and less than full strength."""
    answer(session, 3)
    place = tmp_path / "me.json"
    fields = json.loads(place.read_text())
    styles = [{"style": str(session.space.entries[name].path), "title": name} for name in ("lake", "cat")]
    fields["styles"] = [{**style, "share": share} for style, share in zip(styles, (0.6, 0.4), strict=True)]
    fields["controls"] = {"style_strength": 0.7, "preserve_color": "none", "saturation": 1.0, "warmth": 0.3}
    place.write_text(json.dumps(fields))
    return place


def paint(content, output, *flags):
    return main(["stylize", f"--content={content}", f"--output={output}", *command.SHORT, *flags])


def said(capsys):
    return re.search(r"^Profile: (.*); the same as (.*)$", capsys.readouterr().err, re.MULTILINE)


def test_a_profile_paints_what_the_printed_flags_paint(profile, content, tmp_path, capsys):
    assert paint(content, tmp_path / "a.png", f"--profile={profile}") == 0
    found = said(capsys)
    assert "sure after 3 choices" in found[1]
    assert "--style_blend=0.6,0.4 --style_strength=0.7 --warmth=0.3" in found[2] and "none" not in found[2]
    assert paint(content, tmp_path / "b.png", *shlex.split(found[2])) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    by_file = tf_style.stylize(content, profile=profile, **QUICK)
    known = tf_style.Profile.read(profile)
    by_hand = tf_style.stylize(content, list(known.styles), **QUICK, **known.options)
    np.testing.assert_array_equal(by_file, by_hand)
    assert tf_style.read_image(tmp_path / "a.png").pixels == pytest.approx(by_file.numpy(), abs=1 / 255)


def test_what_is_given_stays(profile, content, tmp_path, capsys):
    style = f"--style={tmp_path / 'photo.png'}"
    assert paint(content, tmp_path / "a.png", f"--profile={profile}", style, "--warmth=-0.1") == 0
    assert said(capsys)[2] == "--style_strength=0.7"
    assert paint(content, tmp_path / "b.png", style, "--warmth=-0.1", "--style_strength=0.7") == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    by_profile = tf_style.stylize(content, content, profile=str(profile), warmth=-0.1, **QUICK)
    np.testing.assert_array_equal(
        by_profile, tf_style.stylize(content, content, warmth=-0.1, style_strength=0.7, **QUICK)
    )


def test_a_palette_sets_the_colours(profile, content, tmp_path, capsys):
    profile.write_text(profile.read_text().replace('"none"', '"luminance"'))
    assert paint(content, tmp_path / "a.png", f"--profile={profile}", "--palette=#123456,#abcdef", "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_without_choices(session, content, tmp_path, capsys):
    session.tell("skip")
    empty = f"--profile={tmp_path / 'me.json'}"
    assert paint(content, tmp_path / "a.png", empty) == 2
    assert "run tf-style taste PHOTOS" in capsys.readouterr().err
    assert paint(content, tmp_path / "a.png", empty, f"--style={content}") == 0
    assert said(capsys)[2] == "no flags"
    assert paint(content, tmp_path / "b.png", f"--style={content}") == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with pytest.raises(tf_style.ConfigError, match="a profile that holds choices"):
        tf_style.stylize(content, profile=Session.open(tmp_path / "me.json").profile())


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--profile=none.json"], "There is no profile 'none.json'"),
        (["--profile="], "profile is empty"),
        (["--profile=photo.png"], "'photo.png' is not a profile"),
        (["--profile=me.json", "--network=many_styles"], "knows its own styles only"),
    ],
)
def test_refuses_in_one_sentence(profile, content, tmp_path, capsys, monkeypatch, flags, words):
    monkeypatch.chdir(tmp_path)
    assert paint(content, "a.png", *flags) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (tmp_path / "a.png").exists()


def test_films_and_pipelines_take_profiles(profile, tmp_path, capsys):
    """Flags come before files."""
    missing = f"--content={tmp_path / 'clip.mp4'}"
    for name in ("video", "beam"):
        assert main([name, missing, f"--profile={profile}", f"--output={tmp_path / 'painted.mp4'}"]) != 0
        assert "--warmth=0.3" in said(capsys)[2]

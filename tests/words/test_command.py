"""`--style_text`, `library:` names and `tf-style library`, at the command line and in Python."""

import re
import shlex

import numpy as np
import pytest
from PIL import Image

import tf_style
from tests import command
from tf_style import images
from tf_style.cli.main import main
from tf_style.words.naming import LibraryError

WORDS = "swirling waves at night by the sea, muted, subtle"
QUICK = dict(flag.removeprefix("--").split("=") for flag in command.SHORT if "=" in flag)


@pytest.fixture
def content(tmp_path):
    return str(command.write_picture(tmp_path / "photo.png"))


def paint(content, output, *flags):
    return main(["stylize", f"--content={content}", f"--output={output}", *command.SHORT, *flags])


def test_words_paint_what_the_printed_flags_paint(folder, tmp_path, content, capsys):
    assert paint(content, tmp_path / "words.png", f"--style_text={WORDS}") == 0
    said = re.search(r"^Words: (.*); the same as (.*)$", capsys.readouterr().err, re.MULTILINE)
    assert re.match(r"\w+ ?\w+ 0\.\d\d, ", said[1]) and said[1].endswith(", saturation 0.6, style_strength 0.6")
    assert re.match(r"--style=library:\w+,library:", said[2]) and "--saturation=0.6" in said[2]
    assert paint(content, tmp_path / "flags.png", *shlex.split(said[2])) == 0
    assert (tmp_path / "words.png").read_bytes() == (tmp_path / "flags.png").read_bytes()
    by_name = [str(folder / f"{style}.webp") for style in re.findall(r"library:(\w+)", said[2])]
    given = dict(flag.removeprefix("--").split("=") for flag in shlex.split(said[2])[1:])
    python = tf_style.stylize(content, by_name, **QUICK | {"jit_compile": False} | given)
    painted = tf_style.stylize(content, style_text=WORDS, **QUICK | {"jit_compile": False})
    np.testing.assert_array_equal(python, painted)
    written = images.read_image(tmp_path / "words.png").pixels
    np.testing.assert_allclose(written, painted, atol=1 / 255)


def test_flags_that_are_given_stay(folder, tmp_path, content, capsys):
    flags = ("--style_text=golden mosaic, muted, keep colours", "--saturation=0.9", "--style_blend=1")
    assert paint(content, tmp_path / "words.png", *flags) == 0
    said = capsys.readouterr().err
    assert "preserve_color luminance" in said and "saturation" not in said and "style_blend" not in said


def test_quiet_is_quiet(folder, tmp_path, content, capsys):
    assert paint(content, tmp_path / "words.png", "--style_text=golden mosaic", "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_own_libraries_are_printed_by_their_files(folder, tmp_path, content, capsys):
    own = tmp_path / "my paintings"
    own.mkdir()
    command.write_picture(own / "golden, night.png", 40, 40, seed=1)
    flags = ("--style_text=golden night", f"--style_library={own}")
    assert paint(content, tmp_path / "words.png", *flags) == 0
    said = re.search(r"the same as (.*)$", capsys.readouterr().err, re.MULTILINE)[1]
    assert paint(content, tmp_path / "flags.png", *shlex.split(said)) == 0
    assert (tmp_path / "words.png").read_bytes() == (tmp_path / "flags.png").read_bytes()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--style_text=portrait"], "the nearest are Big Wave (0.00), Garden (0.00), Gold (0.00). To take them all"),
        (["--style_text=sea", "--style=x.png"], "were both given"),
        (["--style_text=sea", "--network=many_styles"], "knows its own styles only"),
        (["--style_text=sea", "--style_library=nowhere"], "is not a folder"),
        (["--style_text= "], "style_text is empty"),
        (["--style_library=nowhere", "--style=x.png"], "give style_text as well"),
        (["--style=library:wave"], "Near names: big_wave"),
    ],
)
def test_refuses_in_one_sentence(folder, tmp_path, content, capsys, flags, said):
    assert paint(content, tmp_path / "words.png", *flags) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "words.png").exists()


def test_any_takes_the_nearest(folder, tmp_path, content):
    assert paint(content, tmp_path / "words.png", "--style_text=portrait", "--any") == 0


def test_python_refuses_as_well(folder, content):
    with pytest.raises(tf_style.ConfigError, match="one of them"):
        tf_style.stylize(content)
    with pytest.raises(tf_style.ConfigError, match="one of them"):
        tf_style.stylize(content, content, style_text="sea")
    with pytest.raises(tf_style.ConfigError, match="give style_text"):
        tf_style.stylize(content, content, style_library=folder)
    with pytest.raises(tf_style.ConfigError, match="its own styles only"):
        tf_style.stylize(content, style_text="sea", network="many_styles")
    with pytest.raises(LibraryError, match="Near names"):
        tf_style.stylize(content, "library:wave")


def test_names_paint_in_manifests_and_folders(folder, tmp_path, content):
    (tmp_path / "list.csv").write_text("content,style,output\nphoto.png,library:gold|library:night,a.png\n")
    output = f"--output={tmp_path / 'out'}"
    assert main(["stylize", f"--manifest={tmp_path / 'list.csv'}", output, *command.SHORT, "--quiet"]) == 0
    assert paint(content, tmp_path / "b.png", "--style=library:gold,library:night") == 0
    assert (tmp_path / "out" / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    photos = tmp_path / "photos"
    photos.mkdir()
    command.write_picture(photos / "photo.png")
    assert paint(photos, tmp_path / "painted", "--style_text=golden mosaic") == 0
    assert (tmp_path / "painted" / "photo.png").exists()


def test_the_default_output_is_named_after_the_pictures(folder, tmp_path, content):
    assert main(["stylize", content, "library:gold", *command.SHORT]) == 0
    assert (tmp_path / "photo-gold.png").exists()


def test_library_lists_and_searches(folder, tmp_path, capsys):
    assert main(["library"]) == 0
    assert "big_wave  Big Wave  A. Painter  1831\n" in capsys.readouterr().out
    assert main(["library", "swirling", "stars", f"--sheet={tmp_path / 'sheet.png'}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert re.match(r"0\.\d\d  1\.00  night +Night, C\. Painter +night, swirling stars$", lines[0])
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (580, 223)
    assert main(["library", "sea", f"--style_library={tmp_path / 'none'}"]) == 2
    assert main(["library", "--sheet=sheet.txt"]) == 2

"""Every command and every snippet of docs/recipes.md runs, only smaller."""

import io
import re
import shlex
import sys

import numpy as np
import pytest
from PIL import Image

from tests import command
from tf_style import images
from tf_style.cli.main import main

PAGE = (command.ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.+?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [text for kind, text in BLOCKS if not kind]
SNIPPETS = [text for kind, text in BLOCKS if kind == "python"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """What the page's commands name."""
    for place in ("photos", "paintings"):
        (tmp_path / place).mkdir()
    for number, name in enumerate(
        ("photo.jpg", "painting.jpg", "wave.jpg", "brick.dds", "photos/a.jpg", "photos/a.png", "paintings/sea.jpg")
    ):
        command.write_picture(tmp_path / name, 40, 52, seed=number)
    mask = np.zeros((40, 52, 3), np.float32)
    mask[10:30, 10:30] = 1.0
    images.write_image(tmp_path / "face.png", mask)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def smaller(words):
    """Flags that make a command quick, after those that it has."""
    quick = [] if words[0] == "recolor" or "--preset=instant" in words else [*command.SHORT]
    if words[0] == "texture":
        quick = [flag for flag in quick if not flag.startswith(("--content_", "--init="))]
    if any(word.startswith("--size=") for word in words):
        quick = [flag for flag in quick if not flag.startswith("--size=")]
    elif "--preset=instant" in words:
        quick = ["--size=48"]
    return [*words, *quick]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_command_runs(line, folder, monkeypatch):
    before = set(folder.rglob("*"))
    piped = re.fullmatch(r"cat (\S+) \| tf-style (.+) > (\S+)", line)
    if piped is None:
        assert main(smaller(shlex.split(line.removeprefix("tf-style ")))) == 0
    else:
        source, rest, target = piped.groups()
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((folder / source).read_bytes())))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, write_through=True))
        assert main(smaller(shlex.split(rest))) == 0
        (folder / target).write_bytes(written.getvalue())
    new = [path for path in set(folder.rglob("*")) - before if path.is_file()]
    assert new
    for path in new:
        assert min(images.read_image(path).size) >= 32
        assert path.suffix != ".webp" or path.read_bytes()[8:12] == b"WEBP"


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_the_snippet_runs(snippet, folder):
    names = {}
    exec(compile(snippet.replace("size=256", "size=48"), "recipes.md", "exec"), names)
    if "answer" in names:
        assert Image.open(io.BytesIO(names["answer"]((folder / "photo.jpg").read_bytes()))).size == (48, 37)
    else:
        assert Image.open(folder / "from_python.png").size == (48, 37)


def test_all_of_the_page_is_found():
    assert len(COMMANDS) == PAGE.count("\n```\ntf-style") + PAGE.count("\n```\ncat") == len(BLOCKS) - 2
    assert len(SNIPPETS) == PAGE.count("```python") == 2

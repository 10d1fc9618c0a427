"""Folders with pictures that are painted in tiles."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests import command
from tests.jobs.folder.photos import (
    files_in,
    stylize,
)
from tf_style import images
from tf_style.images.strips.planes import Plane
from tf_style.jobs.large.session import LargeSession
from tf_style.jobs.run import progress

TILES = ("--style=style.jpg", *command.SHORT, "--size=0", "--tile_size=48")


@pytest.fixture(scope="module")
def large(folder):
    """A content folder of two pictures that are painted in tiles of 48 pixels, and one that is painted whole."""
    (folder / "large" / "sub").mkdir(parents=True)
    command.write_picture(folder / "large" / "a.png", 72, 96, seed=11)
    command.write_picture(folder / "large" / "b.png", 40, 48, seed=12)
    command.write_picture(folder / "large" / "sub" / "c.png", 96, 72, seed=13, mode="RGBA")
    return folder / "large"


def test_large_pictures_are_painted_in_tiles(large, there, capfd, monkeypatch):
    monkeypatch.setattr(progress, "_LINES_EVERY_SECONDS", 0)
    assert stylize(*TILES, "--output=tiled", "--json=tiled.json", content="large") == 0
    lines = capfd.readouterr().err.splitlines()
    assert any(line.endswith(" 1 of 1 scales in tiles.") for line in lines)
    assert any(line.startswith("1/3 pictures  a.png  step ") for line in lines)
    assert files_in(there / "tiled") == {"a.png", "b.png", "sub/c.png"}
    assert stylize(*TILES, "--output=single.png", content="large/sub/c.png") == 0
    assert (there / "tiled" / "sub" / "c.png").read_bytes() == Path("single.png").read_bytes()
    record = json.loads(Path("tiled.json").read_text())
    assert [(row["name"], row["size"], row["error"]) for row in record["pictures"]] == [
        ("a.png", [72, 96], None), ("b.png", [40, 48], None), ("sub/c.png", [96, 72], None),
    ]  # fmt: skip
    assert stylize(*TILES, "--output=tiled", "--skip_existing", content="large") == 0
    assert capfd.readouterr().err.endswith("Nothing to paint: 3 already existed in tiled.\n")


def test_large_pictures_that_fail_are_reported_and_the_rest_is_done(large, there, capfd, monkeypatch):
    after = ["--preserve_color=linear", "--color_stage=after"]
    assert stylize(*TILES, *after, "--output=after", content="large") == 1
    lines = capfd.readouterr().err.splitlines()
    assert sum("give --color_stage=before" in line for line in lines) == 2
    assert files_in(there / "after") == {"b.png"}
    create, failed = Plane.create, []

    def full_once(plane):
        if plane.path.name.startswith("gradient") and not failed:
            failed.append(plane.path)
            raise images.WriteError(f"'{plane.path}' cannot be written (the disk is full)")
        return create(plane)

    monkeypatch.setattr(Plane, "create", full_once)
    assert stylize(*TILES, "--output=full", "--quiet", content="large") == 1
    first, last = capfd.readouterr().err.splitlines()
    assert "large/a.png" in first
    assert "the disk is full" in first
    assert last == "tf-style: 1 of 3 pictures failed."
    assert {path.relative_to(there / "full").as_posix() for path in (there / "full").rglob("*")} == {
        "b.png", "sub", "sub/c.png",
    }  # fmt: skip


def test_an_interruption_between_tiles_leaves_whole_pictures_only(large, there, capfd, monkeypatch):
    steps = LargeSession.steps

    def interrupted(session):
        for number, state in enumerate(steps(session)):
            if number == 5 and session._inputs.content.name == "c.png":
                os.kill(os.getpid(), signal.SIGINT)
            yield state

    monkeypatch.setattr(LargeSession, "steps", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where tests run in the background
    try:
        status = stylize(*TILES, "--output=halted", "--json=halted.json", content="large")
    finally:
        signal.signal(signal.SIGINT, before)
    assert status == 130
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("Interrupted: 2 of 3 pictures are in halted; ")
    assert {path.relative_to(there / "halted").as_posix() for path in (there / "halted").rglob("*")} == {
        "a.png", "b.png", "sub",
    }  # fmt: skip
    record = json.loads(Path("halted.json").read_text())
    assert (record["complete"], [row["name"] for row in record["pictures"]]) == (False, ["a.png", "b.png"])

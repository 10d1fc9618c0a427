"""The documentation: links lead somewhere, commands and flags exist, the README stays short."""

import dataclasses
import re
from pathlib import Path

import pytest

from tf_style import config
from tf_style.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "serving").glob("*.md"),
        *ROOT.glob("examples/**/*.md"),
    ]
)
FLAGS = {
    field.name
    for kind in vars(config).values()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind)
    for field in dataclasses.fields(kind)
} | {"preset", "flagfile", "help", "version"}


def anchor(heading):
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, part = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), f"{page.name} links to {target}"
        if part:
            headings = re.findall(r"^#+ (.+)$", place.read_text(encoding="utf-8"), re.MULTILINE)
            assert part in map(anchor, headings), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_and_flags_exist(page):
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for name, rest in re.findall(r"^\s*tf-style ([a-z]+)(.*)$", text, re.MULTILINE):
        assert name in COMMANDS
        own = rest.split(" -- ")[0].partition(" #")[0]
        given = re.findall(r"(?:^| )--(?:no)?([a-z_]+)", own)
        assert not [flag for flag in given if flag not in FLAGS and f"no{flag}" not in FLAGS], f"tf-style {name}{rest}"


def test_the_readme_fits_on_three_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150

"""A small library of pictures in a folder, and sessions that choose from it."""

import pytest

from tests import command
from tf_style.taste.session import Session


@pytest.fixture(scope="session")
def paintings(tmp_path_factory):
    """A library of six pictures."""
    folder = tmp_path_factory.mktemp("paintings")
    for seed, name in enumerate(("hill", "lake", "tree", "tower", "boat", "cat")):
        command.write_picture(folder / f"{name}.png", 40, 48, seed=seed)
    return folder


@pytest.fixture
def session(paintings, tmp_path):
    return Session.open(tmp_path / "me.json", paintings)


def likes_warmth(pair):
    """The answer of somebody who likes yellow."""
    return "left" if pair.left.warmth >= pair.right.warmth else "right"


def answer(session, count, person=likes_warmth):
    """Answers so many questions; returns them."""
    asked = []
    for _ in range(count):
        asked.append(session.ask())
        session.tell(person(asked[-1]))
    return asked

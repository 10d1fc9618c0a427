"""Candidates, and which of them are alike."""

import shutil

import numpy as np
import pytest

from tests import command
from tf_style.taste.file import TasteError
from tf_style.taste.space import NEUTRAL, Candidate, Space


@pytest.fixture(scope="module")
def space(paintings):
    return Space.open(paintings)


def test_draws_differ_and_repeat(space):
    drawn = space.draw(200, 3)
    assert len(set(drawn)) == 200
    assert drawn == space.draw(200, 3) != space.draw(200, 4)
    assert {len(one.styles) for one in drawn} == {1, 2}
    assert {one.preserve_color for one in drawn} == {"none", "luminance"}
    assert all(sum(one.shares) == pytest.approx(1) and one.controls for one in drawn)


def test_variations_are_near(space):
    one = space.draw(1, 0)[0]
    varied = space.vary(one, 50, np.random.default_rng(0))
    drawn = space.draw(50, 1)
    likeness = space.prior([one, *varied, *drawn]).rows(np.array([0]))[0]
    assert likeness[1:51].mean() > likeness[51:].mean()


def test_the_prior_is_a_covariance(space):
    prior = space.prior(space.draw(60, 0))
    rows = prior.rows(np.arange(60))
    np.testing.assert_allclose(rows.diagonal(), prior.variance)
    np.testing.assert_allclose(rows, rows.T, atol=1e-12)
    assert np.linalg.eigvalsh(rows).min() > -1e-9


def test_pictures_that_look_alike_are_near(paintings, tmp_path):
    folder = tmp_path / "more"
    shutil.copytree(paintings, folder)
    shutil.copy(folder / "lake.png", folder / "same_lake.png")
    space = Space.open(folder)
    candidates = [Candidate((name,), (1.0,)) for name in space.entries]
    rows = space.prior(candidates).rows(np.arange(len(candidates)))
    lake, same = (list(space.entries).index(name) for name in ("lake", "same_lake"))
    np.fill_diagonal(rows, 0)
    assert rows[lake].argmax() == same
    assert space.digest != Space.open(paintings).digest


def test_a_library_of_one_picture(tmp_path):
    command.write_picture(tmp_path / "only.png", 40, 40)
    space = Space.open(tmp_path)
    drawn = space.draw(100, 0)
    assert {one.styles for one in drawn} == {("only",)}
    assert np.isfinite(space.prior(drawn).rows(np.arange(100))).all()


def test_candidates_go_through_files(space):
    for one in space.draw(20, 0):
        assert Candidate.from_json(one.as_json()) == one
    assert Candidate(("a",), (1.0,))[2:] == tuple(NEUTRAL.values())


@pytest.mark.parametrize(
    "changes",
    [{"styles": {}}, {"styles": {"a": 0.5, "b": 0.6}}, {"styles": ["a"]}, {"warmth": 2}, {"warmth": "x"},
     {"preserve_color": "histogram"}, {"saturation": None}],
)  # fmt: skip
def test_other_candidates_are_refused(changes):
    with pytest.raises(TasteError, match="cannot be read"):
        Candidate.from_json({"styles": {"a": 1.0}, **NEUTRAL, **changes})
    with pytest.raises(TasteError, match="cannot be read"):
        Candidate.from_json({"styles": {"a": 1.0}})

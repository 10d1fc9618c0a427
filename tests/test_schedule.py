"""`Schedule`: controls over time, and their files."""

import numpy as np
import pytest

import tf_style
from tests.materials import assert_one_sentence
from tf_style.controls import OWN, Controls
from tf_style.schedule import NUMBERS, Schedule, ScheduleError


def test_between_and_beyond_its_moments():
    schedule = Schedule([1, 2, 4], {"style_strength": [0, 1, 0.5], "warmth": [-1, 1, 1]}, [[1, 0], [0, 1], [0, 1]])
    for moment, strength, warmth, blend in (
        (-5, 0.0, -1.0, (1.0, 0.0)),
        (1, 0.0, -1.0, (1.0, 0.0)),
        (1.25, 0.25, -0.5, (0.75, 0.25)),
        (2, 1.0, 1.0, (0.0, 1.0)),
        (3, 0.75, 1.0, (0.0, 1.0)),
        (99, 0.5, 1.0, (0.0, 1.0)),
    ):
        assert schedule.at(moment) == Controls(style_blend=blend, style_strength=strength, warmth=warmth)


def test_what_is_missing_is_as_it_is():
    base = Controls(style_blend=(2.0, 1.0), style_strength=1 / 3, consistency=0.7, palette=("#102030", "#f0e0d0"))
    assert Schedule([0], {}).at(3.0) == OWN
    assert Schedule([0], {}, base=base).at(3.0) == base
    assert Schedule([0], {"saturation": [0.5]}, base=base).at(3.0) == base.replace(saturation=0.5)
    assert Schedule([0], {}, [[1, 3]], base).at(3.0) == base.replace(style_blend=(1.0, 3.0))


def test_a_public_name():
    assert tf_style.Schedule is Schedule


@pytest.mark.parametrize("shares", [None, 3])
@pytest.mark.parametrize("names", [(), NUMBERS, NUMBERS[1:3]])
def test_files_hold_all_of_it(tmp_path, names, shares):
    rng = np.random.default_rng(0)
    schedule = Schedule(
        np.cumsum(rng.uniform(0.001, 1, 40)),
        {name: rng.uniform(0, 1, 40) for name in names},
        None if shares is None else rng.uniform(0, 1, (40, shares)),
    )
    schedule.write(tmp_path / "one.csv")
    again = Schedule.read(tmp_path / "one.csv")
    again.write(tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert {schedule.at(moment) == again.at(moment) for moment in rng.uniform(-1, 25, 200)} == {True}
    assert again.num_styles == (shares or 0)


def test_files_as_spreadsheets_write_them(tmp_path):
    path = tmp_path / "edited.csv"
    lines = ("\ufeffshare_2, seconds ,style_strength,share_1", "", "0,0,1e0,1", " 1 , 2 ,.5, 0", ",,,", "")
    path.write_bytes("\r\n".join(lines).encode())
    schedule = Schedule.read(path, Controls(consistency=0.3))
    assert schedule.at(1.0) == Controls(style_blend=(0.5, 0.5), style_strength=0.75, consistency=0.3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must begin with a line of names"),
        (b"seconds,style_strength\n", "needs moments"),
        (b"style_strength\n1\n", "must begin with a line of names"),
        (b"seconds,stroke_size\n0,1\n", "must begin with a line of names"),
        (b"seconds,warmth,warmth\n0,1,1\n", "each once"),
        (b"seconds,share_2\n0,1\n", "share_1, share_2"),
        (b"seconds,warmth\n0,much\n", "row 2"),
        (b"seconds,warmth\n0,1\n1,0,0\n", "row 3"),
        (b"seconds,warmth\n0,1\n1,2\n", "At 1 s: warmth"),
        (b"seconds,warmth\n0,nan\n", "At 0 s: warmth"),
        (b"seconds,warmth\n1,0\n1,0\n", "in their order"),
        (b"seconds,warmth\nnan,0\n", "in their order"),
        (b"seconds,warmth\n0,0\ninf,0\n", "in their order"),
        (b"seconds,share_1\n0,-1\n", "At 0 s: style_blend"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_refused_files(tmp_path, content, words):
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(ScheduleError) as caught:
        Schedule.read(tmp_path / "bad.csv")
    for part in ("bad.csv", words):
        assert part in str(caught.value)
    assert_one_sentence(str(caught.value))


def test_refused(tmp_path):
    for seconds, values, words in (
        ([0], {"size": [1]}, "no 'size'"),
        ([0, 0.00001], {}, "in their order"),
        ([0, 1], {"warmth": [0]}, "2 moments needs as many warmth, not 1"),
    ):
        with pytest.raises(ScheduleError, match=words) as caught:
            Schedule(seconds, values)
        assert_one_sentence(str(caught.value))
    with pytest.raises(ScheduleError, match="none.csv' cannot be read"):
        Schedule.read(tmp_path / "none.csv")

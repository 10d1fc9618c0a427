"""Questions and answers: what is asked, learned and kept."""

import json
import shutil

import pytest

from tests.materials import assert_one_sentence
from tests.taste.conftest import answer, likes_warmth
from tf_style.controls import Controls
from tf_style.taste import file
from tf_style.taste.file import TasteError
from tf_style.taste.profile import Profile
from tf_style.taste.session import Session


def test_no_choices_change_nothing(session, tmp_path):
    profile = session.profile()
    assert (profile.styles, profile.options, profile.controls) == ((), {}, Controls())
    assert (profile.choices, profile.sure, profile.sentence) == (0, 0.5, "nothing yet")
    assert not (tmp_path / "me.json").exists()


def test_it_learns(session, tmp_path):
    asked = answer(session, 20)
    profile = session.profile()
    assert profile.controls.warmth >= 0.3 and "warm" in profile.learned.split(", ")
    assert profile.sure > 0.7 and profile.choices == 20
    assert (profile.agreed, profile.repeated) == (2, 2)
    assert [pair.kind for pair in asked[:3]] == 3 * ["random"]
    repeated = [pair for pair in asked if pair.kind == "repeat"]
    assert all(any((old.right, old.left, old.content) == pair[:3] for old in asked) for pair in repeated)
    assert len([pair for pair in asked if pair.kind == "surprise"]) >= 2
    assert {pair.content for pair in asked} == {0, 1, 2, 3}
    assert Profile.read(tmp_path / "me.json") == profile


def test_going_on_is_the_same_as_not_having_stopped(paintings, tmp_path):
    without_stop = Session.open(tmp_path / "one.json", paintings, seed=5)
    asked = answer(without_stop, 11)
    found = []
    for _ in range(11):
        again = Session.open(tmp_path / "two.json", paintings, seed=5)
        found += answer(again, 1)
    assert found == asked
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert Session.open(tmp_path / "one.json").ask() == without_stop.ask() == again.ask()
    other_seed = Session.open("", paintings, seed=6)
    assert other_seed.ask() != asked[0]


def test_an_answer_that_cannot_be_written_does_not_count(session, tmp_path, monkeypatch):
    answer(session, 2)
    before, pair = (tmp_path / "me.json").read_bytes(), session.ask()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("os.replace", killed)
        session.tell("left")
    assert (tmp_path / "me.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["me.json"]
    assert session.ask() == pair and session.choices == 2
    session.tell("right")
    assert Session.open(tmp_path / "me.json").choices == 3


def test_undo(session, tmp_path):
    with pytest.raises(TasteError, match="no answer to take back"):
        session.undo()
    asked = answer(session, 5)
    session.undo()
    assert session.ask() == asked[-1] == Session.open(tmp_path / "me.json").ask()
    assert session.choices == 4


def test_ahead(session):
    answer(session, 3)
    ahead = {given: session.after(given) for given in ("left", "right")}
    assert session.choices == 3
    session.tell("right")
    assert session.ask() == ahead["right"] != ahead["left"]


def test_ties_and_skips(session):
    answer(session, 4)
    known = session.understanding()
    for given, choices, comparisons in (("skip", 4, 4), ("both", 5, 4), ("neither", 6, 6)):
        pair = session.ask()
        session.tell(given)
        assert (session.choices, session.understanding().comparisons) == (choices, comparisons)
    after = session.understanding()
    for one in pair[:2]:
        assert after.belief.mean[after.items.index(one)] < known.belief.mean.max()
    with pytest.raises(TasteError, match="left, right, both"):
        session.tell("middle")


def test_a_lost_painting(paintings, tmp_path):
    folder = tmp_path / "library"
    shutil.copytree(paintings, folder)
    session = Session.open(tmp_path / "me.json", folder)
    answer(session, 8)
    gone = session.log[0].pair.left.styles[0]
    (folder / f"{gone}.png").unlink()
    later = Session.open(tmp_path / "me.json")
    assert later.lost == (gone,)
    assert later.choices == 8 and later.understanding().comparisons < 8
    assert len(json.loads((tmp_path / "me.json").read_text())["log"]) == 8
    asked = answer(later, 12)
    assert all(gone not in one.styles for pair in asked for one in pair[:2])
    assert Session.open(tmp_path / "me.json").choices == 20


def test_merging(paintings, tmp_path):
    mine, other = (Session.open(tmp_path / f"{name}.json", paintings, seed) for seed, name in enumerate("ab"))
    answer(mine, 4)
    answer(other, 6)
    assert mine.merge(tmp_path / "b.json") == 6
    assert mine.understanding().comparisons == 10
    assert mine.merge(tmp_path / "b.json") == 0 == mine.merge(tmp_path / "a.json")
    answer(other, 2)
    assert mine.merge(tmp_path / "b.json") == 2
    again = Session.open(tmp_path / "a.json")
    assert (again.choices, again.ask()) == (12, mine.ask())
    assert other.merge(tmp_path / "a.json") == 4
    copy = Session.open(tmp_path / "c.json", paintings)
    assert copy.merge(tmp_path / "a.json") == 12


def test_two_programs_do_not_overwrite_each_other(session, tmp_path):
    answer(session, 1)
    other = Session.open(tmp_path / "me.json")
    other.tell("skip")
    with pytest.raises(TasteError, match="changed by another program"):
        session.tell("left")


def test_files_can_be_read_by_people(session, tmp_path):
    answer(session, 12)
    text = (tmp_path / "me.json").read_text()
    assert text.startswith('{\n  "format": "taste of tf_style",\n  "version": 1,\n  "learned": "')
    fields = json.loads(text)
    assert fields["choices"] == 12 == len(fields["log"])
    assert sum(style["share"] for style in fields["styles"]) == pytest.approx(1)
    assert len(fields["library"]["sha256"]) == 64


def changed(**changes):
    def change(text):
        return json.dumps({**json.loads(text), **changes})

    return change


BROKEN = {
    "no JSON": (lambda text: text[:-20], "is not a profile"),
    "other JSON": (lambda text: "[1, 2]", "its format is not"),
    "no text": (lambda text: "\x00", "is not a profile"),
    "newer": (changed(version=2), "version 2"),
    "unknown field": (changed(mood="good"), "the field 'mood' is not known"),
    "missing field": (lambda text: text.replace('"seed"', '"seeds"'), "the field 'seed' is missing"),
    "wrong control": (changed(controls={"warmth": 7}), "warmth must be -1 to 1"),
    "unknown control": (changed(controls={"heat": 7}), "heat"),
    "wrong styles": (changed(styles=[{"style": "a"}]), "'share' in its styles"),
    "wrong log": (changed(log=[{"answer": "left"}]), "a choice in its log"),
    "wrong answer": (lambda text: text.replace('"answer": "left"', '"answer": "up"'), "a choice in its log"),
    "wrong seed": (changed(seed=-1), "its seed is -1"),
    "endless seed": (changed(seed=float("inf")), "its library, seed or log"),
    "endless choices": (changed(choices=float("inf")), "its styles or controls"),
    "endless content": (lambda text: text.replace('"content": 0', '"content": 1e999'), "a choice in its log"),
    "long number": (lambda text: 5000 * "9", "is not a profile"),
    "wrong library": (changed(library=[]), "is not a profile"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused(session, tmp_path, name):
    answer(session, 2, lambda pair: "left")
    change, said = BROKEN[name]
    place = tmp_path / "me.json"
    place.write_text(change(place.read_text()))
    with pytest.raises(TasteError) as refusal:
        Session.open(place)
    assert said in str(refusal.value)
    assert_one_sentence(str(refusal.value))


def test_no_file(tmp_path):
    with pytest.raises(TasteError, match="There is no profile .*tf-style taste PHOTOS"):
        Profile.read(tmp_path / "me.json")
    with pytest.raises(TasteError, match="cannot be read"):
        file.read(tmp_path)


def test_words_say_what_matters(session):
    answer(
        session, 16, lambda pair: "left" if pair.left.preserve_color > pair.right.preserve_color else likes_warmth(pair)
    )
    learned = session.profile().learned
    assert "warm" in learned and "cool" not in learned

"""Reactions: how they are written, and what they make of what is heard."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.tracks import PARTS, RATE, make_track
from tests.materials import assert_one_sentence
from tf_style.audio import (
    DRIVEN,
    HEARD,
    REACTIONS,
    AudioError,
    Features,
    Reaction,
    Sound,
    analyse,
    parse_reactions,
    react,
)
from tf_style.controls import Controls
from tf_style.schedule import Schedule

BASE = Controls(style_strength=0.5, consistency=0.5)


def features(seconds=8.0, **curves):
    """Nothing happens but what is given."""
    rate = RATE / 256
    count = round(seconds * rate)
    steady = {name: np.full(count, 0.5) for name in ("loudness", "bass", "brightness")}
    none = {name: np.zeros(0) for name in ("onsets", "strengths", "sections", "beats")}
    zeros = {name: np.zeros(count) for name in ("onset", "decibels", "novelty")}
    return Features(**{"rate": rate, "chroma": np.zeros((count, 12)), **steady, **none, **zeros, **curves})


def ramp(seconds=8.0):
    return np.linspace(0, 1, round(seconds * RATE / 256))


def pulses(*moments, strengths=None):
    return features(onsets=np.array(moments), strengths=np.array(strengths or [1.0] * len(moments)))


@pytest.fixture(scope="module")
def song():
    track = make_track(100.0, 40.0, 3, PARTS)
    return track, analyse(Sound(track.samples), 100.0)


# --- how they are written ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REACTIONS)
def test_presets(name):
    assert parse_reactions(f" {name.upper()} ") == REACTIONS[name]
    assert parse_reactions(",".join(map(str, REACTIONS[name]))) == REACTIONS[name]
    assert "beat" not in {reaction.feature for reaction in REACTIONS[name]}  # it may be an octave off


def test_rows():
    assert parse_reactions("onset:blend:.35, loudness : strength : -.3,") == (
        Reaction("onset", "blend", 0.35),
        Reaction("loudness", "strength", -0.3),
    )
    for feature in HEARD:
        for control in DRIVEN if feature != "chroma" else ("blend",):
            assert parse_reactions(f"{feature}:{control}:1") == (Reaction(feature, control, 1.0),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "calm, pulse, sections"),
        ("puls", "did you mean 'pulse'?"),
        ("onset:blend", "feature:control:amount"),
        ("onset:blend:much", "feature:control:amount"),
        ("onset:blend:.3:2", "feature:control:amount"),
        (":", "feature:control:amount"),
        ("onsets:blend:.3", "did you mean 'onset'?"),
        ("onset:size:.3", "blend, strength, saturation, warmth, consistency"),
        ("loudness:warmth:1.5", "-1 to 1"),
        ("loudness:warmth:nan", "-1 to 1"),
        ("onset:blend:-.3", "0 to 1"),
        ("chroma:warmth:.3", "chroma:blend:1"),
        ("onset:blend:.3,onset:blend:.4", "given twice"),
    ],
)
def test_refused(text, words):
    with pytest.raises(AudioError) as caught:
        parse_reactions(text)
    assert words in str(caught.value)
    assert_one_sentence(str(caught.value))


# --- what they drive --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [24.0, 25.0, 60.0])
def test_pulses_begin_with_the_nearest_frame_and_decay(fps):
    moments = (1.013, 3.49, 5.0)
    schedule = react(pulses(*moments), parse_reactions("onset:blend:.4"), BASE, num_styles=2, fps=fps, seconds=8.0)
    accent = schedule.shares[:, 1]
    assert len(schedule.seconds) == 8 * fps
    assert not schedule.values
    np.testing.assert_allclose(schedule.shares.sum(axis=1), 1.0, atol=2e-4)
    rises = np.flatnonzero(np.diff(accent, prepend=0.0) > 0)
    np.testing.assert_array_equal(rises, np.rint(np.array(moments) * fps))
    np.testing.assert_allclose(accent[rises], 0.4, atol=1e-4)
    assert schedule.at(rises[0] / fps + 0.25).style_blend[1] == pytest.approx(0.4 / np.e, abs=0.004)


def test_a_weak_onset_does_not_cut_a_strong_one_short():
    values = react(pulses(1.0, 1.2, strengths=[1.0, 0.3]), parse_reactions("onset:warmth:1"), BASE).values["warmth"]
    assert values[30] == pytest.approx(np.exp(-0.2 / 0.25), abs=1e-4)  # at 1.2 s, above 0.3
    assert (np.diff(values[25:100]) <= 0).all()


def test_loudness_rises_faster_than_it_falls():
    loudness = np.repeat([0.0, 1.0, 0.0], 230)
    schedule = react(features(loudness=loudness), parse_reactions("loudness:strength:.4"), BASE, fps=100.0)
    values, edges = schedule.values["style_strength"], 230 * 256 / RATE
    assert values[[0, -1]] == pytest.approx([0.3, 0.3], abs=0.01)
    assert schedule.at(edges + 0.08).style_strength == pytest.approx(0.3 + 0.4 * (1 - 1 / np.e), abs=0.03)
    assert schedule.at(2 * edges + 0.5).style_strength == pytest.approx(0.3 + 0.4 / np.e, abs=0.03)


@pytest.mark.parametrize("control", DRIVEN)
@pytest.mark.parametrize("feature", ["onset", "beat", "loudness", "bass", "brightness", "novelty"])
def test_each_alone(song, feature, control):
    """The control follows what is heard; all others are exactly as they were."""
    base = BASE.replace(saturation=0.9, warmth=0.1, palette=("#203040",))
    schedule = react(song[1], [Reaction(feature, control, 0.3)], base, num_styles=2, fps=25.0, seconds=40.0)
    driven = {"blend": "style_blend"}.get(control, DRIVEN[control])
    for moment in (0.0, 7.77, 31.0):
        assert schedule.at(moment).replace(**{driven: getattr(base, driven)}) == base
    values = schedule.shares[:, 1] if control == "blend" else schedule.values[driven]
    if feature in ("loudness", "bass", "brightness"):
        expected = np.interp(schedule.seconds, song[1].seconds, getattr(song[1], feature))
        assert stats.spearmanr(expected, values).statistic >= 0.8
    elif feature == "novelty":
        assert np.corrcoef(np.searchsorted(song[0].sections, schedule.seconds) % 2, values)[0, 1] > 0.9
    else:
        struck = np.rint((song[1].onsets if feature == "onset" else song[1].beats) * 25).astype(int)
        rises = np.flatnonzero(np.diff(values, prepend=values.min() - 1) > 1e-3)
        assert len(rises) > 20
        assert set(rises[1:]) <= set(struck)


def test_a_range_beyond_full_strength_is_moved_down():
    schedule = react(features(loudness=ramp()), parse_reactions("loudness:strength:.3"), Controls())
    values = schedule.values["style_strength"]
    assert (values.min(), values.max()) == pytest.approx((0.7, 1.0), abs=0.02)
    lowered = react(pulses(1.0), parse_reactions("onset:strength:-.3"), Controls()).values["style_strength"]
    assert (lowered[0], lowered.min()) == pytest.approx((1.0, 0.7))


@pytest.mark.parametrize(
    ("control", "base", "limits"),
    [
        ("consistency", {"consistency": 0.1}, (0.0, 0.1)),
        ("warmth", {"warmth": -0.9}, (-1.0, -0.9)),
        ("saturation", {"saturation": 0.0}, (0.0, 0.0)),
        ("saturation", {"saturation": 2.0}, (1.4, 2.0)),
    ],
)
def test_limits(control, base, limits):
    values = react(pulses(2.0), [Reaction("onset", control, -0.3)], Controls(**base)).values[control]
    assert (values.min(), values.max()) == pytest.approx(limits)


def test_several_add_up():
    both = "loudness:warmth:.4,onset:warmth:.2"
    found = features(loudness=ramp(), onsets=np.array([4.0]), strengths=np.ones(1))
    loudness, onset, sums = (
        react(found, parse_reactions(text), BASE).values["warmth"] for text in (*both.split(","), both)
    )
    np.testing.assert_allclose(sums, loudness + onset, atol=2e-4)


def test_pulses_lower_consistency():
    values = react(pulses(2.0), REACTIONS["pulse"], BASE, num_styles=2).values["consistency"]
    assert (values[49], values[50], values[-1]) == pytest.approx((0.5, 0.2, 0.5), abs=1e-3)


def test_consistency_must_be_known():
    with pytest.raises(AudioError, match="consistency") as caught:
        react(pulses(2.0), REACTIONS["pulse"], Controls(), num_styles=2)
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize("name", ["pulse", "sections"])
def test_with_one_style_strength_is_driven_instead(name):
    found = features(onsets=np.array([4.0]), strengths=np.ones(1), sections=np.array([4.0]))
    schedule = react(found, REACTIONS[name], BASE.replace(style_strength=None), num_styles=1)
    values = schedule.values["style_strength"]
    assert schedule.num_styles == 0
    amount = {"pulse": 0.35, "sections": -0.4}[name]
    assert values[99 if name == "pulse" else 80] == pytest.approx(1 - max(0, amount), abs=1e-3)
    assert values[101 if name == "pulse" else 120] == pytest.approx(1 + min(0, amount), abs=0.06)


def test_own_shares_are_where_pulses_begin():
    base = BASE.replace(style_blend=(1.0, 2.0, 1.0))
    shares = react(pulses(2.0), parse_reactions("onset:blend:.5"), base, num_styles=3).shares
    np.testing.assert_allclose(shares[0], [0.25, 0.5, 0.25])
    np.testing.assert_allclose(shares[50], [0.125, 0.25, 0.625])


def test_each_section_has_the_next_style():
    found = features(seconds=40.0, sections=np.array([8.2, 20.0, 32.0]), onsets=np.array([20.3]), strengths=np.ones(1))
    schedule = react(found, parse_reactions("novelty:blend:1"), BASE, num_styles=3, cuts=(9.0, 26.0))
    styles = [schedule.at(moment).style_blend for moment in (0.0, 8.9, 9.0, 19.7, 20.3, 20.9, 26.0, 33.0)]
    first, second, third = np.eye(3)
    faded = (second + third) / 2  # at the onset; at a cut it changes at once
    expected = [first, first, second, second, faded, third, third, first]
    np.testing.assert_allclose(styles, expected, atol=1e-3)


def test_the_accent_is_never_the_sections_own_style():
    found = features(sections=np.array([4.0]), onsets=np.array([2.0, 6.0]), strengths=np.ones(2))
    shares = react(found, parse_reactions("novelty:blend:1,onset:blend:.3"), BASE, num_styles=2).shares
    np.testing.assert_allclose(shares[[50, 150]], [[0.7, 0.3], [0.3, 0.7]], atol=1e-3)


def test_harmony_chooses_a_style():
    """A little more of another pitch class changes nothing."""
    chroma = np.zeros((689, 12))
    for part, (one, other) in enumerate([(0.8, 0.2), (0.48, 0.52), (0.1, 0.9), (0.52, 0.48)]):
        chroma[172 * part : 172 * part + 173, [0, 7]] = one, other
    shares = react(features(chroma=chroma), parse_reactions("chroma:blend:1"), BASE, num_styles=2).shares
    np.testing.assert_allclose(shares[[20, 85, 120, 190], 0], [shares[20, 0]] * 2 + [1 - shares[20, 0]] * 2)
    with pytest.raises(AudioError, match="chroma:blend:1 chooses among styles"):
        react(features(chroma=chroma), parse_reactions("chroma:blend:1"), BASE)
    chroma[:] = chroma[0]
    assert react(features(chroma=chroma), parse_reactions("chroma:blend:1"), BASE, num_styles=2).at(3.0) == BASE


def test_after_the_sound_it_is_silent():
    found = features(loudness=ramp(), onsets=np.array([7.9]), strengths=np.ones(1))
    schedule = react(found, parse_reactions("loudness:strength:.4,onset:warmth:.5"), BASE, seconds=20.0)
    assert len(schedule.seconds) == 500
    assert schedule.at(8.0).style_strength > 0.6
    assert (schedule.at(19.9).style_strength, schedule.at(19.9).warmth) == pytest.approx((0.3, 0.0), abs=1e-3)
    later = react(found, parse_reactions("onset:warmth:.5"), BASE, seconds=5.0)
    assert later.at(4.0) == BASE


def test_a_file_gives_the_same_controls(song, tmp_path):
    schedule = react(song[1], REACTIONS["pulse"], BASE, num_styles=3, fps=24000 / 1001)
    schedule.write(tmp_path / "curves.csv")
    again = Schedule.read(tmp_path / "curves.csv", BASE)
    assert [again.at(number * 1001 / 24000) for number in range(900)] == [
        schedule.at(number * 1001 / 24000) for number in range(900)
    ]

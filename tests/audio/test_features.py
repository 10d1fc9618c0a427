"""`analyse`: what is heard in sounds of which it is known, and nothing where nothing happens."""

import dataclasses

import numpy as np
import pytest

from benchmarks.sound import f1
from benchmarks.tracks import PARTS, RATE, make_track, with_noise
from tf_style.audio import REACTIONS, Sound, analyse, features, react
from tf_style.controls import Controls

SECONDS = 12


def sine(hertz, seconds=SECONDS):
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, count)


def heard(samples, bpm=0.0):
    return analyse(Sound(np.asarray(samples, np.float32)), bpm)


@pytest.fixture(scope="module")
def track():
    return make_track(110.0, 20.0, 2)


@pytest.fixture(scope="module")
def found(track):
    return heard(track.samples)


STEADY = {
    "silence": np.zeros(SECONDS * RATE),
    "almost silence": 1e-5 * noise(SECONDS * RATE),
    "a tone": sine(440),
    "a deep tone": sine(60),
    "noise": noise(SECONDS * RATE),
    "empty": [],
    "one sample": [0.5],
    "shorter than a window": noise(1000),
}


@pytest.mark.parametrize("name", STEADY)
def test_nothing_happens(name):
    """Then all curves are constant, and all controls are exactly what they would be without the sound."""
    features = heard(STEADY[name])
    for curve in ("loudness", "bass", "brightness"):
        np.testing.assert_array_equal(getattr(features, curve), 0.5)
    for curve in (features.onset, features.onsets, features.beats, features.sections):
        assert not curve.any()
    base = Controls(style_strength=1 / 3, saturation=0.7, consistency=1 / 7, palette=("#102030",))
    for reactions in REACTIONS.values():
        for num_styles in (1, 3):
            schedule = react(features, reactions, base, num_styles=num_styles, seconds=4.0)
            assert {schedule.at(moment) for moment in (0.0, 1.23, 4.0, 9.0)} == {base}


def test_all_curves_have_values_for_the_same_times(found):
    count = 1 + 20 * RATE // 256
    for name in ("onset", "decibels", "loudness", "bass", "brightness", "novelty"):
        curve = getattr(found, name)
        assert curve.shape == (count,)
        assert name == "decibels" or (curve.min() >= 0 and curve.max() <= 1)
    assert found.chroma.shape == (count, 12)
    assert found.seconds[-1] == pytest.approx(20.0, abs=0.012)


@pytest.mark.parametrize("bpm", [84.0, 128.0, 174.0])
def test_onsets_of_music(bpm):
    track = make_track(bpm, 12.0, 1)
    assert f1(heard(track.samples).onsets, track.onsets, 0.05) >= 0.97
    assert f1(heard(with_noise(track.samples, 10.0)).onsets, track.onsets, 0.05) >= 0.88


def test_onsets_come_when_they_come():
    moments = np.array([0.5, 1.013, 2.25, 3.7])
    samples = 0.001 * noise(4 * RATE)
    for moment in moments:
        samples[round(moment * RATE) :][:2000] += noise(2000) * np.exp(-np.arange(2000) / 400)
    found = heard(samples)
    np.testing.assert_allclose(found.onsets, moments, atol=0.015)
    assert found.strengths.min() > 0.8


def test_stronger_onsets_are_stronger():
    samples = 0.001 * noise(4 * RATE)
    for moment, level in ((1.0, 0.05), (2.0, 1.0), (3.0, 0.2)):
        samples[round(moment * RATE) :][:2000] += level * noise(2000)
    soft, loud, middle = heard(samples).strengths
    assert 0 < soft < middle < loud <= 1


def test_a_sound_may_begin_with_an_onset_and_be_cut_off_without_one(track, found):
    assert found.onsets[0] == 0.0
    cut = heard(track.samples[: round(7.03 * RATE)])
    np.testing.assert_array_equal(cut.onsets, found.onsets[found.onsets < 7.0])


@pytest.mark.parametrize("gain", [0.02, 3.0])
def test_volume_does_not_matter(track, found, gain):
    other = heard(gain * track.samples)
    np.testing.assert_array_equal(other.onsets, found.onsets)
    for name in ("loudness", "bass", "brightness", "novelty"):
        np.testing.assert_allclose(getattr(other, name), getattr(found, name), atol=2e-3)
    np.testing.assert_allclose(other.decibels - found.decibels, 20 * np.log10(gain), atol=0.1)


def test_the_same_sound_has_the_same_curves(track, found, monkeypatch):
    """However many windows are looked at at once."""
    again = heard(track.samples)
    monkeypatch.setattr(features, "_BATCH", 100)
    batches = heard(track.samples)
    for name, curve in dataclasses.asdict(found).items():
        np.testing.assert_array_equal(getattr(again, name), curve)
        np.testing.assert_allclose(getattr(batches, name), curve, atol=1e-4)


def test_loudness():
    steps = np.repeat([0.1, 1.0, 0.0, 0.1], 3 * RATE)
    found = heard(steps * sine(440))
    soft, loud, silent, again = (np.searchsorted(found.seconds, moment) for moment in (1.5, 4.5, 7.5, 10.5))
    assert found.decibels[loud] - found.decibels[soft] == pytest.approx(20.0, abs=0.1)
    assert found.loudness[[soft, loud, silent, again]] == pytest.approx([0, 1, 0, 0], abs=0.02)


@pytest.mark.parametrize(("low", "high", "bass"), [(60, 1500, True), (600, 2400, False)])
def test_bass_and_brightness(low, high, bass):
    found = heard(np.concatenate([sine(low, 4.0), sine(high, 4.0), np.zeros(4 * RATE)]))
    first, second, silent = (np.searchsorted(found.seconds, moment) for moment in (2.0, 6.0, 10.0))
    assert found.bass[[first, second, silent]] == pytest.approx([1, 0, 0.5] if bass else [0.5] * 3, abs=0.02)
    assert found.brightness[[first, second, silent]] == pytest.approx([0, 1, 0.5], abs=0.02)


@pytest.mark.parametrize(("hertz", "pitch"), [(261.63, 0), (440.0, 9), (880.0, 9), (493.88, 11), (155.56, 3)])
def test_chroma(hertz, pitch):
    chroma = heard(np.concatenate([sine(hertz, 6.0), np.zeros(8 * RATE)])).chroma
    assert chroma[100].argmax() == pitch
    assert chroma[100].max() > (0.8 if hertz > 200 else 0.4)
    assert chroma[100].sum() == pytest.approx(1.0, abs=1e-6)
    assert not chroma[-100].any()


@pytest.mark.parametrize("seed", [0, 1])
def test_sections(seed):
    song, steady = (make_track(100 + 20 * seed, 32.0, seed, parts) for parts in (PARTS, PARTS[1:2]))
    np.testing.assert_allclose(heard(song.samples).sections, song.sections, atol=1.0)
    assert not len(heard(steady.samples).sections)


def test_beats(track):
    """Right when the tempo is given; else often at another octave, but always even."""
    told = heard(track.samples, 110.0).beats
    assert f1(told, track.beats, 0.07) > 0.95
    own = np.diff(heard(track.samples).beats)
    assert own.std() < 0.1 * own.mean()

"""`FlashGuard`: nothing flashes, and what does not flash stays as it is."""

import numpy as np
import pytest

from benchmarks.sound import FLASHES, flash, guarded, luminances, most_swings, swings
from tf_style.audio import FlashGuard

CALM = ("1 Hz, whole range", "just below the guard's limit")


def grey(*levels, size=(16, 16)):
    """Frames of these linear luminances."""
    linear = np.array(levels, np.float64)
    values = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return [np.full((*size, 3), value, np.float32) for value in values]


def shown_levels(frames):
    return luminances(np.stack(frames)).mean(axis=(1, 2))


def test_the_count():
    """The longest chain, by hand."""
    assert swings(np.array([0.0, 0.2, 0.0, 0.2])) == 3
    assert swings(np.array([0.0, 0.05, 0.12, 0.2, 0.15, 0.21])) == 1
    assert swings(np.array([0.5, 0.45, 0.53, 0.41, 0.56])) == 2
    assert swings(np.full(9, 0.3)) == 0


@pytest.mark.parametrize("fps", [10, 24, 30000 / 1001, 60])
@pytest.mark.parametrize("name", FLASHES)
def test_three_swings_in_any_second(name, fps):
    frames = flash(name, fps, 3.0, seed=1)
    shown = guarded(frames, fps)
    assert shown.dtype == np.float32
    assert most_swings(luminances(shown).mean(axis=(1, 2)), fps) <= 3
    if name in CALM:
        np.testing.assert_array_equal(shown, frames)


def test_frames_that_do_not_flash_are_the_same_objects():
    guard = FlashGuard(25)
    for frame in grey(*np.linspace(0, 1, 40), *np.linspace(1, 0, 40)):
        before = frame.copy()
        assert guard(frame) is frame
        np.testing.assert_array_equal(frame, before)


def test_the_fourth_swing_is_limited_and_no_other():
    guard = FlashGuard(25)
    frames = grey(0.2, 0.6, 0.2, 0.6, 0.2, 0.2, 0.6)
    shown = [guard(frame) for frame in frames]
    same = [one is other for one, other in zip(shown, frames, strict=True)]
    assert same == [True, True, True, True, False, False, True]
    np.testing.assert_allclose(shown_levels(shown)[4:6], 0.6 - 0.09, atol=0.005)  # as little as is enough


@pytest.mark.parametrize(("bright", "dark"), [(1.0, 0.0), (0.4, 0.0), (1.0, 0.8)])
def test_both_ways(bright, dark):
    """Too dark a frame becomes brighter, too bright a one darker; pictures keep what is in them."""
    texture = np.random.default_rng(0).uniform(0.9, 1.0, (16, 16, 3))
    for one, other in ((dark, bright), (bright, dark)):
        guard, frames = FlashGuard(25), [(texture * level).astype(np.float32) for level in (one, other) * 3]
        shown = [guard(frame) for frame in frames]
        assert not np.array_equal(shown[4], frames[4])
        assert most_swings(shown_levels(shown), 25) == 3
        if one:
            assert np.corrcoef(shown[4].ravel(), frames[4].ravel())[0, 1] > 0.99


def test_a_second_later_swings_are_allowed_again():
    guard = FlashGuard(10)
    frames = grey(*[0.2, 0.6, 0.2, 0.6], *[0.6] * 10, *[0.2, 0.6, 0.2])
    assert all(guard(frame) is frame for frame in frames)


def test_times_of_frames_count_where_they_vary():
    """Frames that come faster than the film does on average."""
    frames = grey(*[0.2, 0.6] * 10)
    slow, fast = FlashGuard(2), FlashGuard(2)
    assert all(slow(frame) is frame for frame in frames)
    shown = [fast(frame, seconds=number / 30) for number, frame in enumerate(frames)]
    assert most_swings(shown_levels(shown), 30) == 3


@pytest.mark.parametrize("cut", [1, 5, 17])
def test_its_state_can_be_stored(cut, tmp_path):
    frames = flash("every frame another", 24, 1.0, seed=3)
    expected = guarded(frames, 24)
    first, second = FlashGuard(24), FlashGuard(24)
    shown = [first(frame) for frame in frames[:cut]]
    np.savez(tmp_path / "state.npz", **first.state)
    with np.load(tmp_path / "state.npz") as stored:
        second.state = dict(stored)
    shown += [second(frame) for frame in frames[cut:]]
    np.testing.assert_array_equal(np.stack(shown), expected)


def local(share, count=30, fps=24):
    """Parts of a picture flash against each other, so that it stays as bright."""
    signs = np.zeros(64)
    flashing = round(64 * share)
    signs[:flashing] = (-1.0) ** np.arange(flashing)
    places = np.kron(signs.reshape(8, 8), np.ones((3, 4)))[..., np.newaxis].repeat(3, axis=-1)
    frames = [np.float32(0.5 + 0.3 * (-1) ** number * places) for number in range(count)]
    return np.stack(frames), guarded(np.stack(frames), fps)


def flashing_area(frames):
    levels = luminances(frames).reshape(len(frames), 8, 3, 8, 4).mean(axis=(2, 4)).reshape(len(frames), 64)
    return max(np.mean([swings(part) > 6 for part in levels[first : first + 25].T]) for first in (0, 3, 5))


@pytest.mark.parametrize("share", [0.125, 0.25, 0.3125, 0.75])
def test_a_quarter_of_the_picture(share):
    frames, shown = local(share)
    assert flashing_area(frames) == share
    assert flashing_area(shown) <= 0.25
    assert np.array_equal(shown, frames) == (share <= 0.25)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (9, 31)])
def test_any_size(size):
    guard = FlashGuard(25)
    shown = [guard(frame) for frame in grey(*[0.0, 1.0] * 8, size=size)]
    assert most_swings(shown_levels(shown), 25) == 3
    assert all(frame.shape == (*size, 3) for frame in shown)


def test_frames_may_change_their_size():
    guard, sizes = FlashGuard(25), ((8, 8), (16, 8))
    shown = [guard(frame) for level in (0.0, 1.0) * 6 for frame in grey(level, size=sizes[int(level)])]
    assert [frame.shape[:2] for frame in shown] == [*sizes] * 6
    assert most_swings(np.array([luminances(frame).mean() for frame in shown]), 25) == 3


def test_values_a_little_outside():
    """As networks paint them."""
    guard, frames = FlashGuard(25), [np.full((8, 8, 3), value, np.float32) for value in (-0.01, 1.01) * 6]
    shown = [guard(frame) for frame in frames]
    assert np.isfinite(shown).all()
    assert most_swings(shown_levels(np.clip(shown, 0, 1)), 25) == 3

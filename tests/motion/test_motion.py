"""Motion: flow over pictures that move by a known step, what is hidden, cuts, and calmer films."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.materials import assert_one_sentence

pytest.importorskip("cv2", reason="motion needs OpenCV: pip install 'tf-style[video]'")

from tf_style.config.video import FLOWS as NAMES
from tf_style.motion import FLOWS, ShotDetector, Stabilizer, flow_of, look_back, sharpness, visible, warp
from tf_style.motion import flow as module


def scene(height=120, width=160, seed=0):
    """A smooth random picture, uint8 [H, W, 3], with a margin of 20 pixels to move it in."""
    import cv2

    noise = np.random.default_rng(seed).uniform(size=(height + 40, width + 40, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.rint(255 * smooth).astype(np.uint8)


def seen(picture, x, y, size=(120, 160)):
    """The part of a scene whose corner is at (x, y)."""
    return np.ascontiguousarray(picture[20 + y : 20 + y + size[0], 20 + x : 20 + x + size[1]])


def floats(frame):
    return frame.astype(np.float32) / 255.0


@pytest.mark.parametrize(
    ("name", "most"), [("dis_medium", 0.5), ("dis_fast", 1.0), ("dis_fast_half", 1.2), ("farneback", 1.5)]
)
def test_a_pan_is_found(name, most):
    picture = scene()
    flow = flow_of(name)(seen(picture, 0, 0), seen(picture, 5, -3))
    errors = np.linalg.norm(flow - (-5, 3), axis=-1)[15:-15, 15:-15]
    assert errors.mean() < most


@pytest.mark.parametrize("name", ["dis_fast", "dis_fast_half"])
def test_a_frame_is_found_in_the_one_before(name):
    """At the frames' size, whatever the size at which it looks."""
    picture, size = scene(), (115, 151)
    frames = [floats(seen(picture, x, y, size)) for x, y in ((0, 0), (6, 4))]
    backward, confidence = look_back(flow_of(name), frames[1], frames[0])
    assert backward.shape == (*size, 2)
    assert confidence.shape == size
    assert confidence.dtype == backward.dtype == np.float32
    assert np.linalg.norm(backward - (6, 4), axis=-1)[15:-15, 15:-15].mean() < 0.8
    assert confidence[15:-15, 15:-15].mean() > 0.8
    assert confidence[-2:].max() == 0  # came into view
    assert look_back(flow_of(name), 1 - frames[1], frames[0])[1].mean() < 0.2


def test_names_are_those_of_the_options():
    assert tuple(FLOWS) == NAMES
    with pytest.raises(ValueError, match="Unknown flow 'raft'. Allowed: dis_medium, "):
        flow_of("raft")


def test_warping_brings_back_what_moved():
    picture = scene()
    before, now = seen(picture, 0, 0), seen(picture, 4, 2)
    moved = warp(floats(before), np.broadcast_to(np.float32([4, 2]), (120, 160, 2)))
    np.testing.assert_allclose(moved[:-4, :-6], floats(now)[:-4, :-6], atol=1e-6)
    assert warp(np.float32([[0, 1] * 8] * 16), np.full((16, 16, 2), 0.3, np.float32)).max() <= 1.0  # no ringing


def test_what_comes_into_view_is_not_visible_before():
    """A square moves right over a still ground: the strip that it leaves was hidden."""
    ground, square = scene(seed=1), scene(seed=2)
    frames = []
    for x in (50, 60):
        frame = seen(ground, 0, 0).copy()
        frame[40:80, x : x + 40] = seen(square, 0, 0)[:40, :40]
        frames.append(frame)
    flow = flow_of("dis_medium")
    seen_before = visible(flow(frames[1], frames[0]), flow(frames[0], frames[1]))
    assert seen_before[45:75, 52:58].mean() < 0.3  # uncovered
    assert seen_before[10:30, 10:150].mean() > 0.95  # ground
    assert seen_before[45:75, 68:90].mean() > 0.9  # square


def test_beyond_the_edges_nothing_was_visible():
    still, pan = np.zeros((20, 30, 2), np.float32), np.full((20, 30, 2), (6.0, 0.0), np.float32)
    assert visible(still, still).all()
    assert visible(pan, -pan)[:, :23].all()
    assert not visible(pan, -pan)[:, 24:].any()


# --- shots ------------------------------------------------------------------------------------------------------------


def shot(name, step=2):
    """A pan over one of the example pictures, 18 frames."""
    path = Path(__file__).resolve().parents[2] / "examples" / "pictures" / name
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB").resize((240, 160)))
    return [np.ascontiguousarray(pixels[20:140, step * place : step * place + 160]) for place in range(18)]


def cuts_in(frames, rate=24.0):
    detector = ShotDetector(rate)
    found = [cut for cut in map(detector.add, frames) if cut is not None]
    return found + detector.finish()


def test_cuts_are_found_and_pans_are_not():
    names = ("lighthouse.jpg", "starry_night.jpg", "great_wave.jpg", "lighthouse.jpg")
    frames = [frame for name in names for frame in shot(name)]
    assert cuts_in(frames) == [18, 36, 54]
    assert cuts_in(shot("great_wave.jpg", step=4)) == []
    assert cuts_in(frames[:20]) == [18]  # also where the film ends soon after


@pytest.mark.parametrize("length", [1, 2, 3])
def test_flashes_are_no_cuts(length):
    frames = shot("lighthouse.jpg") + shot("lighthouse.jpg")[::-1]
    frames[20 : 20 + length] = [np.full_like(frames[20], 255)] * length
    assert cuts_in(frames) == []


# --- calmer films -----------------------------------------------------------------------------------------------------


def painted(frame):
    """A painter that flickers: it amplifies the grain of the frame."""
    import cv2

    return np.clip(frame + 4.0 * (frame - cv2.GaussianBlur(frame, (0, 0), 1.0)), 0.0, 1.0)


def film(stabilizer, frames):
    return [stabilizer.after(painted(stabilizer.before(frame))) for frame in frames]


def grainy(number=7, pan=0):
    rng = np.random.default_rng(0)
    picture = scene(seed=3)
    return [
        np.clip(floats(seen(picture, pan * step, 0)) + rng.normal(0, 2 / 255, (120, 160, 3)), 0, 1).astype(np.float32)
        for step in range(number)
    ]


def flicker(frames, pan):
    """Root mean square of what changes along the motion."""
    width = frames[0].shape[1]
    errors = [
        np.square(now[:, : width - pan] - before[:, pan:]).mean()
        for before, now in zip(frames[3:], frames[4:], strict=False)
    ]
    return np.sqrt(np.mean(errors))


@pytest.mark.parametrize("pan", [0, 3])
def test_films_become_calmer(pan):
    frames = grainy(pan=pan)
    alone, calm = film(Stabilizer(0.0), frames), film(Stabilizer(0.5), frames)
    for frame, painting in zip(frames, alone, strict=True):
        np.testing.assert_array_equal(painting, painted(frame))
    assert flicker(calm, pan) < 0.5 * flicker(alone, pan)
    assert np.abs(np.mean(calm[-1]) - np.mean(alone[-1])) < 1 / 255


def stroked(frame):
    """A painter whose strokes stay where they are on the screen, whatever moves below."""
    import cv2

    strokes = cv2.GaussianBlur(np.random.default_rng(4).normal(0, 0.5, frame.shape).astype(np.float32), (0, 0), 1.2)
    return np.clip(frame + strokes, 0.0, 1.0)


def moving(number, step=1.5):
    """A pan by fractions of pixels."""
    picture = floats(scene(seed=3, width=160 + int(2 * step * number)))
    offsets = [np.broadcast_to(np.float32([step * place, 0]), (*picture.shape[:2], 2)) for place in range(number)]
    return [np.ascontiguousarray(warp(picture, offset)[20:140, 20:180]) for offset in offsets]


def stroked_film(consistency, frames):
    stabilizer = Stabilizer(consistency)
    return [stabilizer.after(stroked(stabilizer.before(frame))) for frame in frames]


def changes(frames):
    """Root mean square of what changes along a pan by three pixels in two frames."""
    pairs = zip(frames[3:], frames[5:], strict=False)
    return np.sqrt(np.mean([np.square(now[:, 20:-20] - before[:, 23:-17]).mean() for before, now in pairs]))


def test_the_more_consistent_the_calmer_and_strokes_stay_sharp():
    frames = moving(18)
    films = [stroked_film(consistency, frames) for consistency in (0.0, 0.25, 0.5, 1.0)]
    errors = [changes(painted) for painted in films]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.4 * errors[0]
    sharp = [np.mean([sharpness(frame) for frame in painted[8:]]) for painted in films]
    assert min(sharp[2:]) > 0.85 * sharp[0]
    assert max(sharp) < 1.1 * sharp[0]


def test_strokes_of_long_films_are_new():
    """After two lives of strokes, a frame does not depend on the strokes that the film began with."""
    frames = moving(20, step=0.5)
    found = []
    for first in (stroked, lambda frame: frame):
        stabilizer = Stabilizer(0.25)  # strokes last for four frames
        painted = [
            stabilizer.after(paint(stabilizer.before(f)))
            for paint, f in zip([first] + 19 * [stroked], frames, strict=True)
        ]
        found.append(painted[-1])
    assert np.abs(found[0] - found[1])[10:-10, 10:-10].mean() < 1 / 255


@pytest.mark.parametrize(("consistency", "behind"), [(0.5, 3), (1.0, 6)])
def test_colors_follow_the_film(consistency, behind):
    """Where it brightens, by a few frames; otherwise they stay."""
    still = moving(18)
    brighter = [0.6 * frame + 0.01 * place for place, frame in enumerate(still)]
    for frames, most in ((still, 1 / 255), (brighter, 0.01 * behind)):
        last = stroked_film(consistency, frames)[-1]
        assert np.abs(last.mean((0, 1)) - stroked(frames[-1]).mean((0, 1))).max() < most


def test_a_still_film_stays_as_it_is():
    frame = floats(seen(scene(seed=3), 0, 0))
    for painting in stroked_film(0.5, [frame] * 10):
        np.testing.assert_allclose(painting, stroked(frame), atol=1e-3)


def test_ghosts_fade_at_once():
    """Where the painting changed although the film did not, what was there before stays in the range of the new one."""
    frames = [floats(seen(scene(seed=3), 0, 0))] * 2
    stabilizer = Stabilizer(1.0)
    flat = np.full_like(frames[0], 0.5)
    blob = flat.copy()
    blob[40:60, 40:60] = 1.0
    for frame, painting in zip(frames, (blob, flat), strict=True):
        stabilizer.before(frame)
        shown = stabilizer.after(painting)
    assert np.abs(shown - flat).max() < 0.05


def test_nothing_is_mixed_over_a_cut():
    first, second = grainy(2), [1.0 - frame for frame in grainy(2)]
    stabilizer = Stabilizer(1.0)
    film(stabilizer, first)
    stabilizer.begin_shot()
    np.testing.assert_array_equal(film(stabilizer, second)[0], painted(second[0]))


def test_what_came_into_view_is_painted_anew():
    """Also without a detector of shots: where the moved frame disagrees, it has no share."""
    stabilizer = Stabilizer(1.0)
    film(stabilizer, grainy(2))
    other = floats(seen(scene(seed=9), 0, 0))
    mixed = film(stabilizer, [other])[0]
    assert np.abs(mixed - painted(other)).mean() < 0.02


def test_its_state_can_be_stored():
    """Also over a change of strokes, which last for four frames."""
    frames = grainy(7)
    whole = film(Stabilizer(0.25), frames)
    first, second = Stabilizer(0.25), Stabilizer(0.25)
    film(first, frames[:3])
    second.state = {name: array.copy() for name, array in first.state.items()}
    for found, expected in zip(film(second, frames[3:]), whole[3:], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_without_opencv(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(module.MotionError, match=r"run pip install 'tf-style\[video\]'") as caught:
        Stabilizer(0.5)
    assert_one_sentence(caught.value)
    Stabilizer(0.0)  # needs no motion

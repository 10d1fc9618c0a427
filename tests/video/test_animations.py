"""Animated GIF, WebP and PNG: durations, how often they are shown, colours; in and out."""

import os
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tests.materials import assert_one_sentence
from tests.video.clips import make_clip, waves
from tests.video.copies import copied
from tf_style.images import WriteError
from tf_style.video import Part, VideoError, VideoWarning, VideoWriter, choose_output, read_frames, read_info
from tf_style.video.writing import LOSSLESS

COLORS = [(250, 10, 20), (0, 0, 0), (20, 240, 60), (90, 90, 90)]
DURATIONS = [80, 40, 120, 300]
#: How Pillow writes that an animation is shown so often, and reads it; a GIF names its repetitions.
PLAYS = {
    "gif": {1: {}, 3: {"loop": 2}, 0: {"loop": 0}},
    "webp": {3: {"loop": 3}, 0: {"loop": 0}},
    "png": {3: {"loop": 3}},
}


def animation(path, plays=0, durations=DURATIONS):
    first, *rest = (Image.new("RGB", (64, 48), color) for color in COLORS)
    options = PLAYS[path.suffix[1:]][plays]
    first.save(path, save_all=True, append_images=rest, duration=durations, **({"lossless": True} | options))
    return path


def shown(path):
    """The frames, their durations, and Pillow's `loop`."""
    frames, durations = [], []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")).astype(int))
            durations.append(image.info["duration"])
        return frames, durations, image.info.get("loop")


@pytest.mark.parametrize("target", ["gif", "webp", "png", "apng"])
@pytest.mark.parametrize(("source", "plays"), [(name, plays) for name, options in PLAYS.items() for plays in options])
def test_durations_and_loops_are_kept(tmp_path, source, plays, target):
    animation(tmp_path / f"a.{source}", plays)
    info = read_info(tmp_path / f"a.{source}")
    assert (info.num_frames, info.seconds, info.plays) == (4, 0.54, plays)
    copied(tmp_path / f"a.{source}", tmp_path / f"b.{target}", part=3)
    frames, durations, loop = shown(tmp_path / f"b.{target}")
    assert durations == DURATIONS
    assert loop == ({1: None}.get(plays, max(plays - 1, 0)) if target == "gif" else plays)
    for frame, color in zip(frames, COLORS, strict=True):
        assert np.abs(frame - color).max() <= 6
    assert not list(tmp_path.glob(".*"))


def test_a_film_of_variable_rate_becomes_an_animation(tmp_path):
    make_clip(tmp_path / "clip.mp4", [0, 1, 2, 5, 6, 9], rate=Fraction(25), size=(48, 64))
    expected = [frame.pixels for frame in read_frames(read_info(tmp_path / "clip.mp4"))]
    for suffix, most in (("gif", 14), ("webp", 8), ("png", 0)):
        copied(tmp_path / "clip.mp4", tmp_path / f"a.{suffix}")
        frames, durations, loop = shown(tmp_path / f"a.{suffix}")
        assert durations[:5] == [40, 40, 120, 40, 120]
        assert loop == 0  # forever
        assert [np.abs(a - b).mean() <= most for a, b in zip(frames, expected, strict=True)] == [True] * 6, suffix


def test_a_gif_has_a_palette_of_its_own_and_colors_without_bias(tmp_path):
    def sky(height, width, place):  # only blues, which a common palette has few of
        y, x = np.mgrid[:height, :width]
        return np.stack([40 + 0 * x, 90 + y / 2, 150 + (x + place) / 2], -1).astype(np.uint8)

    make_clip(tmp_path / "sky.mkv", range(6), pictures=sky, codec="ffv1", pixel_format="yuv444p", sounds=())
    copied(tmp_path / "sky.mkv", tmp_path / "sky.gif")
    expected = [frame.pixels for frame in read_frames(read_info(tmp_path / "sky.mkv"))]
    for frame, picture in zip(shown(tmp_path / "sky.gif")[0], expected, strict=True):
        assert np.abs(frame - picture).mean() < 2
        assert np.abs((frame - picture).mean((0, 1))).max() < 0.7


def test_a_webp_whose_durations_say_nothing_is_read_as_browsers_show_it(tmp_path):
    info = read_info(animation(tmp_path / "fast.webp", durations=[0, 10, 20, 300]))
    assert [frame.time for frame in read_frames(info)] == [0, 100, 200, 220]
    assert info.seconds == 0.52


def test_a_piece_of_an_animated_webp(tmp_path):
    info = read_info(animation(tmp_path / "a.webp"))
    assert [frame.time for frame in read_frames(info, start=0.08, end=0.24)] == [80, 120]
    assert next(read_frames(info, size=(24, 32))).pixels.shape == (24, 32, 3)


def test_damaged_and_still_webp(tmp_path):
    first, *rest = (Image.fromarray(np.random.default_rng(n).integers(0, 255, (48, 64, 3), np.uint8)) for n in range(4))
    first.save(tmp_path / "a.webp", save_all=True, append_images=rest, lossless=True)
    data = (tmp_path / "a.webp").read_bytes()
    body = data.rindex(b"VP8L") + 13  # after the header of the last frame
    (tmp_path / "damaged.webp").write_bytes(data[:body] + b"\xff" * (len(data) - body))
    with pytest.warns(VideoWarning, match="is damaged and ends after 3 frames"):
        assert len(list(read_frames(read_info(tmp_path / "damaged.webp")))) == 3
    (tmp_path / "cut.webp").write_bytes(data[: len(data) - 20])
    Image.new("RGB", (64, 48)).save(tmp_path / "still.webp")
    for name, part in (("cut", "cannot be read as WebP"), ("still", "paint it with tf-style stylize")):
        with pytest.raises(VideoError, match=part) as caught:
            read_info(tmp_path / f"{name}.webp")
        assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    ("output", "size", "rate", "part"),
    [
        ("a.gif", (48, 64), 60, "A .gif file shows at most 50 frames a second, but the film has 60; add --fps=25"),
        ("a.webp", (48, 17000), 25, "A .webp file has at most 16383 pixels a side, but the film has 17000x48"),
        ("a.webp", (4000, 6000), 25, "all frames may have 4000 million pixels, but there are 4800; give --size"),
    ],
)
def test_what_an_animation_cannot_hold(tmp_path, output, size, rate, part):
    make_clip(tmp_path / "clip.mp4", range(2), rate=Fraction(rate), sounds=())
    with pytest.raises(VideoError, match=part) as caught:
        choose_output(output).check(read_info(tmp_path / "clip.mp4"), size, 200)
    assert_one_sentence(caught.value)


def test_a_full_disk_leaves_no_half_animation(tmp_path, monkeypatch):
    info = read_info(animation(tmp_path / "a.png", 3))
    with VideoWriter(tmp_path / "a.part", info, LOSSLESS, (48, 64)) as writer:
        writer.add(waves(48, 64, 0), 0)
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(WriteError, match="No space left on device") as caught:
        choose_output(str(tmp_path / "b.gif")).join([Part(tmp_path / "a.part", 0)], info, start=0, end=0)
    assert_one_sentence(caught.value)
    assert not list(tmp_path.glob("*.gif"))
    assert not list(tmp_path.glob(".*"))


def _full(_):
    raise OSError(28, "No space left on device")

"""Sections of films: read by themselves, they have the frames that they have in the film."""

from fractions import Fraction

import numpy as np
import pytest

from tests.video.clips import make_clip, waves
from tf_style.config import VideoFiles
from tf_style.jobs.film import sections
from tf_style.jobs.film.shots import Shot
from tf_style.jobs.film.source import Source
from tf_style.video import VideoError, choose_output


def scenes(height, width, place):
    """A pan with a cut every 40 frames, where encoders begin anew."""
    return np.roll(waves(height, width, place), place // 40, axis=-1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sections")
    times = [time for time in range(130) if time % 9 != 4]
    for name, codec in (("a.mp4", "libx264"), ("b.mkv", "libx265"), ("c.webm", "libvpx-vp9"), ("d.avi", "mpeg4")):
        make_clip(folder / name, times, codec=codec, pictures=scenes, rate=Fraction(24), sounds=())
    make_clip(folder / "e.gif", range(30), codec="gif", pixel_format="rgb8", rate=Fraction(20), sounds=())
    return folder


def source_of(path, **options):
    files = VideoFiles(content=str(path), style=("a",), output="a.mkv", **options)
    return Source(files, choose_output("a.mkv"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.mp4", {"fps": 10.0, "start": 0.4, "end": 4.6}),
        ("b.mkv", {}),
        ("b.mkv", {"start": 1.3}),
        ("c.webm", {}),
        ("d.avi", {}),
        ("e.gif", {"fps": 7.0}),
    ],
)
def test_sections_are_the_film(folder, monkeypatch, name, options):
    monkeypatch.setattr(sections, "_ALONE", 11)
    source = source_of(folder / name, consistency=0.0, **options)
    whole = [frame for frame, *_ in source.frames()]
    found = sections.find_sections(source.frames(), 0.0, lambda _: None)
    assert len(found) == -(-len(whole) // 11)
    assert [section.before for section in found] == list(range(0, len(whole), 11))
    for section in reversed(found):
        given = list(source.frames_of(section))
        assert [begins for _, begins, _ in given] == [True] + [False] * (section.num_frames - 1)
        for (frame, *_), expected in zip(given, whole[section.before :][: section.num_frames], strict=True):
            assert frame.time == expected.time
            assert np.array_equal(frame.pixels, expected.pixels)


def test_a_film_that_changed(folder):
    source = source_of(folder / "a.mp4")
    for start, count in ((3, 5), (0, 500)):
        with pytest.raises(VideoError, match=r"a.mp4' is not read as it was when its shots were found"):
            list(source.frames_of(sections.Section(0, start, count, 0, Shot(0.0, ("a",)))))

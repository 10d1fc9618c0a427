"""Numbered pictures as films: which ones, in which order, and what is written."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tests.materials import assert_one_sentence
from tests.video.clips import frames_of, make_clip, waves
from tests.video.copies import copied
from tf_style.images import ImageError, read_image, write_image
from tf_style.video import VideoError, VideoWarning, choose_output, read_frames, read_info

NAMES = ["shot2_7.png", "shot2_8.jpg", "shot2_010.webp", "shot2_11.tif"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "frames").mkdir()
    for place, name in enumerate(NAMES):
        write_image(tmp_path / "frames" / name, waves(48, 64, place) / 255.0)
    (tmp_path / "frames" / "notes.txt").write_text("no picture")
    (tmp_path / "frames" / ".hidden.png").write_bytes(b"")
    return tmp_path / "frames"


def test_a_folder_is_read_by_the_numbers_in_names(folder):
    info = read_info(folder)
    assert (info.rate, info.num_frames, info.bits, info.width, info.height) == (25, 4, 8, 64, 48)
    assert [number for number, _ in info.pictures] == [7, 8, 10, 11]
    for place, frame in enumerate(read_frames(info)):
        assert frame.time == place
        assert np.abs(frame.pixels.astype(int) - waves(48, 64, place)).mean() < 4
    assert [frame.time for frame in read_frames(info, start=0.04, end=0.12)] == [1, 2]
    assert next(read_frames(info, size=(24, 32))).pixels.shape == (24, 32, 3)


@pytest.mark.parametrize(("fps", "rate"), [(23.976, Fraction(24000, 1001)), (12, Fraction(12)), (0, Fraction(25))])
def test_a_film_of_pictures_has_their_rate(folder, fps, rate):
    copied(folder, folder.parent / "film.mkv", part=9, fps=fps)
    pictures, times = frames_of(folder.parent / "film.mkv")
    assert [float(time) for time in times] == pytest.approx([float(n / rate) for n in range(4)], abs=1e-3)
    for place, picture in enumerate(pictures):
        assert np.abs(picture.astype(int) - waves(48, 64, place)).mean() < 6


def test_a_pattern_takes_what_it_names(folder):
    for number in (1, 2, 12, 100):
        write_image(folder / f"f{number:02}.png", waves(48, 64, number) / 255.0)
    write_image(folder / "f5.png", waves(48, 64, 0) / 255.0)
    assert [number for number, _ in read_info(folder / "f%02d.png").pictures] == [1, 2, 12, 100]
    assert [number for number, _ in read_info(folder / "shot2_%d.jpg").pictures] == [8]
    (folder / "100%d.mp4").write_bytes(b"")
    with pytest.raises(VideoError, match="is not a film that can be read"):  # a file of this name is no pattern
        read_info(folder / "100%d.mp4")


@pytest.mark.parametrize(("suffix", "bits"), [("png", 16), ("tif", 16), ("jpg", 8)])
def test_numbers_and_bits_are_kept(folder, suffix, bits):
    for place, name in enumerate(NAMES):
        (folder / name).unlink()
        write_image(folder / f"{name[:-4]}.png", waves(48, 64, place) / 255.0 * 0.999, bit_depth=16)
    info = copied(folder, folder.parent / "out" / f"%04d.{suffix}", part=3)
    assert info.bits == 16
    found = sorted((folder.parent / "out").glob(f"*.{suffix}"))
    assert [path.name for path in found] == [f"{number:04}.{suffix}" for number in (7, 8, 10, 11)]
    for place, path in enumerate(found):
        picture = read_image(path)
        assert picture.bit_depth == bits
        np.testing.assert_allclose(
            picture.pixels, waves(48, 64, place) / 255.0 * 0.999, atol=8e-6 if bits == 16 else 0.1
        )


def test_frames_of_a_film_are_numbered_from_one(tmp_path):
    make_clip(tmp_path / "clip.mp4", [0, 4, 5], pixel_format="yuv420p10le")
    copied(tmp_path / "clip.mp4", tmp_path / "new" / "folder" / "f%d.png", part=2)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").glob("*.png")) == ["f1.png", "f2.png", "f3.png"]
    for place, frame in enumerate(read_frames(read_info(tmp_path / "clip.mp4")), 1):
        picture = read_image(tmp_path / "new" / "folder" / f"f{place}.png")
        assert picture.bit_depth == 16
        np.testing.assert_allclose(picture.pixels, frame.as_floats(), atol=1e-6)


def test_a_damaged_picture_is_left_out_and_told(folder):
    data = (folder / NAMES[2]).read_bytes()
    (folder / NAMES[2]).write_bytes(data[:100])
    with pytest.warns(VideoWarning, match=f"1 of the pictures of .* left out: .*{NAMES[2]}") as caught:
        copied(folder, folder.parent / "out" / "%d.png", part=2)
    assert len(caught) == 1
    assert_one_sentence(caught[0].message)
    assert sorted(path.name for path in (folder.parent / "out").glob("*.png")) == ["11.png", "7.png", "8.png"]


def refused(*arguments):
    with pytest.raises((ImageError, VideoError)) as caught:
        read_info(*arguments)
    assert_one_sentence(caught.value)
    return str(caught.value)


def test_pictures_that_are_no_film(folder):
    assert f"No file has a name as in '{folder}/x%03d.png', such as '{folder}/x001.png'" in refused(
        folder / "x%03d.png"
    )
    assert "No file has a name" in refused(folder / "missing" / "%d.png")
    (folder / "a.png").write_bytes((folder / NAMES[0]).read_bytes())
    assert "a.png' has no number in its name" in refused(folder)
    (folder / "a.png").rename(folder / "other_0007.png")
    assert "have the same number; choose with a pattern" in refused(folder)
    (folder / "other_0007.png").unlink()
    Image.new("RGB", (60, 48)).save(folder / "shot2_12.png")
    assert "shot2_12.png' has 60x48 pixels, but" in refused(folder)
    (folder.parent / "empty").mkdir()
    assert "holds no pictures" in refused(folder.parent / "empty")


@pytest.mark.parametrize(
    ("output", "part"),
    [
        ("frames/new_%d.png", "would mix with the pictures of"),
        ("out/%d.gif", "has the suffix '.gif'"),
        ("out/%d.mp4", "has the suffix '.mp4'"),
        ("out/a.jpg", "or be numbered pictures such as "),
        ("out/", "or be numbered pictures such as "),
    ],
)
def test_outputs_that_are_refused(folder, output, part):
    with pytest.raises((ImageError, VideoError), match=part) as caught:
        choose_output(f"{folder.parent}/{output}").check(read_info(folder), (48, 64), 4)
    assert_one_sentence(caught.value)


def test_a_pattern_may_not_overwrite_its_own_source(folder):
    info = read_info(folder / "shot2_%d.png")
    with pytest.raises(VideoError, match="would overwrite '.*shot2_7.png'"):
        choose_output(str(folder / "shot2_%01d.png")).check(info, (48, 64), 1)
    choose_output(str(folder / "shot3_%d.png")).check(info, (48, 64), 1)


@pytest.mark.parametrize(("codec", "crf"), [("h264", -1), ("auto", 20)])
def test_pictures_have_no_codec(codec, crf):
    with pytest.raises(VideoError, match="--codec and --crf are for .mp4, .mov, .mkv, .webm") as caught:
        choose_output("out/%d.png", codec, crf)
    assert_one_sentence(caught.value)

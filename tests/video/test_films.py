"""Films: what is read is what was written, and what is not painted comes back as it was."""

import os
import warnings
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tests.materials import assert_one_sentence
from tests.video.clips import BT601, BT709, FULL, LIMITED, RATE, av, frames_of, make_clip, sounds_of, waves
from tests.video.copies import copied
from tf_style.config.video import VIDEO_CODECS
from tf_style.images import WriteError
from tf_style.video import (
    CODECS,
    Encoding,
    Part,
    VideoError,
    VideoWarning,
    VideoWriter,
    choose_encoding,
    join,
    read_frames,
    read_info,
)

VARIABLE = [0, 1, 2, 5, 6, 9, 10, 11, 20, 21]


# --- reading ----------------------------------------------------------------------------------------------------------


def test_frames_and_times_are_those_that_were_written(tmp_path):
    make_clip(tmp_path / "clip.mp4", VARIABLE)
    info = read_info(tmp_path / "clip.mp4")
    assert (info.height, info.width, info.bits, info.rotation) == (48, 64, 8, 0)
    pictures, times = frames_of(tmp_path / "clip.mp4")
    assert times == [time / RATE for time in VARIABLE]
    for place, picture in enumerate(pictures):
        assert np.abs(picture.astype(int) - waves(48, 64, place)).mean() < 4  # colours have half the resolution


@pytest.mark.parametrize("tags", [(LIMITED, 1, 1, BT709), (FULL, 1, 1, BT709), (LIMITED, 6, 6, BT601)])
def test_colors_are_right_in_every_range_and_matrix(tmp_path, tags):
    make_clip(
        tmp_path / "clip.mp4", range(2), pictures=lambda *_: np.full((48, 64, 3), (200, 60, 30), np.uint8), tags=tags
    )
    assert read_info(tmp_path / "clip.mp4").tags == tags
    pictures, _ = frames_of(tmp_path / "clip.mp4")
    assert np.abs(pictures[0].astype(int) - (200, 60, 30)).max() <= 3


def test_ten_bits_are_read_with_sixteen(tmp_path):
    make_clip(tmp_path / "clip.mp4", range(2), pixel_format="yuv420p10le")
    assert read_info(tmp_path / "clip.mp4").bits == 10
    frame = next(read_frames(read_info(tmp_path / "clip.mp4")))
    assert frame.pixels.dtype == np.uint16
    assert len(np.unique(frame.pixels)) > 256
    assert np.abs(frame.as_bytes().astype(int) - waves(48, 64, 0)).mean() < 4
    np.testing.assert_allclose(frame.as_floats(), waves(48, 64, 0) / 255.0, atol=0.15)


def test_from_a_second_to_another(tmp_path):
    make_clip(tmp_path / "clip.mp4", range(30), rate=Fraction(10))
    info = read_info(tmp_path / "clip.mp4")
    times = [float(frame.time * info.time_base) for frame in read_frames(info, start=1.0, end=2.0)]
    assert times == pytest.approx(np.arange(10, 20) / 10)


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_animated_pictures_are_films(tmp_path, suffix):
    colors = [(250, 10, 20), (0, 0, 0), (20, 240, 60)]
    pictures = [Image.new("RGB", (64, 48), color) for color in colors]
    path = tmp_path / f"moving.{suffix}"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[80, 40, 120])
    found, times = frames_of(path)
    for picture, color in zip(found, colors, strict=True):
        assert np.abs(picture.astype(int) - color).max() <= 1
    assert [float(time) for time in times] == pytest.approx([0, 0.08, 0.12])
    copied(path, tmp_path / "copy.mp4")
    for picture, color in zip(frames_of(tmp_path / "copy.mp4")[0], colors, strict=True):
        assert np.abs(picture.astype(int) - color).max() <= 6


def test_frames_of_another_size(tmp_path):
    make_clip(tmp_path / "clip.mp4")
    assert next(read_frames(read_info(tmp_path / "clip.mp4"), size=(24, 32))).pixels.shape == (24, 32, 3)


# --- what is no film --------------------------------------------------------------------------------------------------


def refused(path):
    with pytest.raises(VideoError) as caught:
        read_info(path)
    assert_one_sentence(caught.value)
    return str(caught.value)


def test_files_that_are_no_films(tmp_path):
    assert "There is no film" in refused(tmp_path / "missing.mp4")
    (tmp_path / "empty.mp4").write_bytes(b"")
    assert "not a film that can be read" in refused(tmp_path / "empty.mp4")
    (tmp_path / "text.mp4").write_text("no film " * 100)
    assert "not a film that can be read" in refused(tmp_path / "text.mp4")
    (tmp_path / "folder").mkdir()
    assert "holds no pictures" in refused(tmp_path / "folder")
    with av.open(str(tmp_path / "sound.m4a"), "w") as container:
        from tests.video.clips import _tone

        _tone(container, container.add_stream("aac", rate=48000), 300, 0.5)
    assert "no moving pictures" in refused(tmp_path / "sound.m4a")


def test_a_still_picture_is_for_another_command(tmp_path):
    Image.fromarray(waves(48, 64, 0)).save(tmp_path / "photo.png")
    assert "paint it with tf-style stylize" in refused(tmp_path / "photo.png")


def test_hdr_is_refused(tmp_path):
    make_clip(tmp_path / "hdr.mp4", range(2), pixel_format="yuv420p10le", tags=(LIMITED, 9, 16, 9))
    assert "is HDR (PQ), but films are painted in SDR; add --tonemap" in refused(tmp_path / "hdr.mp4")


def test_a_film_that_is_cut_off_gives_the_frames_it_has(tmp_path):
    make_clip(tmp_path / "clip.mkv", range(40), sounds=())
    data = (tmp_path / "clip.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) * 2 // 3])
    pictures, _ = frames_of(tmp_path / "cut.mkv")
    assert 5 < len(pictures) < 40


def test_damage_in_the_middle_is_told(tmp_path):
    make_clip(tmp_path / "clip.mkv", range(40), sounds=(), codec="ffv1", pixel_format="yuv444p")
    data = bytearray((tmp_path / "clip.mkv").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = os.urandom(3000)
    (tmp_path / "damaged.mkv").write_bytes(data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pictures, times = frames_of(tmp_path / "damaged.mkv")
    assert 20 < len(pictures) <= 40
    assert times == sorted(set(times))
    for warning in caught:
        assert issubclass(warning.category, VideoWarning)


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"times": VARIABLE},
        {"times": range(10), "rate": Fraction(30000, 1001), "rotation": 90, "pixel_aspect": Fraction(4, 3)},
        {"times": range(6), "pixel_format": "yuv420p10le", "tags": (LIMITED, 9, 14, 9)},
        {"times": range(6), "tags": (FULL, 1, 13, BT709), "sounds": ()},
        {"times": range(24), "sounds": ("aac", "aac"), "rotation": -90},
    ],
)
def test_a_film_comes_back_as_it_was(tmp_path, options):
    """Number and times of frames, their colours' description, the pixels' shape, the rotation, all sound, the title."""
    make_clip(tmp_path / "clip.mp4", **options)
    before = copied(tmp_path / "clip.mp4", tmp_path / "copy.mp4")
    after = read_info(tmp_path / "copy.mp4")
    for fact in ("width", "height", "rotation", "bits", "pixel_aspect", "tags", "num_frames"):
        assert getattr(after, fact) == getattr(before, fact), fact
    pictures, times = frames_of(tmp_path / "clip.mp4")
    copies, copied_times = frames_of(tmp_path / "copy.mp4")
    assert copied_times == times
    levels = np.iinfo(pictures[0].dtype).max
    for picture, copy in zip(pictures, copies, strict=True):
        assert np.abs(picture.astype(float) - copy).mean() / levels < 0.02
        assert np.abs((picture.astype(float) - copy).mean((0, 1))).max() / levels < 0.008
    assert sounds_of(tmp_path / "copy.mp4") == sounds_of(tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert container.metadata["title"] == "A clip"
    assert {path.suffix for path in tmp_path.iterdir()} == {".mp4", ".part"}  # no temporary file is left


def test_subtitles_are_copied_where_the_file_can_hold_them(tmp_path):
    make_clip(tmp_path / "plain.mkv", range(30), rate=Fraction(10))
    (tmp_path / "a.srt").write_text(
        "1\n00:00:00,100 --> 00:00:00,900\nLine\n\n2\n00:00:01,000 --> 00:00:01,900\nTwo\n\n"
    )
    with (
        av.open(str(tmp_path / "plain.mkv")) as plain,
        av.open(str(tmp_path / "a.srt")) as text,
        av.open(str(tmp_path / "clip.mkv"), "w") as clip,
    ):
        copies = {
            stream: clip.add_stream_from_template(stream, opaque=True) for stream in (*plain.streams, *text.streams)
        }
        for packet in (*text.demux(), *plain.demux()):
            if packet.size:
                packet.stream = copies[packet.stream]
                clip.mux_one(packet)
    copied(tmp_path / "clip.mkv", tmp_path / "copy.mkv")
    with av.open(str(tmp_path / "copy.mkv")) as container:
        packets = [packet for packet in container.demux(container.streams.subtitles) if packet.size]
        assert [(packet.pts, bytes(packet)) for packet in packets] == [(100, b"Line"), (1000, b"Two")]
    with pytest.warns(VideoWarning, match=r"subtitle track 2 \(srt\) cannot be stored in a \.mp4"):
        copied(tmp_path / "clip.mkv", tmp_path / "copy.mp4")


def test_chapters_are_copied(tmp_path):
    make_clip(tmp_path / "plain.mp4", range(30), rate=Fraction(10))
    chapters = [
        {"id": number, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
        for number, (start, end, title) in enumerate([(0, 1000, "One"), (1000, 3000, "Two")], 1)
    ]
    with av.open(str(tmp_path / "plain.mp4")) as plain, av.open(str(tmp_path / "clip.mp4"), "w") as clip:
        copies = {stream: clip.add_stream_from_template(stream, opaque=True) for stream in plain.streams}
        clip.set_chapters(chapters)
        for packet in plain.demux():
            if packet.size:
                packet.stream = copies[packet.stream]
                clip.mux_one(packet)
    copied(tmp_path / "clip.mp4", tmp_path / "copy.mp4")
    with av.open(str(tmp_path / "copy.mp4")) as container:
        found = [(each["end"] * each["time_base"], each["metadata"]["title"]) for each in container.chapters()]
    assert found == [(1, "One"), (3, "Two")]


def test_a_piece_begins_at_zero_with_its_own_sound(tmp_path):
    make_clip(tmp_path / "clip.mp4", range(40), rate=Fraction(10))
    copied(tmp_path / "clip.mp4", tmp_path / "copy.mp4", start=1.0, end=3.0)
    _, times = frames_of(tmp_path / "copy.mp4")
    assert [float(time) for time in times] == pytest.approx(np.arange(20) / 10, abs=1e-3)
    [(_, seconds)] = sounds_of(tmp_path / "copy.mp4")
    assert seconds == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mp4", "h264"), (".mp4", "h265"), (".mp4", "av1"), (".webm", "vp9"), (".mov", "prores"), (".mkv", "ffv1")],
)
def test_every_codec(tmp_path, suffix, codec):
    make_clip(tmp_path / "clip.mp4", range(9), sounds=())
    copied(tmp_path / "clip.mp4", tmp_path / f"copy{suffix}", codec=codec)
    pictures, times = frames_of(tmp_path / "clip.mp4")
    copies, copied_times = frames_of(tmp_path / f"copy{suffix}")
    assert len(copies) == len(pictures)
    assert [float(time) for time in copied_times] == pytest.approx([float(time) for time in times], abs=1.1e-3)
    for picture, copy in zip(pictures, copies, strict=True):
        scale = np.iinfo(copy.dtype).max / 255
        assert np.abs(picture.astype(float) - copy / scale).mean() < 5


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_the_same_frames_give_the_same_bytes(tmp_path, suffix):
    make_clip(tmp_path / "clip.mkv", range(9), sounds=("ac3",) if suffix != ".webm" else ("libopus",))
    for name in ("one", "two"):
        copied(tmp_path / "clip.mkv", tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("sound", "name", "suffix"),
    [("pcm_s16le", "pcm_s16le", "webm"), ("libopus", "opus", "mov"), ("flac", "flac", "mov")],
)
def test_sound_that_a_file_cannot_hold_is_left_out_and_told(tmp_path, sound, name, suffix):
    make_clip(tmp_path / "clip.mkv", range(5), sounds=(sound, "libopus" if suffix == "webm" else "aac"))
    with pytest.warns(
        VideoWarning, match=rf"The audio track 1 \({name}\) cannot be stored in a \.{suffix} file"
    ) as caught:
        copied(tmp_path / "clip.mkv", tmp_path / f"copy.{suffix}")
    assert len(caught) == 1
    assert_one_sentence(caught[0].message)
    assert len(sounds_of(tmp_path / f"copy.{suffix}")) == 1


def test_the_encoding_follows_from_the_files_name():
    assert choose_encoding("a.mp4") == Encoding("h264", 18)
    assert choose_encoding("a.WEBM", crf=30) == Encoding("vp9", 30)
    assert choose_encoding("a.mov", "prores") == Encoding("prores", None)
    for arguments, part in [
        (("a.avi",), "must end in .mp4, .mov, .mkv, .webm"),
        (("a.mp4", "ffv1"), "A .mp4 file cannot hold ffv1"),
        (("a.mov", "prores", 10), "not of prores"),
    ]:
        with pytest.raises(VideoError, match=part) as caught:
            choose_encoding(*arguments)
        assert_one_sentence(caught.value)
    assert ("auto", *CODECS) == VIDEO_CODECS


def test_a_long_frame_at_the_beginning_of_a_part(tmp_path):
    """The encoder would begin to decode that part before the one ahead of it ends."""
    times = [0, 1, 2, 3, 4, 24, 25, 26, 27, 28]
    make_clip(tmp_path / "clip.mp4", times, sounds=())
    for suffix in ("mp4", "mkv"):
        copied(tmp_path / "clip.mp4", tmp_path / f"copy.{suffix}")
        _, found = frames_of(tmp_path / f"copy.{suffix}")
        assert [float(time) for time in found] == pytest.approx([float(time / RATE) for time in times], abs=1.1e-3)


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "aac"), ("mkv", "flac")])
def test_damaged_sound_is_told_and_the_rest_is_copied(tmp_path, suffix, codec):
    make_clip(tmp_path / f"clip.{suffix}", range(30), sounds=(codec,))
    data = bytearray((tmp_path / f"clip.{suffix}").read_bytes())
    with av.open(str(tmp_path / f"clip.{suffix}")) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        for packet in packets[3:6]:
            data[packet.pos + 8 : packet.pos + packet.size] = os.urandom(packet.size - 8)
    (tmp_path / f"damaged.{suffix}").write_bytes(data)
    with pytest.warns(VideoWarning, match="The sound of '.*' is damaged: [1-3] of its packets cannot be") as caught:
        copied(tmp_path / f"damaged.{suffix}", tmp_path / f"copy.{suffix}")
    assert len(caught) == 1
    assert_one_sentence(caught[0].message)
    assert len(frames_of(tmp_path / f"copy.{suffix}")[0]) == 30
    assert sounds_of(tmp_path / f"copy.{suffix}") == sounds_of(tmp_path / f"damaged.{suffix}")


@pytest.mark.parametrize(
    ("fps", "expected"),
    [(5, [0, 5, 10, 11, 20]), (12.5, [0, 2, 6, 10, 11, 20, 21]), (100, VARIABLE), (0, VARIABLE)],
)
def test_so_many_frames_a_second_are_those_shown_at_each_tick(tmp_path, fps, expected):
    """At 5, the frame of time 11 is still shown at 15; the sound stays as it is."""
    make_clip(tmp_path / "clip.mp4", VARIABLE, rate=Fraction(25))
    info = copied(tmp_path / "clip.mp4", tmp_path / "copy.mp4", fps=fps)
    _, times = frames_of(tmp_path / "copy.mp4")
    assert [float(time * 25) for time in times] == pytest.approx(expected)
    assert info.rate <= (fps or 25)
    assert sounds_of(tmp_path / "copy.mp4") == sounds_of(tmp_path / "clip.mp4")


def test_half_of_the_frames_of_a_file_that_rounds_times(tmp_path):
    make_clip(tmp_path / "clip.mkv", range(20), sounds=())  # in milliseconds
    times = [frame.time for frame in read_frames(read_info(tmp_path / "clip.mkv", fps=11.988))]
    assert times == pytest.approx([float(time / RATE * 1000) for time in range(0, 20, 2)], abs=1)


def test_a_folder_that_is_not_there(tmp_path):
    make_clip(tmp_path / "clip.mp4", range(2))
    info = read_info(tmp_path / "clip.mp4")
    writer = VideoWriter(tmp_path / "missing" / "a.part", info, choose_encoding("a.mp4"), (48, 64))
    with pytest.raises(WriteError, match="cannot be written"), writer:
        writer.add(waves(48, 64, 0), 0)
    copied(tmp_path / "clip.mp4", tmp_path / "copy.mp4")
    with pytest.raises(WriteError, match="cannot be written"):
        join([Part(tmp_path / "copy0.part", 0)], info, tmp_path / "clip.mp4" / "copy.mp4")

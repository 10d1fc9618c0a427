"""`read_sound`: every kind of file as one kind of sound, with times that are right."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.tracks import make_track, write_sound
from tests.materials import assert_one_sentence
from tests.video.clips import av, make_clip, waves
from tf_style.audio import RATE, AudioError, analyse, read_sound


def tone(hertz, seconds, rate):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def pitch(samples):
    """The strongest frequency, in Hz."""
    return np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples)


def clicks(*moments, seconds=2.0, rate=RATE):
    samples = np.zeros(round(seconds * rate))
    for moment in moments:
        samples[round(moment * rate)] = 0.9
    return samples


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """A file without loss, and its samples."""
    path, samples = tmp_path_factory.mktemp("song") / "song.flac", make_track(seconds=3.0).samples
    write_sound(path, samples)
    return path, samples


def test_samples_are_those_of_the_file(song):
    sound = read_sound(song[0])
    assert (sound.rate, sound.samples.dtype, sound.seconds) == (RATE, np.float32, 3.0)
    np.testing.assert_allclose(sound.samples, song[1], atol=1.5 / 2**15)


@pytest.mark.parametrize(("start", "end"), [(0.5, 2.0), (0.0, 1.25), (2.9, 0.0), (1.0, 60.0)])
def test_part_of_it(song, start, end):
    whole = read_sound(song[0]).samples
    part = whole[round(start * RATE) : round(end * RATE) if end else None]
    np.testing.assert_array_equal(read_sound(song[0], start, end).samples, part)


def test_nothing_is_left_after_its_end(song):
    assert read_sound(str(song[0]), start=3.5).seconds == 0.0


def test_eight_bits_at_eight_kilohertz(tmp_path):
    write_sound(tmp_path / "old.wav", tone(440, 1.0, 8000), rate=8000, codec="pcm_u8")
    sound = read_sound(tmp_path / "old.wav")
    assert sound.seconds == pytest.approx(1.0, abs=1e-4)
    assert pitch(sound.samples) == pytest.approx(440, abs=1)
    assert np.abs(sound.samples).max() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("channel", range(6))
def test_each_of_six_channels_is_heard(tmp_path, channel):
    """The deep one, too."""
    samples = np.zeros((6, 24000))
    samples[channel] = tone(100, 0.5, 48000)
    write_sound(tmp_path / "room.wav", samples, rate=48000, layout="5.1")
    sound = read_sound(tmp_path / "room.wav")
    assert sound.seconds == pytest.approx(0.5, abs=1e-3)
    assert pitch(sound.samples) == pytest.approx(100, abs=3)
    assert np.abs(sound.samples).max() == pytest.approx(0.5 / 6, abs=0.01)


@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".flac", ".wav"])
def test_clicks_are_where_they_were(tmp_path, suffix):
    path = tmp_path / f"clicks{suffix}"
    write_sound(path, clicks(0.5, 1.7))
    samples = np.abs(read_sound(path).samples)
    for moment in (0.5, 1.7):
        nearby = slice(round((moment - 0.2) * RATE), round((moment + 0.2) * RATE))
        assert (nearby.start + samples[nearby].argmax()) / RATE == pytest.approx(moment, abs=0.002)


def test_a_film(tmp_path):
    make_clip(tmp_path / "clip.mp4", times=range(24), sounds=("aac", "aac"))
    sound = read_sound(tmp_path / "clip.mp4")
    assert pitch(sound.samples) == pytest.approx(300, abs=2)  # of the first track
    assert sound.seconds == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("late", [0.75, -0.5])
def test_a_track_that_begins_with_another_time_than_the_pictures(tmp_path, late):
    """Zero is the first picture."""
    path, begin = tmp_path / "late.mkv", Fraction(1)
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("ffv1", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 32, 32, "bgr0"
        track = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(waves(32, 32, number), format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = round(25 * begin) + number, Fraction(1, 25)
            container.mux(pictures.encode(frame))
        frame = av.AudioFrame.from_ndarray(
            (np.atleast_2d(clicks(0.6, seconds=1.0)) * 2**15).astype(np.int16), "s16", "mono"
        )
        frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
        frame.pts = round((begin + Fraction(late)) * RATE)
        container.mux([*pictures.encode(), *track.encode(frame), *track.encode()])
    samples = read_sound(path).samples
    assert len(samples) / RATE == pytest.approx(1.0 + late, abs=0.002)
    assert samples.argmax() / RATE == pytest.approx(0.6 + late, abs=0.002)


def test_damage_is_left_out(tmp_path):
    """What follows it stays in its place."""
    path = tmp_path / "damaged.mp3"
    write_sound(path, clicks(3.5, seconds=4.0))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    sound = read_sound(path)
    assert sound.seconds == pytest.approx(4.0, abs=0.2)
    assert np.abs(sound.samples).argmax() / RATE == pytest.approx(3.5, abs=0.2)


def test_numbers_that_are_none(tmp_path):
    samples = tone(440, 0.2, RATE)
    samples[100:200], samples[300], samples[400] = np.nan, np.inf, 1e30
    write_sound(tmp_path / "none.wav", samples, codec="pcm_f32le")
    features = analyse(read_sound(tmp_path / "none.wav"))
    assert all(np.isfinite(curve).all() for curve in vars(features).values())


def refusal(*arguments):
    with pytest.raises(AudioError) as caught:
        read_sound(*arguments)
    assert isinstance(caught.value, ValueError)
    assert_one_sentence(str(caught.value))
    return str(caught.value)


def test_refused(tmp_path, song):
    assert "does not exist" in refusal(tmp_path / "none.ogg")
    assert "is a folder" in refusal(tmp_path)
    make_clip(tmp_path / "silent.mp4", times=range(3), sounds=())
    assert "has no sound" in refusal(tmp_path / "silent.mp4")
    for name, content in (("text.ogg", b"This is no sound. " * 99), ("empty.wav", b""), ("begun.flac", b"fLaC\0\0")):
        (tmp_path / name).write_bytes(content)
        assert name in refusal(tmp_path / name)
    for start, end in ((-1.0, 0.0), (2.0, 1.0)):
        assert f"{start:g} to {end:g} s" in refusal(song[0], start, end)


def test_without_pyav(song, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    assert "pip install 'tf-style[video]'" in refusal(song[0])

"""Films that follow a schedule or a sound: in time, without flashes, and gone on with to the same bytes."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from benchmarks.tracks import RATE, write_sound
from tests import command
from tests.jobs.film.runs import FEW
from tests.jobs.folder.photos import write_tiny_network
from tests.materials import QUICK
from tests.video.clips import av, frames_of, make_clip, sounds_of, waves
from tf_style.audio import read_sound
from tf_style.cli.main import main
from tf_style.frames import NetworkPainter
from tf_style.jobs.film import run as job
from tf_style.schedule import Schedule

CLICKS = np.array([0.29, 0.57, 0.83, 1.21, 1.49, 1.96, 2.24, 2.61])  # seconds
PAINT = ("--style=a,b", "--network=network.npz", "--compute_dtype=float32", "--quiet")
LOSSLESS = "--codec=ffv1"
REACT = ("--react=onset:blend:.8", "--allow_flashes")  # random networks flash at each click


def clicks(seconds=3.0):
    samples, time = np.zeros(round(RATE * seconds)), np.arange(2000) / RATE
    for moment in (np.rint(RATE * CLICKS)).astype(int):
        samples[moment : moment + 2000] += 0.6 * np.sin(2 * np.pi * 900 * time) * np.exp(-time / 0.02)
    return samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    write_tiny_network(folder / "network.npz")
    command.write_picture(folder / "photo.jpg", 45, 61, seed=1)
    command.write_picture(folder / "style.jpg", 45, 60, seed=2)
    write_sound(folder / "clicks.wav", clicks())
    write_sound(folder / "clicks.m4a", clicks(), codec="aac")
    write_sound(folder / "silence.wav", np.zeros(RATE * 3))
    uneven = [time for time in range(72) if time % 7 != 3]
    still = {"pictures": lambda h, w, _: waves(h, w, 0), "rate": Fraction(24), "sounds": ()}
    make_clip(folder / "clip.mkv", uneven, codec="ffv1", pixel_format="yuv444p", **still)
    flat = {"pictures": lambda h, w, _: np.full((h, w, 3), 255, np.uint8), "rate": Fraction(10), "sounds": ()}
    make_clip(folder / "white.mkv", range(20), codec="ffv1", pixel_format="yuv444p", **flat)
    return folder


@pytest.fixture
def there(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(job, "_PART", FEW)
    return folder


def video(content, output, *flags):
    return main(["video", content, *command.over(PAINT, flags), f"--output={output}"])


def painted(content, output, *flags):
    assert video(content, output, *flags, LOSSLESS) == 0
    frames, times = frames_of(output)
    return np.stack(frames) / np.iinfo(frames[0].dtype).max, np.array(times, float)


def lag(path, other):
    """How many seconds later a sound is heard than another, in its first second."""
    heard, given = read_sound(path).samples, read_sound(other).samples
    return (np.correlate(heard[:RATE], given[500 : RATE - 500], "valid").argmax() - 500) / RATE


def share_in_time(frames, times, moments):
    """How many moments have the greatest change of the picture around them within a frame."""
    changes = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    right = 0
    for moment in moments:
        nearest = int(np.abs(times - moment).argmin())
        around = np.flatnonzero(np.abs(times[1:] - moment) < 0.12)
        right += abs(around[changes[around].argmax()] + 1 - nearest) <= 1
    return right / len(moments)


# --- sound ------------------------------------------------------------------------------------------------------------


def test_a_picture_and_a_song_are_a_film_in_time(there):
    """With an even number of pixels, and the song copied as it is; what is decided can be given back."""
    for fps, end in ((24, 0), (60, 1.6)):
        flags = ("--audio=clicks.m4a", f"--fps={fps}", f"--end={end}", "--size=48")
        react = (*REACT, "--schedule_output=out.csv", "--react_figure=f.png")
        frames, times = painted("photo.jpg", f"{fps}.mkv", *flags, *react)
        times -= times[0]  # Matroska has no negative times, such as AAC begins with
        assert frames.shape[:3] == (fps * (end or 3), 34, 48)
        np.testing.assert_allclose(times, np.arange(len(times)) / fps, atol=1e-3)
        assert share_in_time(frames, times, CLICKS[times[-1] > CLICKS]) == 1
    assert video("photo.jpg", "again.mkv", *flags, "--schedule=out.csv", "--allow_flashes", LOSSLESS) == 0
    assert (there / "again.mkv").read_bytes() == (there / "60.mkv").read_bytes()
    with Image.open("f.png") as figure:
        assert min(figure.size) > 300
    assert sounds_of("24.mkv")[0][0] == sounds_of("clicks.m4a")[0][0]
    np.testing.assert_allclose(lag("24.mkv", "clicks.m4a"), 0, atol=0.001)


def test_a_picture_that_holds_still(there):
    """Sound that the film cannot hold is encoded; the picture is painted once, under the default name."""
    assert main(["video", "photo.jpg", "a", *PAINT[1:], "--audio=clicks.wav", "--end=1", "--size=48"]) == 0
    frames = frames_of("photo-a.mp4")[0]
    assert len(frames) == 25 and max(np.abs(frame.astype(int) - frames[0]).max() for frame in frames) <= 4
    np.testing.assert_allclose(lag("photo-a.mp4", "clicks.wav"), 0, atol=0.001)


def test_a_song_may_change_its_format_on_the_way(there):
    """Such as two MP3 files in one; WebM cannot hold it, so it is encoded."""
    for layout, channels in (("mono", 1), ("stereo", 2)):
        write_sound(f"{layout}.mp3", [0.3 * np.sin(np.arange(RATE) / 8)] * channels, layout=layout)
    (there / "both.mp3").write_bytes((there / "mono.mp3").read_bytes() + (there / "stereo.mp3").read_bytes())
    assert video("photo.jpg", "both.webm", "--audio=both.mp3", "--size=48", "--fps=4") == 0
    heard = read_sound("both.webm")
    assert heard.seconds == pytest.approx(2, abs=0.15) and np.ptp(heard.samples[-RATE // 2 : -RATE // 4]) > 0.4


def test_gaps_of_a_song_stay_where_it_is_encoded(there):
    write_sound("tone.mp3", 0.3 * np.sin(np.arange(RATE) / 8))
    with av.open("tone.mp3") as source, av.open("gap.mkv", "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.pts is not None:
                packet.pts += round((packet.pts * packet.time_base > 0.5) / packet.time_base)  # a second later
                packet.dts, packet.stream = packet.pts, stream
                target.mux(packet)
    assert video("photo.jpg", "gap.webm", "--audio=gap.mkv", "--size=48", "--fps=4") == 0
    heard = read_sound("gap.webm")
    assert heard.seconds == pytest.approx(2, abs=0.1)
    assert np.ptp(heard.samples[int(0.8 * RATE) : int(1.3 * RATE)]) < 0.05 < np.ptp(heard.samples[int(1.7 * RATE) :])


def test_a_clip_reacts_at_the_times_of_its_frames(there):
    """Also to its own sound, and from a later second on."""
    frames, times = painted("clip.mkv", "other.mkv", *REACT, "--audio=clicks.wav")
    assert np.ptp(np.diff(times)) > 0.03
    assert share_in_time(frames, times, CLICKS) == 1
    late, late_times = painted("other.mkv", "late.mkv", *REACT, "--start=0.7", "--end=1.7")
    assert share_in_time(late, late_times + 0.7, CLICKS[2:5]) == 1
    heard = read_sound("late.mkv").samples
    assert np.argmax(np.abs(heard) > 0.2) / RATE == pytest.approx(CLICKS[2] - 0.7 - late_times[0], abs=0.002)


def test_silence_changes_nothing(there):
    with command.eagerly():
        plain, _ = painted("clip.mkv", "plain.mkv", "--end=0.2")
        silent, _ = painted("clip.mkv", "silent.mkv", "--end=0.2", "--react=pulse", "--audio=silence.wav")
    np.testing.assert_array_equal(plain, silent)


def test_optimised_pictures_react(there):
    options = [f"--{name}={','.join(v) if isinstance(v, tuple) else v}" for name, v in QUICK.items()]
    flags = ("--style=style.jpg", "--preset=draft", "--size=48", "--fps=10", "--start=0.2", "--end=0.5", *options)
    sound = ("--react=onset:strength:.9", "--audio=clicks.wav", "--output=o.mkv", LOSSLESS, "--quiet")
    with command.eagerly():
        assert main(["video", "photo.jpg", *flags, *sound]) == 0
    frames = np.stack(frames_of("o.mkv")[0]).astype(float)
    assert np.abs(np.diff(frames, axis=0)).mean((1, 2, 3)).argmax() == 0


# --- schedules and the guard ------------------------------------------------------------------------------------------


def flashing():
    """The strength of a style, between nothing and all in each frame of ten a second."""
    return Schedule(np.arange(20) / 10, {"style_strength": np.arange(20) % 2})


def swings(frames):
    """Opposing changes of luminance by more than a tenth, at most in any second of ten frames."""
    light = np.where(frames <= 0.04045, frames / 12.92, ((frames + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    change = np.diff(light.mean((1, 2)))
    large = np.abs(change) > 0.1
    return max(int(large[start : start + 9].sum()) for start in range(len(large) - 8))


def test_a_schedule_flashes_only_if_allowed_and_goes_on_after_a_crash(there, monkeypatch, capfd):
    flashing().write("flash.csv")
    wild, _ = painted("white.mkv", "wild.mkv", "--schedule=flash.csv", "--allow_flashes", "--consistency=0")
    assert swings(wild) > 3
    assert np.abs(wild[0] - 1).max() < 0.01 and np.abs(wild[1] - 1).mean() > 0.1
    tame, _ = painted("white.mkv", "tame.mkv", "--schedule=flash.csv", "--consistency=0")
    assert swings(tame) <= 3
    np.testing.assert_array_equal(tame[:3], wild[:3])
    paint, count = NetworkPainter.paint, []

    def crashes(self, *arguments):
        count.append(1)
        if len(count) == 13:
            raise RuntimeError
        return paint(self, *arguments)

    flags = ("--schedule=flash.csv", "--consistency=0", LOSSLESS)
    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(NetworkPainter, "paint", crashes)
        video("white.mkv", "crashed.mkv", *flags)
    Schedule([0], {"style_strength": [0.5]}).write("other.csv")
    assert video("white.mkv", "crashed.mkv", "--schedule=other.csv", *flags[1:]) == 2
    assert "were painted with other options or from other files" in capfd.readouterr().err
    assert video("white.mkv", "crashed.mkv", *flags) == 0
    assert (there / "crashed.mkv").read_bytes() == (there / "tame.mkv").read_bytes()


def test_a_schedule_counts_from_the_beginning_of_the_film(there):
    Schedule([0, 0.9, 0.99], {}, [[1, 0], [1, 0], [0, 1]]).write("shares.csv")
    late, _ = painted("white.mkv", "late.mkv", "--schedule=shares.csv", "--start=0.8", "--consistency=0")
    (there / "two.csv").write_text("0,a+b\n1,b+a\n")
    shots, _ = painted("white.mkv", "shots.mkv", "--schedule=shares.csv", "--shots=two.csv", "--consistency=0")
    np.testing.assert_allclose(shots, np.broadcast_to(late[0], shots.shape), atol=0.01)
    np.testing.assert_allclose(late[1], late[0], atol=0.01)
    assert np.abs(late[3] - late[0]).mean() > 0.02


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--react=puls", "--audio=clicks.wav"], "did you mean 'pulse'?"),
        (["--react=pulse"], "'white.mkv' has no sound that react could follow; give some, as in --audio=song.mp3"),
        (["--react=pulse", "--audio=nothing.wav"], "There is no sound 'nothing.wav'"),
        (["--react=pulse", "--audio=white.mkv"], "'white.mkv' has no sound; give a song"),
        (["--audio=photo.jpg"], "'photo.jpg' has no sound; give a song"),
        (["--content=photo.jpg"], "is a single picture, not a film; paint it with tf-style stylize, or add a song"),
        (["--react=pulse", "--schedule=three.csv"], "react and schedule both say what to paint with"),
        (["--schedule=three.csv"], "schedule=three.csv has 3 shares for 2 styles; give one for each"),
        (["--schedule=nothing.csv"], "The schedule 'nothing.csv' cannot be read"),
        (["--schedule=calm.csv", "--consistency=0"], "sets consistency, but consistency=0 paints each frame alone"),
        (["--schedule=three.csv", "--shots=some.csv"], "line 2: schedule=three.csv has 3 shares for 1 styles"),
        (
            ["--react=pulse", "--shots=some.csv", "--audio=clicks.wav"],
            "blends the styles of a shot, but these have 1 to 3",
        ),
        (["--bpm=100"], "bpm is for films that react to sound; give react as well"),
        (["--react=beat:saturation:1", "--bpm=.001"], "bpm must be 20 to 400, or 0 to find it, but is 0.001"),
        (["--schedule_output=a.csv"], "schedule_output is for films that react"),
        (["--allow_flashes"], "allow_flashes is for films with react or schedule"),
        (["--react=pulse", "--audio=clicks.wav", "--schedule_output=clicks.wav"], "is also an input of this run"),
        (["--react=pulse", "--audio=clicks.wav", "--react_figure=a.doc"], "a.doc' must end in one of"),
    ],
)
def test_refused(there, capfd, flags, part):
    Schedule([0], {}, [[1, 0, 0]]).write("three.csv")
    Schedule([0], {"consistency": [0.5]}).write("calm.csv")
    (there / "some.csv").write_text("0,a+b+a\n1,a\n")
    arguments = command.over(["--content=white.mkv", *PAINT], flags)
    assert main(["video", *arguments, "--output=no.mkv"]) == 2
    [line] = capfd.readouterr().err.splitlines()
    assert part in line
    assert not (there / "no.mkv").exists() and not (there / "no.mkv.parts").exists()

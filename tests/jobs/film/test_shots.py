"""`--shots=FILE`: shots that begin where a file says, each in its own style; and such files, written."""

import signal
from fractions import Fraction

import numpy as np
import pytest

import tf_style
from tests import command
from tests.jobs.film.runs import stopped
from tests.jobs.folder.photos import write_tiny_network
from tests.materials import assert_one_sentence
from tests.video.clips import frames_of, make_clip
from tf_style.cli.main import main
from tf_style.config import ConfigError, VideoFiles
from tf_style.jobs.film.shots import read_shots, write_shots

#: What PySceneDetect 0.7 writes, by `write_scene_list`.
SCENES = """\
00:00:02.125,00:01:04.000
Scene Number,Start Frame,Start Timecode,Start Time (seconds),End Frame,End Timecode,End Time (seconds),Length (frames)
1,1,00:00:00.000,0.000,51,00:00:02.125,2.125,51
2,52,00:00:02.125,2.125,1536,00:01:04.000,64.000,1485
3,1537,00:01:04.000,64.000,1600,00:01:06.667,66.667,64
"""
PAINT = ("--network=network.npz", "--compute_dtype=float32", "--codec=ffv1")
FRAMES = 18


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shots")
    write_tiny_network(folder / "network.npz")
    write_tiny_network(folder / "any.npz", "arbitrary")
    (folder / "paintings").mkdir()
    command.write_picture(folder / "paintings" / "a+b.jpg", 50, 40, seed=1)
    command.write_picture(folder / "paintings" / "c.jpg", 50, 40, seed=2)
    make_clip(folder / "clip.mkv", range(FRAMES), rate=Fraction(10), codec="ffv1", pixel_format="yuv444p")
    return folder


def video(*flags):
    return main(["video", "--content=clip.mkv", *PAINT, *flags])


def painted(name, *flags):
    assert video(f"--output={name}", "--quiet", *flags) == 0
    return frames_of(name)[0]


def shots_of(text, tmp_path, style=(), **options):
    path = tmp_path / "shots.csv"
    path.write_text(text, encoding="utf-8")
    return read_shots(VideoFiles(content="a.mp4", output="b.mp4", shots=str(path), style=style, **options))


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("12.48\n00:01:12.480\n2:00\n", [0, 12.48, 72.48, 120]),
        ("\ufeff# a film\nstart,style\n\n0,\n  # more\n 3 , \n", [0, 3]),
        (SCENES, [0, 2.125, 64]),
        (f"Timecode List:,{SCENES}", [0, 2.125, 64]),
        ("name,Start\nfirst,1\n", [0, 1]),
    ],
)
def test_times_are_read(text, starts, tmp_path):
    shots = shots_of(text, tmp_path, ("d.jpg",))
    assert [shot.start for shot in shots] == starts
    assert {shot.style for shot in shots} == {("d.jpg",)}


def test_styles_are_read(folder):
    path = folder / "styles.csv"
    path.write_text('start,style\n0,paintings/a+b.jpg\n1, paintings/c.jpg + starry_night\n2\n3,"x"\n')
    shots = read_shots(VideoFiles(content="a.mp4", output="b.mp4", shots=str(path), style=("own",)))
    beside = [str(folder / "paintings" / name) for name in ("a+b.jpg", "c.jpg")]
    assert [shot.style for shot in shots] == [(beside[0],), (beside[1], "starry_night"), ("own",), ("x",)]


def test_shots_before_the_start_need_no_style(tmp_path):
    assert [shot.style for shot in shots_of("5,a\n9,b", tmp_path, start=5)] == [("a",), ("b",)]
    assert [shot.style for shot in shots_of("5,a\n9,b", tmp_path, start=9.5)] == [("b",)]


def test_what_is_written_can_be_read(tmp_path):
    starts = [0.0, 1.001, 59.9996, 3725.48]
    write_shots(str(tmp_path / "shots.csv"), "films/clip.mp4", starts)
    text = (tmp_path / "shots.csv").read_text()
    assert text.startswith("# Shots of clip.mp4. ")
    assert text.endswith("start,style\n00:00:00.000,\n00:00:01.001,\n00:01:00.000,\n01:02:05.480,\n")
    assert [shot.start for shot in shots_of(text, tmp_path, ("a",))] == pytest.approx(starts, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("0,a\n\nthen,b", "shots.csv', line 3: 'then' is not a time; write seconds, such as 12.48, or a timecode"),
        ("begin,style\n0,a", "line 1: 'begin' is not a time"),
        ("0,a\n5,b\n5,c", "line 3: this shot begins at 5 s, not after the one before (5 s); put the shots in"),
        ("0,a\n5", "line 2: this shot has no style; write one behind its time"),
        ("5,a", "says nothing about the film before 5 s: this shot has no style"),
        ("# none", "holds no shot; write one a line"),
        ("-1", "'-1' is not a time"),
        ("1:2:3:4", "'1:2:3:4' is not a time"),
    ],
)
def test_refused(text, part, tmp_path):
    with pytest.raises(ConfigError) as caught:
        shots_of(text, tmp_path)
    assert part in str(caught.value)
    assert_one_sentence(caught.value)


# --- films ------------------------------------------------------------------------------------------------------------


def test_each_shot_has_its_style(there):
    """And nothing is mixed over a cut: each shot is what it is as a film of its own."""
    (there / "own.csv").write_text("# ours\n0,a\n00:00:00.600,b+a\n1.22,a\n")
    frames = painted("own.mkv", "--shots=own.csv", "--consistency=1")
    bounds = (0, 6, 12, FRAMES)  # the frame that is nearest to 1.22 s is at 1.2 s
    for number, (begin, end, style) in enumerate(zip(bounds, bounds[1:], ("a", "b,a", "a"), strict=False)):
        alone = painted(
            f"alone{number}.mkv", f"--style={style}", f"--start={begin / 10}", f"--end={end / 10}", "--consistency=1",
            "--shots=none",
        )  # fmt: skip
        np.testing.assert_array_equal(frames[begin:end], alone)


def test_pictures_beside_the_file_and_one_style_for_the_rest(there):
    (there / "lists").mkdir()
    (there / "lists" / "pictures.csv").write_text("start,style\n0\n1,../paintings/c.jpg\n")
    network = ("--network=any.npz", "--end=1.2")
    frames = painted("pictures.mkv", *network, "--shots=lists/pictures.csv", "--style=paintings/a+b.jpg")
    second = painted("second.mkv", *network, "--style=paintings/c.jpg", "--start=1")
    np.testing.assert_array_equal(frames[10:], second)
    tf_style.stylize_video(
        "clip.mkv", (), there / "python.mkv", shots=there / "own.csv", network="network.npz", compute_dtype="float32",
        codec="ffv1", consistency=1, quiet=True,
    )  # fmt: skip
    np.testing.assert_array_equal(frames_of("python.mkv")[0], frames_of("own.mkv")[0])


def test_shots_that_are_found_are_written(there, capfd):
    pans = [
        np.random.default_rng(seed).integers(0, 255, (3, 4, 3), np.uint8).repeat(16, 0).repeat(25, 1) for seed in (1, 2)
    ]
    pictures = lambda h, w, place: pans[place // 12 % 2][:h, place % 12 : place % 12 + w]  # noqa: E731
    make_clip("cuts.mkv", range(36), pictures=pictures, rate=Fraction(10), codec="ffv1", pixel_format="yuv444p")
    assert main(["video", "cuts.mkv", "--shots_output=found.csv"]) == 0
    assert capfd.readouterr().err.splitlines()[-1] == (
        "Wrote found.csv: 3 shots; to paint them, give --shots=found.csv."
    )
    found = (there / "found.csv").read_text()
    assert found.splitlines()[1:] == ["start,style", "00:00:00.000,", "00:00:01.200,", "00:00:02.400,"]
    for name, shots in (("auto.mkv", "--shots_output=again.csv"), ("read.mkv", "--shots=found.csv")):
        assert main(["video", "cuts.mkv", *PAINT, "--style=a", f"--output={name}", shots, "--quiet"]) == 0
    assert (there / "again.csv").read_text() == found
    np.testing.assert_array_equal(frames_of("auto.mkv")[0], frames_of("read.mkv")[0])


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (
            ["--shots=atuo", "--style=a"],
            "shots must be auto, none, or a file that says where shots begin, but there is",
        ),
        (["--shots=paintings/c.jpg", "--style=a"], "'paintings/c.jpg' cannot be read as text"),
        (["--shots=late.csv", "--style=a"], "'late.csv', line 2: this shot begins at 99 s, but the film ends at 1.8"),
        (["--shots=names.csv"], "'names.csv', line 2: Unknown style 'x'. This network knows: "),
        (["--shots=names.csv", "--network=any.npz"], "'names.csv', line 2: 'x' does not exist"),
        (["--shots=names.csv", "--shots_output=b.csv"], "shots_output needs shots=auto, but shots=names.csv was given"),
        (["--style=a", "--shots_output=clip.mkv"], "--shots_output=clip.mkv is also an input of this run"),
        (["--shots=names.csv", "--json=names.csv"], "--json=names.csv is also an input of this run"),
        ([], "--style must be given"),
    ],
)
def test_flags_are_refused(there, capfd, flags, part):
    (there / "late.csv").write_text("0\n99\n")
    (there / "names.csv").write_text("0,a\n1,x\n")
    assert video("--output=a.mkv", *flags) == 2
    [line] = capfd.readouterr().err.splitlines()
    assert part in line
    assert not (there / "a.mkv").exists()


def test_a_film_of_shots_has_a_default_name(there):
    (there / "two.csv").write_text("0,a\n0.2,b\n")
    assert main(["video", "clip.mkv", *PAINT, "--shots=two.csv", "--end=0.4", "--quiet"]) == 0
    assert len(frames_of("clip-two.mkv")[0]) == 4


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_same_shots_only(there, capfd):
    make_clip("long.mkv", range(40), rate=Fraction(10), sounds=())
    (there / "long.csv").write_text("0,a\n1.7,b\n3.1,a\n")
    flags = ["video", "--content=long.mkv", "--shots=long.csv", *PAINT[:2]]
    assert main([*flags, "--output=whole.mp4", "--quiet"]) == 0
    stopped(there, flags, "killed.mp4", signal.SIGKILL, 20)
    same = (there / "long.csv").read_text()
    (there / "long.csv").write_text(same.replace("1.7,b", "1.7,a"))
    assert main([*flags, "--output=killed.mp4"]) == 2
    assert "were painted with other options or from other files" in capfd.readouterr().err
    (there / "long.csv").write_text(f"# the same\n{same}")
    assert main([*flags, "--output=killed.mp4"]) == 0
    assert "Goes on after frame " in capfd.readouterr().err
    assert (there / "killed.mp4").read_bytes() == (there / "whole.mp4").read_bytes()

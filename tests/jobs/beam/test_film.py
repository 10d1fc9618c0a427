"""A film as a Beam pipeline: the same frames, times and sound as without, whatever stops on the way."""

import importlib.util
import re
import signal
import time
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tests import command
from tests.jobs.beam.test_run import NO_BEAM
from tests.jobs.folder.photos import write_tiny_network
from tests.materials import QUICK
from tests.video.clips import frames_of, make_clip, sounds_of
from tf_style.cli.main import main
from tf_style.frames import NetworkPainter
from tf_style.jobs.film import run as job
from tf_style.jobs.film import sections

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("apache_beam") is None, reason=NO_BEAM),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

NETWORK = ("--network=network.npz", "--style=a", "--compute_dtype=float32")
LOSSLESS = ("--codec=ffv1",)
OPTIMISED = (
    "--style=style.jpg", "--preset=draft", "--size=48", "--shots=cut.csv", "--start=0.9", "--end=1.6",
    *(f"--{name}={','.join(value) if isinstance(value, tuple) else value}" for name, value in QUICK.items()),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a film of three shots, 12 frames each, whose times are not even, with pictures that depend on others."""
    folder = tmp_path_factory.mktemp("films")
    write_tiny_network(folder / "network.npz")
    pans = np.random.default_rng(0).integers(0, 255, (3, 6, 8, 3), np.uint8)
    pans = [np.asarray(Image.fromarray(small).resize((100, 48), Image.Resampling.BICUBIC)) for small in pans]
    make_clip(
        folder / "cuts.mp4", [time for time in range(38) if time not in (7, 20)],
        pictures=lambda h, w, place: pans[place // 12][:h, place % 12 : place % 12 + w], rate=Fraction(10),
    )  # fmt: skip
    command.write_picture(folder / "style.jpg", 50, 40, seed=1)
    (folder / "cut.csv").write_text('0\n1.2,"text: stormy sea, muted"\n')
    (folder / "shots.csv").write_text("start,style\n0,a\n1.0,b\n2.0,a+b\n")
    return folder


@pytest.fixture
def there(folder, monkeypatch):
    """The folder, as the working folder, with parts of a few frames."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(job, "_PART", 5)
    monkeypatch.setattr(sections, "_ALONE", 7)
    return folder


@pytest.fixture(scope="module")
def plain(folder):
    """The film as painted by tf-style video."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert paint("video", "plain.mkv", *NETWORK, *LOSSLESS) == 0
    return folder / "plain.mkv"


def slowly():
    """In a fork: small parts, and time enough to stop it."""
    job._PART, whole = 5, NetworkPainter.paint
    NetworkPainter.paint = lambda *arguments: time.sleep(0.05) or whole(*arguments)


def paint(name, output, *flags, content="cuts.mp4"):
    return main([name, f"--content={content}", f"--output={output}", *flags])


def assert_the_same(one, other):
    (frames, times), (others, other_times) = frames_of(one), frames_of(other)
    assert times == other_times
    assert all(np.array_equal(*pair) for pair in zip(frames, others, strict=True))
    assert sounds_of(one) == sounds_of(other)


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ((*NETWORK, "--consistency=0"), "6 pieces"),
        ((*NETWORK, "--shots=shots.csv", "--start=0.5", "--end=3.2", "--fps=6"), "3 shots"),
        (OPTIMISED, "2 shots"),
    ],
    ids=["alone", "listed", "optimised"],
)
def test_the_same_film_as_without(there, capfd, flags, count):
    assert paint("video", "same.mkv", *flags, *LOSSLESS) == 0
    capfd.readouterr()
    assert paint("beam", "beamed.mkv", *flags, *LOSSLESS) == 0
    lines = capfd.readouterr().err.splitlines()
    assert any(line.startswith(f"Found {count}; ") for line in lines), lines
    assert lines[-1].startswith(f"Wrote {there}/beamed.mkv: {len(frames_of('same.mkv')[0])} frames (")
    assert_the_same("beamed.mkv", "same.mkv")
    assert not (there / "beamed.mkv.parts").exists()


@pytest.mark.parametrize("output", ["made/%03d.png", "made.webp"])
@pytest.mark.usefixtures("eagerly")
def test_pictures_and_animations(there, output):
    flags = (*NETWORK, "--consistency=0", "--end=1.5")
    assert paint("video", f"plain_{output}", *flags) == 0
    assert paint("beam", output, *flags) == 0
    for name in [output] if "%" not in output else [output % number for number in range(1, 15)]:
        assert (there / name).read_bytes() == (there / f"plain_{name}").read_bytes()


def test_a_worker_that_fails(there, plain, capfd, monkeypatch):
    """The others go on; a sentence says why, and the same command paints only what is missing."""
    whole, painted = NetworkPainter.paint, []

    def counted(self, frame, *rest):
        painted.append(frame)
        if failing and len(painted) == 18:
            raise MemoryError("too large")
        return whole(self, frame, *rest)

    monkeypatch.setattr(NetworkPainter, "paint", counted)
    failing = True
    assert paint("beam", "failed.mkv", *NETWORK, *LOSSLESS) == 1
    *_, error, last = capfd.readouterr().err.splitlines()
    assert "cannot be painted (MemoryError: too large); repeat the command" in error
    assert last == "tf-style: 2 of 3 shots are painted; repeat the command to go on."
    assert not (there / "failed.mkv").exists()
    assert paint("beam", "failed.mkv", *NETWORK, *LOSSLESS, "--style_strength=0.5") == 2
    assert "holds parts of failed.mkv that were painted with other options" in capfd.readouterr().err
    failing = False
    painted.clear()
    assert paint("beam", "failed.mkv", *NETWORK, *LOSSLESS) == 0
    assert "Found 3 shots; 1 to paint." in capfd.readouterr().err
    assert len(painted) == 7  # of 12: five were in a part
    assert_the_same("failed.mkv", plain)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.slow
def test_a_run_that_is_stopped(there, plain, number):
    """It ends soon, and the same command goes on."""
    line = ["beam", "--content=cuts.mp4", f"--output={number.name}.mkv", *NETWORK, *LOSSLESS]
    process = command.fork(line, there, setup=slowly)
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline and not len(list(there.glob("*.parts/*/state.npz"))):
        time.sleep(0.005)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=200)
    if number == signal.SIGINT:
        assert process.returncode == 130, stderr
        assert re.search(r"Interrupted: [012] of 3 shots are painted; to go on, repeat the command.\n$", stderr), stderr
    else:
        assert process.returncode == -signal.SIGKILL
    assert not (there / f"{number.name}.mkv").exists()
    assert main(line) == 0
    assert_the_same(f"{number.name}.mkv", plain)


@pytest.mark.slow
def test_processes_on_this_machine(there, plain):
    flags = ["--", "--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    assert paint("beam", "processes.mkv", *NETWORK, *LOSSLESS, *flags) == 0
    assert_the_same("processes.mkv", plain)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--style=a"], "--output must be given"),
        (["--output=a.mp4"], "style must be given"),
        (["--output=a.mp4", *NETWORK, "--manifest=jobs.csv"], "--manifest is for lists of pictures"),
        (["--output=a.mp4", *NETWORK, "--start=100"], "There is no frame from --start=100 on"),
        (["--output=a.mp4", *NETWORK, "--react=pulse"], "--react is for tf-style video, which paints all frames in"),
        (["--output=a.avi", *NETWORK], "must end in .mp4, .mov, .mkv, .webm"),
        (["--output=gs://bucket/a.mp4", *NETWORK], "is a URL"),
        (["--output=a.mp4", *NETWORK, "--", "--runer=FlinkRunner"], "Did you mean --runner?"),
    ],
)
def test_refusals(there, capfd, flags, words):
    assert main(["beam", "--content=cuts.mp4", *flags]) == 2
    line = capfd.readouterr().err.splitlines()[-1]
    assert line.startswith("tf-style: ")
    assert words in line
    assert not (there / "a.mp4.parts").exists()

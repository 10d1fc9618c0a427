"""Bad files among good ones, full disks and interruptions: the rest is painted, and the run can go on."""

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests import command
from tests.jobs.folder.photos import (
    LANDSCAPE,
    NETWORK,
    OPTIMIZE,
    PICTURES,
    PORTRAIT,
    SECONDS,
    files_in,
    levels,
    stylize,
    target,
)
from tests.materials import assert_one_sentence
from tf_style import images
from tf_style.jobs.folder.session import FolderSession
from tf_style.stylizers import FeedForwardStylizer

BAD = {"cut.jpg": "cut short", "long.png": "at least 32", "text.jpg": "not a picture", "tiny.png": "at least 32"}


def _write_bad(photos):
    photos.mkdir(exist_ok=True)
    (photos / "text.jpg").write_text("This is no picture, whatever its name says.\n")
    command.write_picture(photos / "tiny.png", 31, 64)
    command.write_picture(photos / "long.png", 32, 900)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photos / "cut.jpg", quality=95)
    data = (photos / "cut.jpg").read_bytes()
    (photos / "cut.jpg").write_bytes(data[: len(data) // 2])


# --- bad files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.usefixtures("eagerly")
def test_bad_files_among_good_ones_are_reported_and_the_rest_is_done(there, capfd, quiet):
    _write_bad(there / "mixed")
    command.write_picture(there / "mixed" / "good.png")
    command.write_picture(there / "mixed" / "huge.png", 200, 210)
    flags = ["--output=from_mixed", "--json=mixed.json", "--max_pixels=40000", *(["--quiet"] * quiet)]
    assert stylize(*NETWORK, *flags, content="mixed") == 1
    assert files_in(there / "from_mixed") == {"good.png"}
    lines = capfd.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("tf-style: ")]
    assert len(errors) == len(BAD) + 2
    for name, part in {**BAD, "huge.png": "40,000"}.items():
        (line,) = (line for line in errors if name in line)
        assert part in line
        assert_one_sentence(f"{line}.")
    assert errors[-1] == lines[-1] == "tf-style: 5 of 6 pictures failed."
    assert errors == lines or not quiet
    rows = {row["name"]: row for row in json.loads((there / "mixed.json").read_text())["pictures"]}
    assert rows.keys() == {*BAD, "good.png", "huge.png"}
    assert [name for name, row in rows.items() if row["error"] is None] == ["good.png"]
    assert "not a picture" in rows["text.jpg"]["error"]


def test_pictures_that_all_fail_load_no_model(there, capfd, monkeypatch):
    monkeypatch.setattr(FolderSession, "load", None)
    (there / "small").mkdir(exist_ok=True)
    command.write_picture(there / "small" / "a.png", 20, 20)
    assert stylize(*NETWORK, "--output=nowhere", content="small") == 1
    assert capfd.readouterr().err.splitlines()[-1] == "tf-style: 1 of 1 pictures failed."
    assert not (there / "nowhere").exists()


@pytest.mark.usefixtures("eagerly")
def test_too_little_memory_is_one_sentence_a_picture(there, capfd, monkeypatch):
    def refuse(stylizer, content, code):
        if content.shape[1:3] == LANDSCAPE:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        return content

    monkeypatch.setattr(FeedForwardStylizer, "paint", refuse)
    assert stylize(*NETWORK, "--output=scarce") == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("tf-style: ")]
    assert len(errors) == 4
    assert errors[0].startswith(
        "tf-style: 'photos/a.jpg': 3 pictures of 48 x 36 pixels do not fit into memory at once; lower "
    )
    assert files_in(there / "scarce") == {target(name) for name, size in PICTURES.items() if size == PORTRAIT}


@pytest.mark.usefixtures("eagerly")
def test_a_full_disk_ends_the_run(there, capfd, monkeypatch):
    def refuse(path, *arguments, **options):
        raise images.WriteError(f"'{path}' cannot be written (No space left on device); free the disk")

    monkeypatch.setattr(images, "write_image", refuse)
    assert stylize(*NETWORK, "--output=full") == 1
    assert capfd.readouterr().err.count("No space left") == 1


# --- going on ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("eagerly")
def test_skip_existing_paints_only_what_is_missing(there, capfd):
    assert stylize(*NETWORK, "--output=going_on") == 0
    before = levels("going_on/a.png")
    (there / "going_on" / "a.png").unlink()
    (there / "going_on" / "c.png").write_bytes(b"mine")
    assert stylize(*NETWORK, "--output=going_on", "--skip_existing", "--json=going_on.json") == 0
    assert "Wrote 1 of 1 pictures to going_on" in capfd.readouterr().err
    assert np.abs(levels("going_on/a.png") - before).max() <= 1
    assert (there / "going_on" / "c.png").read_bytes() == b"mine"
    record = json.loads((there / "going_on.json").read_text())
    assert [row["name"] for row in record["pictures"]] == ["a.jpg"]
    assert set(record["skipped"]) == PICTURES.keys() - {"a.jpg"}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_whole_pictures_and_says_how_to_go_on(there, number):
    output = f"stopped_{number}"
    flags = [*OPTIMIZE, "--num_steps=600", "--batch_size=1", f"--output={output}", f"--json={output}.json"]
    process = command.fork(["stylize", "--content=photos", *flags], there)
    deadline = time.monotonic() + SECONDS
    while not (there / output / "a.png").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    for _ in range(2):  # of one who is impatient
        process.send_signal(number)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (130, ""), stderr
    assert "Traceback" not in stderr
    last = stderr.splitlines()[-1]
    assert last.startswith("Interrupted: ")
    assert f"of 6 pictures are in {output}; to resume, repeat the command with --skip_existing." in last
    written = files_in(there / output)
    assert "a.png" in written
    assert len(written) < len(PICTURES)
    for name in written:
        images.read_image(there / output / name)
    record = json.loads((there / f"{output}.json").read_text())
    assert record["complete"] is False
    assert {target(row["name"]) for row in record["pictures"]} == written


@pytest.mark.slow
def test_an_interruption_before_the_first_picture_leaves_nothing(there):
    process = command.start(["stylize", "--content=photos", *OPTIMIZE, "--output=early"], there)
    maps = Path(f"/proc/{process.pid}/maps")
    if not maps.exists():
        process.kill()
        pytest.skip("this system does not show what a process has loaded")
    while process.poll() is None and "libtensorflow_framework" not in maps.read_text():
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (130, ""), stderr
    assert "Traceback" not in stderr
    assert not (there / "early").exists()

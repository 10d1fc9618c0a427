"""A folder or a manifest shared between processes, one for each device."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
import tensorflow as tf

from tests import command
from tests.jobs.folder.photos import NETWORK, OPTIMIZE, PICTURES, SECONDS, files_in, stylize, target
from tests.materials import assert_one_sentence
from tf_style import images
from tf_style.cli.main import main
from tf_style.jobs.folder import devices
from tf_style.jobs.folder.report import FolderReport
from tf_style.jobs.folder.share import Share
from tf_style.jobs.run.interruption import Interruption


def test_shares_are_even_and_add_up():
    """Also over many small plans, such as a manifest's with a style for each row."""
    shares = [Share(index, 3) for index in range(3)]
    plans = ["abcd", "e", "f", "", "g", "hi"]
    found = [[piece for plan in plans for piece in share.of(plan)] for share in shares]
    assert sorted(sum(found, [])) == sorted("".join(plans))
    assert [len(pieces) for pieces in found] == [3, 3, 3]


@pytest.mark.slow
def test_two_processes_paint_what_one_does(there):
    photos = there / "some"
    photos.mkdir()
    for number, (height, width) in enumerate([(36, 48), (48, 36), (36, 48)]):
        command.write_picture(photos / f"{number}.png", height, width, seed=number)
    (photos / "bad.jpg").write_text("This is no picture.")
    assert stylize(*NETWORK, "--output=one", content="some") == 1
    assert (
        stylize(*NETWORK, "--output=two", "--devices=cpu,cpu", "--batch_size=1", "--json=two.json", content="some") == 1
    )
    assert files_in(there / "two") == {"0.png", "1.png", "2.png"}
    for name in files_in(there / "two"):
        assert (there / "two" / name).read_bytes() == (there / "one" / name).read_bytes()
    rows = json.loads((there / "two.json").read_text())["pictures"]
    assert [(row["name"], row["error"] is None) for row in rows] == [
        ("0.png", True), ("1.png", True), ("2.png", True), ("bad.jpg", False),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_manifest_between_two_processes(there, capfd):
    rows = [{"content": f"photos/{name}", "style": "a"} for name in ("a.jpg", "b.png")]
    rows.append({"content": "photos/c.webp", "style": "unknown"})
    (there / "jobs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    flags = [flag for flag in NETWORK if not flag.startswith("--style")]
    assert main(["stylize", "--manifest=jobs.jsonl", "--output=rows", "--devices=cpu,cpu", *flags]) == 1
    assert files_in(there / "rows") == {"a.png", "b.png"}
    lines = capfd.readouterr().err.splitlines()
    assert sum("unknown" in line for line in lines) == 1  # only one of the processes says so
    assert sum(line.startswith("Network ") for line in lines) == 1


@pytest.mark.slow
def test_an_interruption_stops_all_processes(there):
    flags = [*OPTIMIZE, "--num_steps=600", "--batch_size=1", "--output=stopped", "--devices=cpu,cpu"]
    process = command.start(["stylize", "--content=photos", *flags], there)
    deadline = time.monotonic() + SECONDS
    while not files_in(there / "stopped") and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    for _ in range(2):  # of one who is impatient
        process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (130, ""), stderr
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("Interrupted: ")
    written = files_in(there / "stopped")
    assert written < {target(name) for name in PICTURES}
    for name in written:
        images.read_image(there / "stopped" / name)


def _killed(report, share):
    del report, share
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_process_that_is_killed(tmp_path):
    """As by a system that has run out of memory."""
    report = FolderReport(1, [], str(tmp_path), quiet=True)
    with Interruption() as interruption, pytest.raises(OSError, match="ended with status -9; if it ran out") as caught:
        devices.paint_on_devices(_killed, ["cpu"], report, interruption)
    assert_one_sentence(caught.value)


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "given", "part"),
    [
        ("photos", "first", "but 'first' was given"),
        ("photos", "-1", "but '-1' was given"),
        ("photos/a.jpg", "0,1", "--devices is for folders, but --content=photos/a.jpg is not one"),
    ],
)
def test_refused(there, capfd, content, given, part):
    assert stylize(*NETWORK, f"--devices={given}", "--output=refused.png", content=content) == 2
    assert part in capfd.readouterr().err
    assert not Path("refused.png").exists()


@pytest.mark.slow
@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="this machine has GPUs")
def test_a_gpu_that_is_not_there(there, capfd):
    assert stylize(*NETWORK, "--devices=0", "--output=no_gpu") == 2
    assert "--devices names GPU 0, counted from 0, but TensorFlow finds no such GPU" in capfd.readouterr().err
    assert not (there / "no_gpu").exists()


def test_places_among_the_visible_gpus(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [devices._visible(device) for device in ("0", "3", "cpu")] == ["0", "3", "-1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert [devices._visible(device) for device in ("0", "1", "cpu")] == ["2", "5", "-1"]
    with pytest.raises(ValueError, match="names GPU 2, counted from 0, but CUDA_VISIBLE_DEVICES shows 2"):
        devices._visible("2")

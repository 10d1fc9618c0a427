"""Runs that are killed or interrupted, and gone on with: they end in the bytes of a run that never stopped."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests import command
from tf_style.images import read_image
from tf_style.jobs.picture.session import Session

pytestmark = pytest.mark.slow

COMMAND = ("stylize", "--content=content.png", "--style=style.jpg", *command.SHORT, "--checkpoint_dir=state")
ADAM = (*COMMAND, "--min_size=34", "--scale_factor=1.1", "--num_steps=60", "--init=noise", "--checkpoint_seconds=0")
#: One layer: tracing the line search takes long enough.
LAYER = ("--content_layers=conv1_1", "--style_layers=conv1_1")
LBFGS = (*COMMAND, *LAYER, "--optimizer=lbfgs", "--num_steps=40", "--checkpoint_seconds=0")
#: Ends by itself only if the signal is lost.
ENDLESS = (*COMMAND, "--num_steps=1000000")
STATE = "state/state.npz"
SECONDS = 200  # longer than any of these runs takes on a slow machine


def _folder(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp(name)
    command.write_picture(folder / "content.png", 45, 60)
    command.write_picture(folder / "style.jpg", 40, 40, seed=1)
    return folder


def _meta(folder):
    """What a checkpoint says of itself: identity, scale and history; None before there is one."""
    try:
        with np.load(folder / STATE) as archive:
            return json.loads(str(archive["meta"]))
    except FileNotFoundError:
        return None


def _stop(arguments, folder, number, step=1, scale=0):
    """Runs the command, and sends the signal once a checkpoint is at the given step (over all scales) and scale."""
    process = command.fork([*arguments, "--output=out.png"], folder)
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        meta = _meta(folder)
        if meta is not None and meta["scale"] >= scale and meta["history"][-1]["step"] >= step:
            process.send_signal(number)
            break
        time.sleep(0.005)
    stdout, stderr = process.communicate(timeout=SECONDS)
    return command.Outcome(process.returncode, stdout, stderr)


def _step(folder):
    return _meta(folder)["history"][-1]["step"]


# --- Adam, two scales -------------------------------------------------------------------------------------------------

BROKEN = ("empty", "cut", "short", "text", "damaged", "foreign")


def _write_broken(folder, state):
    """Checkpoints that are none, each in a folder of its own."""
    damaged = bytearray(state)
    damaged[len(state) // 2] ^= 0xFF
    cut, short = state[: len(state) // 2], state[:2]
    for name, data in zip(BROKEN, (b"", cut, short, b"No checkpoint.\n", bytes(damaged), b""), strict=True):
        (folder / name).mkdir()
        (folder / name / "state.npz").write_bytes(data)
    np.savez(folder / "foreign" / "state.npz", meta=np.array("[1]"))


@pytest.fixture(scope="module")
def adam(tmp_path_factory):
    """One run that is stopped twice, one that never is, and refusals: {what: (outcome, step, picture by then)}."""
    folder = _folder(tmp_path_factory, "adam")
    output, state = folder / "out.png", folder / STATE
    found = {}
    for what, number, step, scale in [("killed", signal.SIGKILL, 5, 0), ("interrupted", signal.SIGINT, 70, 1)]:
        outcome = _stop(ADAM, folder, number, step, scale)
        assert state.exists(), outcome
        found[what] = outcome, _step(folder), read_image(output).pixels if output.exists() else None
        output.unlink(missing_ok=True)
    left = state.parent / ".tf_style-abcd.npz"  # by a kill in the middle of saving
    left.touch()
    for path in state.parent.glob(left.name.replace("abcd", "*")):  # as the kill above may have left one, too
        os.utime(path, (0, 0))
    saved = state.read_bytes()
    _write_broken(folder, saved)
    command.write_picture(folder / "another.png", 45, 60, seed=9)
    again = [*ADAM, "--output=refused.png"]
    lines = {
        "other settings": [*again, "--style_weight=77"],
        "another content": [*again, "--content=another.png"],
        "other steps": [*again, "--num_steps=7"],
        **{name: [*again, f"--checkpoint_dir={name}"] for name in BROKEN},
    }
    outcomes = command.run_lines(lines, folder)
    assert state.read_bytes() == saved, "a refused command changed the checkpoint"
    lines = {"resumed": [*ADAM, "--output=out.png"]}
    lines["uninterrupted"] = [*ADAM, "--output=whole.png", "--checkpoint_dir=other"]
    lines["without checkpoint"] = [*ADAM, "--output=plain.png", "--checkpoint_dir="]
    outcomes |= command.run_lines(lines, folder)
    return folder, found | {what: (outcome, None, None) for what, outcome in outcomes.items()}


def test_adam_is_killed_in_the_middle(adam):
    outcome, step, picture = adam[1]["killed"]
    assert outcome.status == -signal.SIGKILL
    assert 5 <= step < 60
    assert picture is None


def test_ctrl_c_writes_the_picture_so_far_and_says_how_to_go_on(adam):
    outcome, step, picture = adam[1]["interrupted"]
    assert outcome.status == 130
    assert outcome.stdout == ""
    assert "Traceback" not in outcome.stderr
    *_, picture_line, state_line = outcome.stderr.splitlines()
    assert picture_line == f"Interrupted at step {step}: the picture so far is in out.png."
    assert "Repeat the same command to resume" in state_line
    assert STATE in state_line
    assert 70 <= step < 120
    assert picture.shape == (36, 48, 3)
    assert picture.std() > 0.01


def test_a_repeated_command_says_that_it_goes_on(adam):
    for what, before in [("interrupted", "killed"), ("resumed", "interrupted")]:
        first = adam[1][what][0].stderr.splitlines()[0]
        assert f"Resuming from step {adam[1][before][1]} in state." in first


def test_adam_ends_in_the_bytes_of_an_uninterrupted_run(adam):
    folder, found = adam
    assert [found[what][0].status for what in ("resumed", "uninterrupted", "without checkpoint")] == [0, 0, 0]
    assert "Resuming from step" in found["resumed"][0].stderr
    assert "Resuming" not in found["uninterrupted"][0].stderr
    whole = (folder / "whole.png").read_bytes()
    assert (folder / "out.png").read_bytes() == whole
    assert (folder / "plain.png").read_bytes() == whole, "saving changes nothing"


def test_after_success_the_checkpoint_is_gone(adam):
    folder, _ = adam
    assert list((folder / "state").iterdir()) == []
    assert not (folder / "other").exists(), "a folder that the run made and that is empty again"


# --- L-BFGS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lbfgs(tmp_path_factory):
    """An uninterrupted run, and one that goes on from a copy of its first checkpoint, as after a kill."""
    folder = _folder(tmp_path_factory, "lbfgs")
    steps = Session.steps

    def copied(session):
        for progress in steps(session):
            if progress.step == 10:
                shutil.copytree(folder / "other", folder / "state")
            yield progress

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "steps", copied)
        whole = command.run([*LBFGS, "--output=whole.png", "--json=whole.json", "--checkpoint_dir=other"], folder)
    return folder, whole, command.run([*LBFGS, "--output=out.png", "--json=out.json"], folder)


def test_lbfgs_ends_in_the_bytes_of_an_uninterrupted_run(lbfgs):
    folder, whole, resumed = lbfgs
    assert [whole.status, resumed.status] == [0, 0], resumed.stderr
    assert "Resuming from step 10 in state." in resumed.stderr
    assert (folder / "out.png").read_bytes() == (folder / "whole.png").read_bytes()


def test_the_record_of_a_resumed_run_is_that_of_the_whole_run(lbfgs):
    resumed, whole = (json.loads((lbfgs[0] / name).read_text()) for name in ("out.json", "whole.json"))
    assert resumed["history"] == whole["history"]
    assert resumed["losses"] == whole["losses"]
    assert resumed["steps"] == whole["steps"] == 40
    assert resumed["objective_evaluations"] == whole["objective_evaluations"] > 40


# --- refusals ---------------------------------------------------------------------------------------------------------


def _assert_refused(outcome):
    assert outcome.status == 2, outcome.stderr
    assert outcome.stderr.startswith("tf-style: ")
    assert outcome.stderr.count("\n") == 1, outcome.stderr


@pytest.mark.parametrize("name", ["other settings", "another content", "other steps"])
def test_the_checkpoint_of_another_run_is_refused(adam, name):
    folder, found = adam
    outcome, _, _ = found[name]
    _assert_refused(outcome)
    assert STATE in outcome.stderr
    assert "other pictures, settings or versions" in outcome.stderr
    assert not (folder / "refused.png").exists()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_checkpoint_is_refused(adam, name):
    folder, found = adam
    outcome, _, _ = found[name]
    _assert_refused(outcome)
    assert f"{name}/state.npz is not a checkpoint of tf-style" in outcome.stderr
    assert not (folder / "refused.png").exists()


# --- interruptions without a checkpoint, and without a picture --------------------------------------------------------


def test_without_a_checkpoint_sigterm_writes_the_picture_and_says_what_would_help(tmp_path_factory):
    folder = _folder(tmp_path_factory, "term")
    arguments = [*ENDLESS, "--checkpoint_dir=", "--output=so_far.png", "--save_every=1", "--min_size=34"]
    process = command.start([*arguments, "--scale_factor=1.1"], folder)
    deadline = time.monotonic() + SECONDS
    while not (folder / "so_far.png").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    for number in (signal.SIGTERM, signal.SIGINT):  # of one who is impatient
        process.send_signal(number)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (130, ""), stderr
    assert "Traceback" not in stderr
    *_, picture_line, advice = stderr.splitlines()
    assert "the picture so far is in so_far.png." in picture_line
    assert "--checkpoint_dir=DIR" in advice
    assert read_image(folder / "so_far.png").size == (36, 48), "the size of the result, though at the first scale"


@pytest.mark.parametrize("library", ["_multiarray_umath", "libtensorflow_framework"])
def test_an_interruption_before_the_first_step_leaves_nothing(tmp_path_factory, library):
    """While modules are imported, of which the process has just begun to map one."""
    folder = _folder(tmp_path_factory, "early")
    before = sorted(folder.iterdir())
    process = command.start([*ENDLESS, "--output=out.png"], folder)
    maps = Path(f"/proc/{process.pid}/maps")
    if not maps.exists():
        process.kill()
        pytest.skip("this system does not show what a process has loaded")
    while process.poll() is None and library not in maps.read_text():
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (130, ""), stderr
    assert stderr in ("", "Interrupted before the first step; nothing was written.\n")
    assert sorted(path for path in folder.iterdir() if path.name != "keras") == before

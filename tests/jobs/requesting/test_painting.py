"""`tf-style request`, against a server without a model: pictures, progress, deadlines and interruptions."""

import re
import signal
import subprocess
import sys
import time

import grpc
import numpy as np
import pytest
from PIL import Image

from tests import command
from tests.jobs.requesting.asking import FILES, expected, levels, line, painted
from tests.serving.client import fake_server
from tests.serving.client.fake_server import RefusalError, painting
from tf_style import images
from tf_style.cli.main import main

PAINTING = re.compile(r" ?\d+%  step \d+  loss [\d.e+-]+ \(content [\d.]+, style [\d.]+\)  (--:--|\d+:\d\d) left")


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", ["stylize", "serving_default", "stylize_bytes", "stylize_encoded"])
def test_a_painting(ask, server, signature):
    status, said = ask(f"--signature={signature}")
    assert (status, said) == (0, "Wrote out.png (0 s).\n")
    np.testing.assert_array_equal(painted(), expected())
    assert server.calls[-1][0] == signature
    assert len(server.calls) == (2 if signature == "stylize_encoded" else 1)


def test_only_given_options_are_sent(ask, server):
    ask()
    assert set(server.calls[-1][1]) == {"content", "style"}
    assert server.calls[-1][1]["content"].dtype == np.uint8
    assert server.calls[-1][1]["style"].shape == (1, 50, 40, 3), "as it is, as stylize takes it"
    ask("--num_steps=7", "--seed=0", "--content_weight=0", "--style_weight=2.5")
    sent = server.calls[-1][1]
    given = {name: sent[name].tolist() for name in set(sent) - {"content", "style"}}
    assert given == {"num_steps": [7], "seed": [0], "content_weight": [0.0], "style_weight": [2.5]}


@pytest.mark.parametrize("flags", [(), ("--signature=stylize_bytes",), ("--signature=stylize_encoded",)])
def test_a_style_by_name(ask, server, flags):
    assert ask("--style=", "--style_name=red", *flags)[0] == 0
    red = painting(levels("content.png")[None], np.array([[255.0, 0.0, 0.0]]), [1.0])[0]
    np.testing.assert_array_equal(painted(), red)


def test_a_style_by_name_over_rest(ask, server):
    with fake_server.rest(server) as address:
        assert ask("--rest", f"--server={address}", "--style=", "--style_name=red")[0] == 0
    red = painting(levels("content.png")[None], np.array([[255.0, 0.0, 0.0]]), [1.0])[0]
    np.testing.assert_array_equal(painted(), red)


def test_strength_is_sent(ask, server):
    ask("--style_strength=0.25")
    assert server.calls[-1][1]["style_strength"].tolist() == [0.25]
    ask()
    assert "style_strength" not in server.calls[-1][1]


def test_the_size_is_that_of_stylize(ask, server):
    assert ask("--size=0")[0] == 0
    assert painted().shape == (45, 60, 3)
    ask("--size=80")
    assert painted().shape == (60, 80, 3)


@pytest.mark.parametrize("name", ["out.jpg", "out.webp", "out.tif", "out.bmp", "new/folder/out.png"])
def test_formats_and_folders(ask, name):
    assert ask(f"--output={name}", "--quality=100")[0] == 0
    difference = painted(name).astype(int) - expected()
    assert np.abs(difference).mean() < (3 if name.endswith(("jpg", "webp")) else 1e-9)


@pytest.mark.parametrize("flags", [(), ("--advance_every=20",), ("--signature=stylize_bytes",)])
def test_alpha_is_kept(ask, folder, flags):
    assert ask("--content=alpha.png", *flags)[0] == 0
    picture = images.resize(images.read_image("alpha.png"), (36, 48))
    assert painted().shape == (36, 48, 4)
    np.testing.assert_array_equal(painted()[..., 3], images.to_uint8(picture.alpha))
    seen = painted()[..., 3] > 0  # what cannot be seen has the colours of its neighbours
    np.testing.assert_array_equal(painted()[seen][:, :3], expected("alpha.png")[seen])


def test_pictures_are_turned_upright(ask, folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open("content.png") as image:
        image.save("turned.png", exif=exif)
    assert ask("--content=turned.png", "--size=60")[0] == 0
    assert painted().shape == (60, 45, 3)


def test_a_server_with_a_size_of_its_own_is_pointed_out(ask, server):
    server.size = 64
    status, said = ask("--signature=stylize_bytes", "--content=alpha.png")
    assert status == 0
    assert said.startswith("The server paints at its own size, 64x64 instead of 48x36.\n")
    assert painted().shape == (64, 64, 4)


def test_the_model_is_named(ask, server):
    ask("--model_version=3")
    assert server.specs[-1].version.value == 3
    ask("--version_label=stable")
    assert (server.specs[-1].name, server.specs[-1].version_label) == ("tf_style", "stable")
    status, said = ask("--model_name=other")
    assert status == 1
    assert "NOT_FOUND (Servable not found for request: Latest(other)); check the model's name and version" in said


def test_quiet_says_nothing(ask):
    assert ask("--quiet") == (0, "")
    assert ask("--quiet", "--advance_every=5") == (0, "")


# --- progress ---------------------------------------------------------------------------------------------------------


def test_calls_of_some_steps_make_the_same_picture(ask, server):
    status, said = ask("--advance_every=6", "--num_steps=15")
    assert status == 0
    np.testing.assert_array_equal(painted(), expected())
    assert [name for name, _ in server.calls] == ["start", "advance", "advance", "advance"]
    assert server.calls[0][1]["num_steps"].tolist() == [15]
    *progress, last = said.splitlines()
    assert last == "Wrote out.png (0 s)."
    assert len(progress) == 2, "the first call and the last; between them 10 seconds have to pass"
    for text in progress:
        assert PAINTING.fullmatch(text), text
    assert progress[0].startswith(" 40%  step 6  loss 3.2 ")
    assert progress[1].startswith("100%  step 15  loss 2 ")
    assert progress[1].endswith("0:00 left")


def _watch(server, path, after=None):
    """What lies at the path at each call of `advance`; refuses at call number `after`."""
    seen = []

    def refuse(signature, number):
        if signature == "advance":
            seen.append(painted(path) if path.exists() else None)
            if number == after:
                return RefusalError(grpc.StatusCode.INTERNAL, "out of memory")
        return None

    server.refuse = refuse
    return seen


def test_previews_are_written_after_each_call(ask, server, folder):
    seen = _watch(server, folder / "out.png")
    assert ask("--advance_every=5", "--previews")[0] == 0
    assert seen[0] is None
    for image, share in zip(seen[1:], (0.25, 0.5, 0.75), strict=True):
        np.testing.assert_array_equal(image, expected(share=share))
    np.testing.assert_array_equal(painted(), expected())


def test_without_previews_the_output_comes_last(ask, server, folder):
    seen = _watch(server, folder / "out.png")
    assert ask("--advance_every=5")[0] == 0
    assert seen == [None] * 4


@pytest.mark.parametrize("flags", [(), ("--quiet",)])
def test_a_failure_midway_keeps_the_picture_so_far(ask, server, folder, flags):
    _watch(server, folder / "out.png", after=3)
    status, said = ask("--advance_every=5", *flags)
    assert status == 1
    last = said.splitlines()[-1]
    assert last.startswith(f"tf-style: {server.address} answered INTERNAL (out of memory); the server's log")
    assert last.endswith("Stopped at step 10: the picture so far is in out.png.")
    np.testing.assert_array_equal(painted(), expected(share=0.5))


def test_a_failure_at_the_start_writes_nothing(ask, server, folder):
    server.refuse = lambda signature, number: RefusalError(grpc.StatusCode.INTERNAL, "out of memory")
    status, said = ask("--advance_every=5")
    assert (status, said.count("\n")) == (1, 1)
    assert not (folder / "out.png").exists()


def test_a_server_that_goes_away_midway(folder, capsys):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.serving.client.fake_server", "3"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=command.ROOT,
    )
    address = process.stdout.readline().strip()
    status = main(["request", f"--server={address}", *FILES, "--advance_every=5"])
    assert process.wait(30) == 0
    process.stdout.close()
    said = capsys.readouterr().err.splitlines()[-1]
    assert status == 1
    assert f"tf-style: {address} " in said
    assert "UNAVAILABLE" in said
    assert said.endswith("Stopped at step 10: the picture so far is in out.png.")
    np.testing.assert_array_equal(painted(), expected(share=0.5))


# --- deadlines and interruptions --------------------------------------------------------------------------------------


def test_the_deadline_of_one_call(ask, server, folder):
    server.delay = 3
    started = time.monotonic()
    status, said = ask("--deadline=0.2")
    assert time.monotonic() - started < 2.5
    assert (status, said.count("\n")) == (1, 1)
    assert "did not answer in time, DEADLINE_EXCEEDED" in said
    assert not (folder / "out.png").exists()


def test_the_deadline_of_all_calls_keeps_the_picture_so_far(ask, server, folder):
    server.delay = 0.3
    status, said = ask("--deadline=1.5", "--advance_every=1")
    assert status == 1
    found = re.search(r"DEADLINE_EXCEEDED .*Stopped at step (\d+): the picture so far is in out.png.\n$", said)
    assert found, said
    np.testing.assert_array_equal(painted(), expected(share=int(found[1]) / fake_server.STEPS))


def _wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def _interrupted(server, folder, wanted, *flags, number=signal.SIGINT):
    """A process that is interrupted as soon as the server has had that many calls; its status and its last line."""
    process = command.start(line(server, *flags), folder)
    _wait_for(lambda: len(server.calls) >= wanted or process.poll() is not None)
    process.send_signal(number)
    started = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - started < 5, "the call under way is given up"
    assert out == ""
    assert "Traceback" not in err
    assert process.returncode >= 0, err
    return process.returncode, err.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_the_picture_so_far(server, folder, number):
    def slow(signature, count):  # the third call hangs
        server.delay = 8 if (signature, count) == ("advance", 3) else 0

    server.refuse = slow
    status, said = _interrupted(server, folder, 4, "--advance_every=5", number=number)
    assert (status, said) == (130, "Interrupted at step 10: the picture so far is in out.png.")
    np.testing.assert_array_equal(painted(), expected(share=0.5))


@pytest.mark.parametrize("flags", [(), ("--advance_every=5",)])
def test_ctrl_c_before_there_is_a_picture(server, folder, flags):
    server.delay = 8
    status, said = _interrupted(server, folder, 1, *flags)
    assert status == 130, said
    assert said.startswith("Interrupted before the ")
    assert said.endswith("nothing was written.")
    assert not (folder / "out.png").exists()

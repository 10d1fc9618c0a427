"""`tf-style request`, against a server without a model: pictures, progress, interruptions, refusals."""

import dataclasses
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
from tests.serving.client import fake_server
from tests.serving.client.fake_server import FakeServer, RefusalError, painting
from tf_style import images
from tf_style.cli.main import main
from tf_style.config import RequestOptions

PAINTING = re.compile(r" ?\d+%  step \d+  loss [\d.e+-]+ \(content [\d.]+, style [\d.]+\)  (--:--|\d+:\d\d) left")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")


@pytest.fixture
def server():
    server = FakeServer()
    yield server
    server.stop()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with pictures in it."""
    command.write_picture(tmp_path / "content.png", 45, 60)  # 4:3, sent as 48 x 36
    command.write_picture(tmp_path / "style.jpg", 50, 40, seed=1)
    command.write_picture(tmp_path / "alpha.png", 45, 60, seed=3, mode="RGBA")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FILES = ["--content=content.png", "--style=style.jpg", "--output=out.png", "--size=48"]


def line(server, *flags):
    return ["request", f"--server={server.address}", *FILES, *flags]


@pytest.fixture
def ask(server, folder, capsys):
    """Runs a command line; returns its status, and what it said (nothing goes to standard output)."""

    def ask(*flags):
        status = main(line(server, *flags))
        out, err = capsys.readouterr()
        assert out == ""
        return status, err

    return ask


def levels(path, size=(36, 48)):
    """A picture as it is sent."""
    return images.to_uint8(images.resize(images.read_image(path), size).pixels)


def expected(content="content.png", share=1.0, size=(36, 48)):
    """What the server makes of it."""
    style = images.to_uint8(images.read_image("style.jpg").pixels)
    return painting(levels(content, size)[None], style.mean(axis=(0, 1))[None], [share])[0]


def painted(path="out.png"):
    with Image.open(path) as image:
        return np.asarray(image)


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
    assert "NOT_FOUND (Servable not found for request: Latest(other)); check the name" in said


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


# --- refusals by the server -------------------------------------------------------------------------------------------

#: Status code -> (the server's text, exit status, what the sentence holds).
ERRORS = {
    "INVALID_ARGUMENT": ("num_steps must be at most 9", 2, "num_steps must be at most 9"),
    "NOT_FOUND": ("Servable not found", 1, "check the name and the version"),
    "FAILED_PRECONDITION": ('Serving signature key "stylize" not found.', 1, "an export of tf-style?"),
    "RESOURCE_EXHAUSTED": ("Received message larger than max", 1, "smaller pictures"),
    "DEADLINE_EXCEEDED": ("Timed out waiting for notification", 1, "allow more time"),
    "INTERNAL": ("boom", 1, "boom"),
}


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize("flags", [(), ("--advance_every=5",), ("--quiet",)])
def test_every_status_is_one_sentence(ask, server, folder, code, flags):
    text, wanted, part = ERRORS[code]
    server.refuse = lambda signature, number: RefusalError(grpc.StatusCode[code], text)
    status, said = ask(*flags)
    assert status == wanted
    assert said.startswith(f"tf-style: {server.address} ")
    assert code in said
    assert part in said
    assert said.count("\n") == 1
    assert not (folder / "out.png").exists()


def test_nobody_listens(ask, server):
    server.stop()
    status, said = ask("--deadline=0.5")
    assert status == 1
    assert said.startswith(f"tf-style: {server.address} cannot be reached, UNAVAILABLE (")
    assert said.count("\n") == 1


def test_a_limit_of_message_size_on_the_way(folder, capsys):
    server = FakeServer(max_bytes=1000)
    assert main(line(server)) == 1
    server.stop()
    assert "RESOURCE_EXHAUSTED" in capsys.readouterr().err


# --- refusals before the server is asked ------------------------------------------------------------------------------

# name -> (flags over those that would work, what the sentence must hold)
REFUSALS = {
    "missing content": (["--content=contnet.png"], ["'contnet.png' does not exist", "did you mean 'content.png'?"]),
    "missing style": (["--style=nowhere.jpg"], ["'nowhere.jpg' does not exist"]),
    "not a picture": (["--content=text.jpg"], ["'text.jpg' is not a picture"]),
    "small": (["--content=tiny.png"], ["at least 32"]),
    "small result": (["--size=33"], ["at least 32"]),
    "too many pixels": (["--max_pixels=2000"], ["60 x 45", "2,000"]),
    "large result": (["--size=4000", "--max_pixels=5000"], ["max_pixels=5000", "--size"]),
    "suffix": (["--output=out.pgn"], ["'.pgn'", "did you mean 'out.png'?"]),
    "output is the content": (["--output=content.png"], ["--output=content.png is also an input"]),
    "no server": (["--server="], ["--server must be given", "--server=localhost:8500"]),
    "no port": (["--server=localhost"], ["names no port", "localhost:8500"]),
    "no REST port": (["--server=localhost", "--rest"], ["names no port", "localhost:8501"]),
    "a URL without REST": (["--server=http://localhost:8501"], ["HTTP address", "--rest"]),
    "version and label": (["--model_version=1", "--version_label=stable"], ["give one of them"]),
    "negative version": (["--model_version=-1"], ["model_version", "at least 0"]),
    "signature": (["--signature=stylise"], ["'stylise'", "Did you mean 'stylize'?"]),
    "REST in calls": (["--rest", "--advance_every=5"], ["--advance_every cannot be used with --rest", "JSON"]),
    "REST with an option": (["--rest", "--num_steps=5"], ["--num_steps cannot be sent with --rest", "stylize_bytes"]),
    "REST with options": (["--rest", "--seed=0", "--style_weight=1"], ["--seed, --style_weight cannot be sent"]),
    "REST and signature": (["--rest", "--signature=stylize_encoded"], ["cannot be used with --rest"]),
    "bytes with an option": (["--signature=stylize_bytes", "--seed=1"], ["--seed cannot be sent to stylize_bytes"]),
    "signature in calls": (["--signature=stylize_encoded", "--advance_every=5"], ["start and advance"]),
    "previews of one call": (["--previews"], ["--previews needs --advance_every"]),
    "negative calls": (["--advance_every=-1"], ["advance_every", "at least 0"]),
    "negative deadline": (["--deadline=-1"], ["deadline", "at least 0"]),
    "deadline without end": (["--deadline=inf"], ["deadline", "finite"]),
    "two styles": (["--style_name=red"], ["--style and --style_name were both given"]),
    "named style in calls": (
        ["--style=", "--style_name=red", "--advance_every=5"],
        ["--style_name cannot be used with --advance_every"],
    ),
    "strength in calls": (
        ["--style_strength=0.5", "--advance_every=5"],
        ["--style_strength cannot be used with --advance_every"],
    ),
    "strength over REST": (["--style_strength=0.5", "--rest"], ["--style_strength cannot be sent with --rest"]),
    "large strength": (["--style_strength=1.5"], ["style_strength must be 0 to 1", "1.5"]),
    "negative weight": (["--style_weight=-0.5"], ["style_weight must be at least 0", "-0.5"]),
    "no weight": (["--content_weight=nan"], ["content_weight", "finite"]),
    "large seed": (["--seed=3000000000"], ["seed", "2^31"]),
    "no number": (["--num_steps=many"], ["num_steps", "whole number", "'many'"]),
    "quality": (["--quality=101"], ["1 to 100"]),
    "certificates without TLS": (
        ["--ca_file=a.pem", "--key_file=b.pem"],
        ["--key_file can only be used with --tls"],
    ),
    "half a certificate": (["--tls", "--cert_file=content.png"], ["belong together"]),
    "missing certificate": (["--tls", "--ca_file=nowhere.pem"], ["--ca_file=nowhere.pem cannot be read"]),
    "TLS over plain HTTP": (["--tls", "--rest", "--server=http://localhost:1"], ["write https://"]),
    "no certificate": (["--tls", "--rest", "--ca_file=text.jpg"], ["certificates cannot be used"]),
    "unknown flag": (["--sever=x:1"], ["'sever'", "Did you mean: seed, server"]),
    "no flag": (["content.png"], ["'content.png'", "--help"]),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_is_refused_in_one_sentence_before_the_server_is_asked(ask, server, folder, name):
    command.write_picture(folder / "tiny.png", 31, 64)
    (folder / "text.jpg").write_text("no picture")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    flags, parts = REFUSALS[name]
    status, said = ask(*flags)
    assert status == 2
    assert said.startswith("tf-style: ")
    assert said.count("\n") == 1
    for part in parts:
        assert part in said
    assert server.calls == []
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


# --- REST and TLS -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{}", "http://{}", "http://{}/"])
def test_rest(ask, server, form):
    with fake_server.rest(server) as address:
        status, said = ask(f"--server={form.format(address)}", "--rest", "--content=alpha.png")
    assert (status, said) == (0, "Wrote out.png (0 s).\n")
    assert painted().shape == (36, 48, 4)
    seen = painted()[..., 3] > 0  # what cannot be seen has the colours of its neighbours
    np.testing.assert_array_equal(painted()[seen][:, :3], expected("alpha.png")[seen])
    assert server.calls[-1][0] == "stylize_bytes"


def test_rest_errors(ask, server):
    with fake_server.rest(server) as address:
        server.refuse = lambda signature, number: RefusalError(grpc.StatusCode.NOT_FOUND, "Servable not found")
        status, said = ask(f"--server={address}", "--rest")
    assert (status, said.count("\n")) == (1, 1)
    assert f"{address} answered NOT_FOUND (HTTP 404: Servable not found); check the name" in said


def test_tls(folder, capsys, tmp_path_factory):
    cert, key = fake_server.certificate(tmp_path_factory.mktemp("tls"))
    with open(cert, "rb") as cert_file, open(key, "rb") as key_file:
        pair = key_file.read(), cert_file.read()
    server = FakeServer(grpc.ssl_server_credentials([pair], root_certificates=pair[1], require_client_auth=True))
    flags = ["--tls", f"--ca_file={cert}", f"--cert_file={cert}", f"--key_file={key}"]
    assert main(line(server, *flags)) == 0
    np.testing.assert_array_equal(painted(), expected())
    server.stop()


# --- as a program -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Command lines in one process of their own, from the lightest to the heaviest."""
    folder = tmp_path_factory.mktemp("programs")
    command.write_picture(folder / "content.png", 45, 60)
    command.write_picture(folder / "style.jpg", 50, 40, seed=1)
    tls = fake_server.certificate(tmp_path_factory.mktemp("tls"))
    server = FakeServer()
    try:
        with fake_server.rest(server) as address:
            lines = {
                "help": ["request", "--help"],
                "bad flag": line(server, "--size=many"),
                "bad picture": line(server, "--content=nowhere.png"),
                "REST": [*line(server), f"--server={address}", "--rest", "--output=rest.png"],
                "one call": line(server),
                "calls": line(server, "--advance_every=5", "--output=calls.png"),
                "wrong TLS": line(server, "--tls", f"--ca_file={tls[0]}", "--deadline=0.3"),
            }
            yield command.run_lines(lines, folder, fresh=True, no_proxy="127.0.0.1"), folder
    finally:
        server.stop()


def test_help(programs):
    outcome = programs[0]["help"]
    assert (outcome.status, outcome.stderr, outcome.modules) == (0, "", ())
    assert outcome.stdout.startswith("usage: tf-style request --server=")
    for field in dataclasses.fields(RequestOptions):
        assert outcome.stdout.count(f"  --{field.name} ") + outcome.stdout.count(f"  --[no]{field.name} ") == 1
    assert "(stylize|serving_default|stylize_bytes|stylize_encoded) [stylize]" in outcome.stdout


@pytest.mark.parametrize("name", ["help", "bad flag", "bad picture", "REST", "one call", "calls", "wrong TLS"])
def test_tensorflow_is_never_loaded(programs, name):
    assert not {"tensorflow", "keras"} & set(programs[0][name].modules)
    assert programs[0][name].stdout == "" or name == "help"


def test_whole_requests_as_a_program(programs, monkeypatch):
    outcomes, folder = programs
    for name, path in (("REST", "rest.png"), ("one call", "out.png"), ("calls", "calls.png")):
        assert outcomes[name].status == 0, outcomes[name].stderr
        assert re.fullmatch(rf"Wrote {path} \(\d+ s\)\.", outcomes[name].stderr.splitlines()[-1])
        assert painted(folder / path).shape == (36, 48, 3)
    assert (
        (folder / "rest.png").read_bytes() == (folder / "out.png").read_bytes() == (folder / "calls.png").read_bytes()
    )


def test_grpc_does_not_talk_to_users(programs):
    outcome = programs[0]["wrong TLS"]
    assert outcome.status == 1
    assert outcome.stderr.startswith("tf-style: 127.0.0.1:")
    assert outcome.stderr.count("\n") == 1

"""What a server refuses, and what is refused before it is asked: one sentence each."""

import grpc
import pytest

from tests import command
from tests.jobs.requesting.asking import line
from tests.serving.client.fake_server import FakeServer, RefusalError
from tf_style.cli.main import main

# --- by the server ----------------------------------------------------------------------------------------------------

#: Status code -> (the server's text, exit status, what the sentence holds).
ERRORS = {
    "INVALID_ARGUMENT": ("num_steps must be at most 9", 2, "num_steps must be at most 9"),
    "NOT_FOUND": ("Servable not found", 1, "check the model's name and version"),
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


# --- before the server is asked ---------------------------------------------------------------------------------------

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
    "words and a style": (["--style_text=sea"], ["style=style.jpg and style_text were both given"]),
    "words for a signature": (["--style=", "--signature=stylize_text"], ["--style must be given"]),
    "a style for the signature of words": (["--signature=stylize_text"], ["sends --style_text"]),
    "a library for words of the server": (
        ["--style=", "--style_text=sea", "--signature=stylize_text", "--style_library=x"],
        ["style_library is for words that are looked up here"],
    ),
    "an option with words": (
        ["--style=", "--style_text=sea", "--signature=stylize_text", "--style_strength=1"],
        ["--style_strength cannot be sent to stylize_text"],
    ),
    "several styles in calls": (["--style=style.jpg,content.png", "--advance_every=5"], ["give one style"]),
    "shares": (["--style_blend=1,2"], ["style_blend has 2 shares for 1 styles"]),
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
    "given twice": (["other.png"], ["content was given twice, as 'other.png' and as --content=content.png"]),
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

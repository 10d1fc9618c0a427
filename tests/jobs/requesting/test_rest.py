"""`tf-style request` over REST and TLS, and as a program."""

import dataclasses
import re

import grpc
import numpy as np
import pytest

from tests import command
from tests.jobs.requesting.asking import expected, line, painted
from tests.serving.client import fake_server
from tests.serving.client.fake_server import FakeServer, RefusalError
from tf_style.cli.main import main
from tf_style.config import RequestOptions

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
    assert f"{address} answered NOT_FOUND (HTTP 404: Servable not found); check the model's name and version" in said


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
    assert "(stylize|serving_default|stylize_bytes|stylize_encoded|stylize_text) [stylize]" in outcome.stdout


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

"""The gRPC client when the server refuses, is away or is late, and over TLS."""

import time
from pathlib import Path

import grpc
import numpy as np
import pytest

from tests.serving.client import fake_server
from tests.serving.client.fake_server import FakeServer, RefusalError, whole
from tf_style.config import ConfigError
from tf_style.serving.client import Client
from tf_style.serving.client.certificates import Certificates
from tf_style.serving.client.errors import ServerError
from tf_style.serving.wire.tensors import to_tensor

#: Status code -> (the server's text, the advice).
ERRORS = {
    "INVALID_ARGUMENT": ("num_steps must be in [1, 1000]", "change the request"),
    "NOT_FOUND": ("Servable not found for request: Latest(x)", "check the model's name and version"),
    "FAILED_PRECONDITION": ('Serving signature key "stylize" not found.', "is it an export of tf-style?"),
    "RESOURCE_EXHAUSTED": ("Received message larger than max (9 vs. 4)", "smaller pictures"),
    "DEADLINE_EXCEEDED": ("Timed out waiting for notification", "allow more time, or ask for less"),
    "UNIMPLEMENTED": ("", "is this the port of a model server?"),
    "INTERNAL": ("XLA compilation disabled", "the server's log"),
    "UNAUTHENTICATED": ("no token", "other credentials"),
    "PERMISSION_DENIED": ("no", "other credentials"),
    "CANCELLED": ("", "ask again"),
    "ABORTED": ("line one\nline two", "the server's log"),
}


@pytest.mark.parametrize("code", ERRORS)
def test_every_status_is_one_sentence(server, client, pair, code):
    text, advice = ERRORS[code]
    server.refuse = lambda signature, number: RefusalError(grpc.StatusCode[code], text)
    with pytest.raises(ServerError) as caught:
        client.stylize(*pair)
    error = caught.value
    assert (error.server, error.code, error.details) == (server.address, code, text)
    assert str(error).startswith(f"{server.address} ")
    for part in (code, " ".join(text.split()).rstrip("."), advice):
        assert part in str(error)
    assert "\n" not in str(error)
    assert str(error)[-1] in ".?"
    assert server.count("stylize") == 1, "only UNAVAILABLE is tried again"


def test_where_in_the_graph_is_left_out():
    error = ServerError("host:1", "INVALID_ARGUMENT", "too large\n\t [[{{node Assert/Assert}}]]")
    assert str(error) == "host:1 answered INVALID_ARGUMENT (too large); change the request accordingly."
    assert error.details.endswith("]]")


def test_an_overloaded_server_is_told_from_a_limit():
    assert "try again later" in str(ServerError("host:1", "RESOURCE_EXHAUSTED", "queue full"))


def test_nobody_listens(pair):
    server = FakeServer()
    server.stop()
    with Client(server.address, deadline=0.5) as client, pytest.raises(ServerError) as caught:
        client.stylize(*pair)
    assert caught.value.code == "UNAVAILABLE"
    assert f"{server.address} cannot be reached, UNAVAILABLE" in str(caught.value)
    assert "check the address" in str(caught.value)


def test_a_server_that_is_not_ready_is_asked_again(server, client, pair):
    unavailable = RefusalError(grpc.StatusCode.UNAVAILABLE, "loading")
    server.refuse = lambda signature, number: unavailable if number < 3 else None
    np.testing.assert_array_equal(client.stylize(*pair), whole(*pair))
    server.refuse = lambda signature, number: unavailable
    with pytest.raises(ServerError, match="answered UNAVAILABLE"):
        client.stylize(*pair)
    assert server.count("stylize") == 4, "after the first answer, a lost server is lost"


def test_retries_end(server, client, pair):
    server.refuse = lambda signature, number: RefusalError(grpc.StatusCode.UNAVAILABLE, "loading")
    started = time.monotonic()
    with pytest.raises(ServerError, match="loading"):
        client.stylize(*pair)
    assert server.count("stylize") == 4
    assert time.monotonic() - started < 3


def test_retries_end_with_the_deadline(server, pair):
    server.refuse = lambda signature, number: RefusalError(grpc.StatusCode.UNAVAILABLE, "loading")
    started = time.monotonic()
    with Client(server.address, deadline=0.4) as client, pytest.raises(ServerError, match="loading"):
        client.stylize(*pair)
    assert server.count("stylize") == 2
    assert time.monotonic() - started < 1.2


def test_the_deadline_is_sent_and_kept(server, pair):
    server.delay = 3
    started = time.monotonic()
    with Client(server.address, deadline=0.2) as client, pytest.raises(ServerError, match="did not answer in time"):
        client.stylize(*pair)
    assert time.monotonic() - started < 2.5
    assert 0 < server.deadlines[0] <= 0.25  # two clocks and a header in whole units lie between


def test_the_deadline_of_a_run_is_for_all_its_calls(server, pair):
    server.delay = 0.3
    seen = []
    with Client(server.address, deadline=1.35) as client, pytest.raises(ServerError) as caught:
        list(client.run(*pair, every=1, on_step=seen.append))
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert 1 <= len(seen) <= 4
    assert server.deadlines[-1] < server.deadlines[0]


@pytest.mark.parametrize("deadline", [0, -1, float("nan")])
def test_a_deadline_is_positive(deadline):
    with pytest.raises(ValueError, match="positive number of seconds"):
        Client("localhost:1", deadline=deadline)


def test_answers_of_another_kind_are_one_sentence(server, client, pair):
    server.answer = lambda model, signature, inputs: {"other": np.zeros(1)}
    with pytest.raises(ServerError, match="the answer holds other, but no image"):
        client.stylize(*pair)
    with pytest.raises(ServerError, match="no steps|no image"):
        next(client.run(*pair))


def test_a_malformed_tensor_is_one_sentence(server, client, pair, monkeypatch):
    spoiled = to_tensor(np.zeros(1, np.uint8))
    spoiled.ClearField("tensor_content")
    spoiled.int_val.append(b"\1\2")
    monkeypatch.setattr(fake_server, "typed", lambda value: spoiled)
    with pytest.raises(ServerError, match=r"DATA_LOSS \(output \w+: The tensor has 2 values"):
        client.predict("stylize", {"content": pair[0][None], "style": pair[1][None]})


@pytest.fixture
def tls_server(certificate):
    cert, key = (Path(path).read_bytes() for path in certificate)
    server = FakeServer(grpc.ssl_server_credentials([(key, cert)], root_certificates=cert, require_client_auth=True))
    yield server
    server.stop()


def test_tls_with_certificates_of_both_sides(tls_server, certificate, pair):
    cert, key = certificate
    with Client(tls_server.address, tls=Certificates(cert, cert, key)) as client:
        np.testing.assert_array_equal(client.stylize(*pair), whole(*pair))


@pytest.mark.parametrize("which", ["without TLS", "unknown authority", "no client certificate"])
def test_tls_that_does_not_fit_is_one_sentence(tls_server, certificate, pair, which):
    files = {"unknown authority": (), "no client certificate": certificate[:1]}
    tls = Certificates(*files[which]) if which in files else None
    with Client(tls_server.address, tls=tls, deadline=0.5) as client, pytest.raises(ServerError) as caught:
        client.stylize(*pair)
    assert caught.value.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED")
    assert tls_server.calls == []


def test_certificates_that_cannot_be_read_are_refused(tmp_path, certificate):
    with pytest.raises(ConfigError, match=r"--ca_file=.*nowhere.pem cannot be read"):
        Certificates(str(tmp_path / "nowhere.pem"))
    with pytest.raises(ConfigError, match="belong together"):
        Certificates(cert_file=certificate[0])

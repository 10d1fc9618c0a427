"""The clients of a model server, gRPC and REST, against a server without a model."""

import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest

from tests import command
from tests.serving.client import fake_server
from tests.serving.client.fake_server import STEPS, TOKEN, FakeServer, RefusalError, painting
from tf_style.config import ConfigError
from tf_style.images import decode_uint8, encode_png
from tf_style.serving.client import Client
from tf_style.serving.client.answers import TensorSpec
from tf_style.serving.client.certificates import Certificates
from tf_style.serving.client.errors import ServerError
from tf_style.serving.client.rest import RestClient
from tf_style.serving.wire.tensors import to_tensor, type_name

# --- the client -------------------------------------------------------------------------------------------------------


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
def client(server):
    with Client(server.address) as client:
        yield client


@pytest.fixture(scope="module")
def pair():
    numbers = np.random.default_rng(1)
    return numbers.integers(0, 256, (6, 8, 3), dtype=np.uint8), numbers.integers(0, 256, (5, 4, 3), dtype=np.uint8)


def same(found, wanted):
    assert found.dtype == np.asarray(wanted).dtype.newbyteorder("=")
    assert found.shape == np.shape(wanted)
    np.testing.assert_array_equal(found, wanted)


def whole(content, style):
    """What the server makes of both."""
    return painting(content[None], style.mean(axis=(0, 1))[None], [1])[0]


@pytest.mark.parametrize("as_values", [True, False], ids=["typed", "tensor_content"])
def test_stylize(server, client, pair, as_values):
    server.typed = as_values
    image = client.stylize(*pair)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, whole(*pair))


def test_batches_keep_their_axis(client, pair):
    content, style = pair
    images = client.stylize(np.stack([content, content[::-1]]), np.stack([style, style // 2]))
    np.testing.assert_array_equal(images, np.stack([whole(content, style), whole(content[::-1], style // 2)]))
    assert client.stylize(content[None], style).shape == (1, *content.shape)


def test_floats_are_rounded(client, pair):
    image = client.stylize(*(picture / np.float32(255) for picture in pair))
    np.testing.assert_array_equal(image, whole(*pair))


def test_only_the_given_options_are_sent(server, client, pair):
    client.stylize(*pair, num_steps=3, style_weight=2, seed=None)
    (signature, inputs) = server.calls[0]
    assert (signature, set(inputs)) == ("stylize", {"content", "style", "num_steps", "style_weight"})
    same(inputs["num_steps"], np.array([3], np.int32))
    same(inputs["style_weight"], np.array([2], np.float32))
    client.stylize(np.stack([pair[0]] * 2), pair[1], seed=[1, 2])
    same(server.calls[1][1]["seed"], np.array([1, 2], np.int32))


BAD_ARGUMENTS = {
    "unknown option": ({"num_step": 3}, "Unknown option 'num_step'.*Did you mean 'num_steps'"),
    "half a step": ({"num_steps": 1.5}, "num_steps must be a whole number"),
    "a large seed": ({"seed": 2**31}, "seed must be a whole number below"),
    "not finite": ({"seed": float("nan")}, "seed must be a whole number"),
    "text": ({"seed": "one"}, "seed must be a number"),
    "matrix": ({"style_weight": [[1.0]]}, "style_weight must be a number"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_bad_options_are_refused_before_anything_is_sent(server, client, pair, name):
    options, text = BAD_ARGUMENTS[name]
    with pytest.raises(ValueError, match=text):
        client.stylize(*pair, **options)
    assert server.calls == []


def test_what_is_no_picture_is_refused(server, client, pair):
    content, style = pair
    for bad, text in (
        (content[0], r"content has the shape \[8, 3\]"),
        (content[..., :1], r"allowed are \[H, W, 3\]"),
        (content.astype(np.int32), "content is of type int32"),
        (content[:0], "content has the shape"),
        (content.astype(np.float32) * np.nan, "NaN"),
    ):
        with pytest.raises(ValueError, match=text):
            client.stylize(bad, style)
    assert server.calls == []


def test_styles_are_encoded_once_and_used_often(server, client, pair):
    content, style = pair
    code = client.encode_style(style, content.shape[:2])
    assert (code.dtype, code.shape) == (np.float32, (1, 2, 3))
    same(server.calls[0][1]["size"], np.array([6, 8], np.int32))
    np.testing.assert_array_equal(client.stylize_encoded(content, code), whole(content, style))
    assert client.stylize_encoded(content[None], code, num_steps=2).shape == (1, *content.shape)


def test_files_are_painted(server, client, pair):
    content, style = map(encode_png, pair)
    np.testing.assert_array_equal(decode_uint8(client.stylize_bytes(content, style)), whole(*pair))
    several = client.stylize_bytes([content, content], [style])
    assert [type(file) for file in several] == [bytes, bytes]
    assert several[0] == several[1]


def test_predict_is_any_signature(client, pair):
    outputs = client.predict("stylize", {"content": pair[0][None], "style": pair[1][None]})
    assert set(outputs) == {"image", "steps", "loss_content", "loss_style"}
    same(outputs["steps"], np.array([STEPS], np.int32))


def test_run_is_stylize_in_many_calls(server, client, pair):
    heard = []
    steps = list(client.run(*pair, every=6, on_step=heard.append))
    assert heard == steps
    assert [step.step for step in steps] == [6, 12, 18, 20]
    assert [step.finished for step in steps] == [False, False, False, True]
    np.testing.assert_allclose([step.fraction for step in steps], [0.3, 0.6, 0.9, 1])
    assert steps[0].losses == pytest.approx({"content": 1.7, "style": 1.7})
    assert steps[0].loss == pytest.approx(3.4)
    np.testing.assert_array_equal(steps[-1].image, client.stylize(*pair))
    assert [name for name, _ in server.calls[:5]] == ["start"] + ["advance"] * 4


def test_run_hands_the_state_back_to_the_bit(server, client, pair):
    """The server checks a NaN of bfloat16, which numpy lacks; see TOKEN."""
    assert TOKEN
    *_, last = client.run(np.stack([pair[0]] * 2), pair[1], every=15, num_steps=[16, 30])
    assert last.step == 30
    assert last.image.shape == (2, 6, 8, 3)
    assert server.count("advance") == 2


def test_run_stays_with_one_version(server, client, pair):
    list(client.run(*pair, every=10))
    assert [spec.version.value for spec in server.specs] == [0, fake_server.VERSION, fake_server.VERSION]


def test_run_can_be_left(server, client, pair):
    for step in client.run(*pair, every=2):
        if step.fraction >= 0.2:
            break
    assert server.count("advance") == 2


def test_run_needs_a_step_a_call(client, pair):
    with pytest.raises(ValueError, match="every must be at least 1"):
        next(client.run(*pair, every=0))


def test_versions_and_labels_are_asked_for(server, pair):
    for arguments, version, label in (
        ({"model_version": 3}, 3, ""),
        ({"version_label": "stable"}, 0, "stable"),
        ({}, 0, ""),
    ):
        with Client(server.address, **arguments) as client:
            client.stylize(*pair)
        assert (server.specs[-1].version.value, server.specs[-1].version_label) == (version, label)
        assert server.specs[-1].HasField("version") == bool(version)
    for kind in (Client, RestClient):
        with pytest.raises(ValueError, match="give one of them"):
            kind(server.address, model_version=1, version_label="stable")


def test_metadata(client):
    assert client.metadata() == {
        "stylize": {
            "inputs": {"content": TensorSpec("uint8", (None, None, None, 3))},
            "outputs": {"anything": TensorSpec("type 0", None)},
        }
    }
    assert type_name(7) == "string"


def test_status(client):
    assert client.status() == [(7, "AVAILABLE", ""), (3, "END", "no weights")]


def test_messages_above_4_mib(client):
    content = np.random.default_rng(0).integers(0, 256, (1300, 1300, 3), dtype=np.uint8)
    style = content[:40, :40]
    np.testing.assert_array_equal(client.stylize(content, style), whole(content, style))


def test_threads_may_share_a_client(client, pair):
    content, style = pair
    contents = [np.full_like(content, value) for value in range(0, 240, 20)]
    found = [None] * len(contents)

    def ask(place):
        found[place] = client.stylize(contents[place], style)

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(contents))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for image, each in zip(found, contents, strict=True):
        np.testing.assert_array_equal(image, whole(each, style))


# --- errors -----------------------------------------------------------------------------------------------------------

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


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return fake_server.certificate(tmp_path_factory.mktemp("tls"))


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


# --- REST -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rest_server(server):
    with fake_server.rest(server) as address:
        server.rest_address = address
        yield server


def test_rest_paints_files(rest_server, pair):
    files = list(map(encode_png, pair))
    painted = RestClient(rest_server.rest_address).stylize_bytes(*files)
    np.testing.assert_array_equal(decode_uint8(painted), whole(*pair))
    assert rest_server.paths == ["/v1/models/tf_style:predict"]
    assert rest_server.calls[0][0] == "stylize_bytes"
    RestClient(f"http://{rest_server.rest_address}/", model_version=7).stylize_bytes(*files)
    RestClient(rest_server.rest_address, version_label="blue green").stylize_bytes(*files)
    assert rest_server.paths[1:] == [
        "/v1/models/tf_style/versions/7:predict",
        "/v1/models/tf_style/labels/blue%20green:predict",
    ]


def test_rest_predicts_any_signature(rest_server, pair):
    content, style = (picture[None] for picture in pair)
    outputs = RestClient(rest_server.rest_address).predict("stylize", {"content": content, "style": style})
    assert outputs["steps"] == [STEPS]
    np.testing.assert_array_equal(outputs["image"][0], whole(*pair))


@pytest.mark.parametrize(
    "code", ["INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED", "INTERNAL", "DEADLINE_EXCEEDED"]
)
def test_rest_errors_are_one_sentence(rest_server, pair, code):
    rest_server.refuse = lambda signature, number: RefusalError(grpc.StatusCode[code], "the\nreason")
    with pytest.raises(ServerError) as caught:
        RestClient(rest_server.rest_address).stylize_bytes(b"a", b"b")
    assert caught.value.code == code
    assert f"HTTP {fake_server._HTTP[grpc.StatusCode[code]]}: the reason" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(rest_server.paths) == 1


def test_rest_asks_again_where_a_server_is_not_ready(rest_server, pair):
    unavailable = RefusalError(grpc.StatusCode.UNAVAILABLE, "loading")
    rest_server.refuse = lambda signature, number: unavailable if number < 2 else None
    assert RestClient(rest_server.rest_address).stylize_bytes(*map(encode_png, pair))
    assert len(rest_server.paths) == 2


def test_rest_without_a_server(server):
    with pytest.raises(ServerError, match="cannot be reached, UNAVAILABLE .*refused"):
        RestClient("127.0.0.1:1", deadline=0.3).stylize_bytes(b"a", b"b")


def test_rest_keeps_its_deadline(rest_server, pair):
    rest_server.delay = 3
    started = time.monotonic()
    with pytest.raises(ServerError, match="did not answer in time"):
        RestClient(rest_server.rest_address, deadline=0.2).stylize_bytes(*map(encode_png, pair))
    assert time.monotonic() - started < 2.5


def test_rest_at_the_port_of_grpc_is_one_sentence(server):
    with pytest.raises(ServerError) as caught:
        RestClient(server.address, deadline=0.5).stylize_bytes(b"a", b"b")
    assert "\n" not in str(caught.value)


def test_rest_over_tls(server, certificate, pair):
    cert, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    files = list(map(encode_png, pair))
    with fake_server.rest(server, context) as address:
        np.testing.assert_array_equal(
            decode_uint8(RestClient(address, tls=Certificates(cert)).stylize_bytes(*files)), whole(*pair)
        )
        with pytest.raises(ServerError, match="check the certificates"):
            RestClient(f"https://{address}", deadline=0.3).stylize_bytes(*files)
    with pytest.raises(ConfigError, match="certificates cannot be used"):
        RestClient(address, tls=Certificates(key))


# --- as a program -----------------------------------------------------------------------------------------------------


def test_a_program_paints_without_tensorflow(server, tmp_path):
    code = f"""
import sys
import numpy as np
from tf_style.serving.client import Client
from tf_style.serving.client.rest import RestClient
with Client({server.address!r}) as client:
    image = client.stylize(np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 200, np.uint8))
    assert [step.step for step in client.run(image, image, every=10)] == [10, 20]
assert (image == 100).all()
sys.exit(int(any(name in sys.modules for name in ("tensorflow", "tensorflow_serving", "keras"))))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=command.environment(tmp_path), cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

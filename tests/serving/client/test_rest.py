"""The REST client against a server without a model."""

import ssl
import time

import grpc
import numpy as np
import pytest

from tests.serving.client import fake_server
from tests.serving.client.fake_server import STEPS, RefusalError, whole
from tf_style.config import ConfigError
from tf_style.images import decode_uint8, encode_png
from tf_style.serving.client.certificates import Certificates
from tf_style.serving.client.errors import ServerError
from tf_style.serving.client.rest import RestClient


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

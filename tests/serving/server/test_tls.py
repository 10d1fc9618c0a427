"""The local server over gRPC with TLS."""

import shutil
import subprocess

import numpy as np
import pytest

grpc = pytest.importorskip("grpc", reason="grpcio is not installed; the extra `dev` brings it")
pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed; the extra `dev` brings it")

from tensorflow_serving.apis import prediction_service_pb2_grpc  # noqa: E402

from tests.serving.server.local_server import predict_request, refused, running  # noqa: E402
from tests.serving.server.tiny_models import write_version  # noqa: E402


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_version(folder, 3)
    return folder


def ask(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    response = stub.Predict(predict_request(inputs={"a": np.float32([1])}), timeout=20)
    return response.outputs["sum"].float_val[:]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """(private key, self-signed certificate) for localhost, as PEM text."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return (folder / "key.pem").read_text(), (folder / "cert.pem").read_text()


def ssl_config(folder, certificate, more=""):
    key, cert = (text.replace("\n", "\\n") for text in certificate)
    path = folder / "ssl.config"
    path.write_text(f'server_key: "{key}" server_cert: "{cert}" {more}')
    return str(path)


def test_tls(base, tmp_path, certificate):
    cert = certificate[1].encode()
    with running(model_base_path=str(base), ssl_config_file=ssl_config(tmp_path, certificate)) as local:
        with grpc.secure_channel(f"localhost:{local.server.port}", grpc.ssl_channel_credentials(cert)) as channel:
            assert ask(channel) == [11.0]
        assert refused(local.prediction.Predict, predict_request(), timeout=5)[0] == "UNAVAILABLE"  # in the clear
        assert local.rest("/v1/models/tiny")[0] == 200  # REST stays plain


def test_clients_may_have_to_show_a_certificate(base, tmp_path, certificate):
    key, cert = (text.encode() for text in certificate)
    authority = certificate[1].replace("\n", "\\n")
    path = ssl_config(tmp_path, certificate, f'custom_ca: "{authority}" client_verify: true')
    with running(model_base_path=str(base), ssl_config_file=path) as local:
        address = f"localhost:{local.server.port}"
        with grpc.secure_channel(address, grpc.ssl_channel_credentials(cert, key, cert)) as channel:
            assert ask(channel) == [11.0]
        with (
            grpc.secure_channel(address, grpc.ssl_channel_credentials(cert)) as channel,
            pytest.raises(grpc.RpcError) as error,
        ):
            ask(channel)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE

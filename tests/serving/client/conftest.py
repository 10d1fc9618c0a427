"""A server without a model, its clients, and a pair of pictures."""

import numpy as np
import pytest

from tests.serving.client import fake_server
from tests.serving.client.fake_server import FakeServer
from tf_style.serving.client import Client


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return fake_server.certificate(tmp_path_factory.mktemp("tls"))

"""`tf-style request` and its client against `tf-style serve` with an exported model: the same picture by every way."""

import numpy as np
import pytest

pytest.importorskip("grpc", reason="the extra `serving` is not installed")
pytest.importorskip("tensorflow_serving", reason="the extra `serving` is not installed")

from PIL import Image  # noqa: E402

from tests import command  # noqa: E402
from tests.serving.export.exported import small_model  # noqa: E402
from tests.serving.server.local_server import running  # noqa: E402
from tf_style.cli.main import main  # noqa: E402
from tf_style.serving.client import Client  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    base = small_model().parent
    with running(model_base_path=str(base), model_name="tf_style", rest_api_port=-1) as server:
        yield server


@pytest.fixture
def ask(server, tmp_path, monkeypatch, capsys):
    """Runs a command line; returns its status, what it said, and the painting."""
    command.write_picture(tmp_path / "content.png", 45, 60, mode="RGBA")
    command.write_picture(tmp_path / "style.jpg", 50, 40, seed=1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def ask(*flags, port=server.server.port):
        files = ["--content=content.png", "--style=style.jpg", "--output=out.png", "--size=64"]
        status = main(["request", f"--server=127.0.0.1:{port}", *files, *flags])
        said = capsys.readouterr().err
        return status, said, np.asarray(Image.open("out.png")) if (tmp_path / "out.png").exists() else None

    return ask


def test_every_way_gives_the_same_picture(ask, server):
    status, said, painting = ask()
    assert (status, said.startswith("Wrote out.png")) == (0, True), said
    assert painting.shape == (48, 64, 4)
    assert painting[..., :3].std() > 5
    ways = [("--advance_every=3",), ("--advance_every=40", "--previews"), ("--signature=stylize_encoded",)]
    for flags in ways:
        status, said, other = ask(*flags)
        assert status == 0, said
        assert np.abs(other.astype(int) - painting).max() <= 1, flags
    assert np.abs(ask("--num_steps=30")[2].astype(int) - painting).max() > 1
    for flags, port in (
        (("--rest",), server.server.rest_api_port),
        (("--signature=stylize_bytes",), server.server.port),
    ):
        status, said, other = ask(*flags, port=port)
        assert status == 0, said
        assert other.shape == painting.shape
        assert np.abs(other.astype(int) - painting).max() <= 2, flags


def test_what_the_model_refuses_is_bad_input(ask):
    status, said, painting = ask("--num_steps=9999")
    assert (status, painting) == (2, None)
    assert "INVALID_ARGUMENT" in said
    assert "num_steps" in said
    assert said.count("\n") == 1
    assert "{{node" not in said, "where in the graph is of no use to people"
    status, said, _ = ask("--model_name=other")
    assert (status, "NOT_FOUND" in said) == (1, True)


def test_a_program_asks_what_there_is(server):
    with Client(server.address) as client:
        signatures = client.metadata()
        assert {"stylize", "stylize_bytes", "encode_style", "stylize_encoded", "start", "advance"} <= set(signatures)
        assert signatures["stylize"]["inputs"]["content"].dtype == "uint8"
        assert [version.state for version in client.status()] == ["AVAILABLE"]

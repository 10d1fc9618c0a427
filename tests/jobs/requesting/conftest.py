"""A server without a model, pictures to send to it, and a way to ask it."""

import pytest

from tests import command
from tests.jobs.requesting.asking import line
from tests.serving.client.conftest import no_proxy, server  # noqa: F401 (fixtures)
from tf_style.cli.main import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with pictures in it."""
    command.write_picture(tmp_path / "content.png", 45, 60)  # 4:3, sent as 48 x 36
    command.write_picture(tmp_path / "style.jpg", 50, 40, seed=1)
    command.write_picture(tmp_path / "alpha.png", 45, 60, seed=3, mode="RGBA")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ask(server, folder, capsys):  # noqa: F811
    """Runs a command line; returns its status, and what it said (nothing goes to standard output)."""

    def ask(*flags):
        status = main(line(server, *flags))
        out, err = capsys.readouterr()
        assert out == ""
        return status, err

    return ask

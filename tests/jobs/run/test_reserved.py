"""Two runs never go on from one folder at once."""

import subprocess
import sys

import pytest

from tests import command
from tf_style.cli.main import main
from tf_style.config import ConfigError
from tf_style.jobs.run.files import reserved

HOLD = """
import sys
from tf_style.jobs.run.files import reserved
with reserved("checkpoint_dir", sys.argv[1]):
    print("reserved", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder `state`."""
    command_line = [sys.executable, "-c", HOLD, str(tmp_path / "state")]
    process = subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"reserved\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_run_is_refused_until_the_first_is_gone(tmp_path, other, monkeypatch, capsys):
    command.write_picture(tmp_path / "photo.png")
    command.write_picture(tmp_path / "style.png", seed=1)
    monkeypatch.chdir(tmp_path)
    line = ["stylize", "photo.png", "style.png", "out.png", "--checkpoint_dir=state", *command.SHORT]
    assert main(line) == 2
    text = capsys.readouterr().err
    assert (
        text
        == "tf-style: --checkpoint_dir=state is in use by another run; wait until that ends, or give another folder.\n"
    )
    assert not (tmp_path / "out.png").exists()
    other.kill()  # it cannot give the folder back
    other.wait()
    assert main(line) == 0
    assert not list((tmp_path / "state").iterdir())


def test_a_folder_made_for_nothing_goes_again(tmp_path):
    with reserved("checkpoint_dir", ""):
        pass
    with reserved("checkpoint_dir", str(tmp_path / "new")):
        assert (tmp_path / "new").is_dir()
        with pytest.raises(ConfigError, match="in use"), reserved("checkpoint_dir", str(tmp_path / "new")):
            pass
    assert not (tmp_path / "new").exists()
    (tmp_path / "kept").mkdir()
    with reserved("checkpoint_dir", str(tmp_path / "kept")):
        pass
    assert not list((tmp_path / "kept").iterdir())

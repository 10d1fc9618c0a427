"""The pictures of a command line."""

import pytest

from tests import command


@pytest.fixture
def pictures(tmp_path):
    content = command.write_picture(tmp_path / "content.png")
    style = command.write_picture(tmp_path / "style.jpg", 40, 40, seed=1)
    return [f"--content={content}", f"--style={style}", f"--output={tmp_path / 'out.png'}"]

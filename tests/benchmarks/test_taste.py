"""The benchmark of taste runs its whole path, with few people and candidates."""

import pytest

from benchmarks import taste
from tests import command
from tf_style.taste import learning, session


@pytest.mark.usefixtures("eagerly")
def test_taste(tmp_path, monkeypatch):
    for module, name, value in ((session, "_POOL", 16), (learning, "_VARIED_AFTER", 99), (taste, "_DRAWS", 1)):
        monkeypatch.setattr(module, name, value)
    for number in range(3):
        command.write_picture(tmp_path / f"{number}.png", 40, 48, seed=number)
    output = tmp_path / "RECORD.md"
    sizes = ("--people=4", "--watchers=2", "--size=32")
    taste.main([f"--output={output}", f"--style_library={tmp_path}", *sizes])
    lines = output.read_text().splitlines()
    assert [line[2:4] for line in lines if line.startswith("| P")] == [*7 * ["P1"], "P2", "P3", "P4", "P4", "P5"]
    methods = [line.split(" | ")[2] for line in lines if line.startswith(("| ideal", "| linear", "| by"))]
    assert methods == 7 * list(taste.METHODS)

"""Completion: what the shells themselves make of the scripts; shells that are not there are skipped."""

import os
import pty
import re
import shutil
import subprocess
import time

import pytest

from tests import command
from tests.materials import assert_refused
from tf_style.cli.main import COMMANDS
from tf_style.presets import preset_names

BASH = """. ./script
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tf_style; (IFS='|'; echo "${COMPREPLY[*]}"); }
"""


def needs(shell):
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


@pytest.fixture
def folder(tmp_path):
    for name in ("photo one.jpg", "pear.jpg"):
        (tmp_path / name).touch()
    return tmp_path


def script(shell, folder):
    outcome = command.run(["completion", shell], folder)
    assert (outcome.status, outcome.stderr) == (0, "")
    (folder / "script").write_text(outcome.stdout)


def shell(name, lines, folder):
    done = subprocess.run([name, "-c", lines], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.splitlines()


@needs("bash")
def test_bash(folder):
    """Readline gives `--flag=value` as three words."""
    script("bash", folder)
    cases = {
        "st": ["studio", "stylize"],
        "stylize --prese": ["--preset=", "--preserve_color="],
        "stylize --noq": ["--noquiet"],
        "stylize --preset = g": ["gatys2016", "gatys2016-adam"],
        "stylize --preset =": [*preset_names(), "pear.jpg", "photo one.jpg", "script"],
        "stylize --preset dr": ["draft"],
        "stylize --style_statistic = ''": ["gram", "mean_std", "wasserstein"],
        "stylize --content = p": ["pear.jpg", "photo one.jpg"],
        "stylize --content p": ["pear.jpg", "photo one.jpg"],
        "stylize --quiet p": ["pear.jpg", "photo one.jpg"],
        "stylize --size = ''": [""],
        "recolor pe": ["pear.jpg"],
        "texture --content": [""],  # which this command has not
        "beam --chec": [""],
        "serve --model_base": ["--model_base_path="],
        "inspect --j": ["--json"],
        "completion ''": ["bash", "zsh", "fish"],
    }
    found = shell("bash", BASH + "\n".join(f"try tf-style {line}" for line in [*cases, "''"]), folder)
    assert {line: sorted(words.split("|")) for line, words in zip(cases, found, strict=False)} == {
        line: sorted(words) for line, words in cases.items()
    }
    assert found[-1].split("|") == list(COMMANDS)


@needs("fish")
def test_fish(folder):
    script("fish", folder)
    for line, words in (
        ("st", ["studio", "stylize"]),
        ("stylize --preset=dr", ["--preset=draft"]),
        ("stylize --style_statistic=", ["--style_statistic=gram", "--style_statistic=mean_std"]),
        ("stylize --content=pe", ["--content=pear.jpg"]),
        ("completion ", ["bash", "fish", "zsh"]),
    ):
        found = shell("fish", f"source script; complete -C 'tf-style {line}'", folder)
        assert [answer.split("\t")[0] for answer in found][: len(words)] == words


@needs("zsh")
@pytest.mark.parametrize(("typed", "completed"), [("sty", "stylize "), ("stylize --preset=dr", "--preset=draft ")])
def test_zsh(folder, typed, completed):
    """On a terminal of its own, as zsh completes nowhere else."""
    script("zsh", folder)
    child, terminal = pty.fork()
    if not child:
        os.chdir(folder)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "TERM": "dumb", "PS1": "> "})
    try:
        os.write(terminal, b"autoload -U compinit; compinit -u -D; source script; echo rea''dy\n")
        read_until(terminal, r"\nready")
        os.write(terminal, f"tf-style {typed}\t".encode())
        read_until(terminal, re.escape(completed))
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


def read_until(terminal, pattern):
    text, deadline = "", time.monotonic() + 60
    os.set_blocking(terminal, False)
    while not re.search(pattern, text):
        assert time.monotonic() < deadline, text
        try:
            text += os.read(terminal, 4096).decode()
        except BlockingIOError:
            time.sleep(0.02)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["ksh"], "Unknown shell 'ksh'"), ([], "nothing was given"), (["zsh", "bash"], "Unexpected argument 'bash'")],
)
def test_refusals(arguments, words, tmp_path):
    assert_refused(command.run(["completion", *arguments], tmp_path), words)

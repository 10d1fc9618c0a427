"""`tf-style doctor`: facts in words and as JSON, and a self-test that tells the truth."""

import configparser
import json
import re

import numpy as np
import pytest

from tests import command
from tf_style.jobs.doctor.run import EXTRAS
from tf_style.version import versions


@pytest.mark.slow
def test_a_whole_examination(tmp_path):
    """Nothing but facts is printed, whatever TensorFlow has to say; JSON holds the same."""
    lines = {"text": ["doctor"], "json": ["doctor", "--json"]}
    outcomes = command.run_lines(lines, tmp_path, fresh=True, KERAS_HOME=str(tmp_path / "cache"))
    for outcome in outcomes.values():
        assert (outcome.status, outcome.stderr) == (0, ""), outcome.stderr
    facts = json.loads(outcomes["json"].stdout)
    assert facts["versions"] == versions()
    assert facts["vgg19"]["available"] is False
    assert facts["memory"]["total_bytes"] > facts["memory"]["available_bytes"] > 0
    assert [done["error"] for done in facts["self_test"].values()] == [None, None]
    text = outcomes["text"].stdout
    for line in (
        f"tensorflow +{re.escape(facts['versions']['tensorflow'])}",
        "device +CPU.*",
        f"compute_dtype auto +{facts['compute_dtype']['auto']} \\(.+\\)",
        f"VGG-19's weights +not in {tmp_path}/cache/models/vgg19.*\\.h5; --backbone=vgg19 downloads them",
        "extra dev +installed, for tests of tf-style itself",
        f"disk +[0-9.]+ GB free in {tmp_path}",
        "memory +[0-9.]+ GB, [0-9.]+ GB available",
        "self-test instant +paints 64 x 64 pixels in [0-9.]+ s",
    ):
        assert re.search(f"^{line}$", text, re.MULTILINE), line


@pytest.mark.parametrize(
    ("paint", "words"),
    [
        (lambda content, *_, **__: content, "ValueError: the result is not a painting"),
        (lambda content, *_, **__: np.full_like(content, np.nan), "ValueError: the result is not a painting"),
        (lambda *_, **__: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_what_does_not_paint_is_said(paint, words, tmp_path, monkeypatch):
    monkeypatch.setattr("tf_style.api.stylize", paint)
    outcome = command.run(["doctor"], tmp_path)
    assert outcome.status == 1
    assert outcome.stderr == f"tf-style: The self-test does not paint (draft: {words}; instant: {words}).\n"
    assert f"self-test draft        failed: {words}\n" in outcome.stdout


def test_without_tensorflow_there_are_still_facts(tmp_path, monkeypatch):
    def broken():
        raise ImportError("libcudart.so: cannot open\nshared object file")

    monkeypatch.setattr("tf_style.api.stylize", lambda content, *_, **__: 1 - content)
    monkeypatch.setattr("tf_style.jobs.doctor.run._devices", broken)
    outcome = command.run(["doctor"], tmp_path)
    assert "\ndevices                ImportError: libcudart.so: cannot open shared object file\n" in outcome.stdout


def test_every_extra_is_known():
    parser = configparser.ConfigParser()
    parser.read(command.ROOT / "setup.cfg", encoding="utf-8")
    extras = parser["options.extras_require"]
    assert list(EXTRAS) == list(extras)
    for name, (sign, _) in EXTRAS.items():
        assert sign in extras[name] or (name, sign) in {("gpu", "nvidia-cudnn-cu12"), ("dask", "distributed")}

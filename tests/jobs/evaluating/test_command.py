"""`tf-style evaluate`: the table, the record, bad pictures among good ones, and every refusal."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from tests import command
from tests.materials import CONTENT_LAYERS, STYLE_LAYERS
from tf_style.cli.main import main
from tf_style.config import EvaluateConfig
from tf_style.config import evaluate as evaluate_options
from tf_style.config import stylize as stylize_options
from tf_style.jobs.evaluating import session as evaluation_session
from tf_style.jobs.evaluating.table import COLUMNS

# --- in this process, with a tiny backbone ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch, evaluation):
    """Pictures, and a command that judges by the tiny backbone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evaluation_session, "build_evaluation", lambda config: evaluation)
    command.write_picture(tmp_path / "content.png", 45, 60)
    command.write_picture(tmp_path / "style.png", 45, 60, seed=1)
    command.write_picture(tmp_path / "painting.png", 48, 64, seed=2)
    (tmp_path / "text.png").write_text("no picture")
    return tmp_path


def evaluate(*flags, content="content.png", style="style.png", painting="painting.png"):
    lists = [f"--content={content}", f"--style={style}", f"--painting={painting}"]
    return main(["evaluate", *lists, "--size=48", "--backbone=compact_vgg19", *flags])


def test_a_run(folder, capsys):
    assert evaluate("--json=new/record.json", painting="painting.png,content.png,style.png") == 0
    out, err = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines] == ["painting", "painting.png", "content.png", "style.png", "median"]
    assert lines[2][2:] == ["0.0000", "1.0000"], "the content itself"
    assert lines[3][1] == "0.0000", "the style itself"
    assert "compact_vgg19" in err
    assert "as asked" in err
    assert "3/3" in err

    record = json.loads((folder / "new" / "record.json").read_text())
    assert record["settings"] == dataclasses.asdict(EvaluateConfig(size=48, backbone="compact_vgg19"))
    assert record["backbone"]["name"] == "compact_vgg19"
    assert record["versions"]["tf_style"]
    assert record["failures"] == []
    assert [entry["painting"] for entry in record["rows"]] == ["painting.png", "content.png", "style.png"]
    first = record["rows"][0]
    assert first["size"] == [36, 48]
    assert first["content"] == "content.png"
    assert set(first["style_distance_by_layer"]) == set(STYLE_LAYERS)
    assert first["style_distance"] == pytest.approx(np.mean(list(first["style_distance_by_layer"].values())))
    assert f"{first['style_distance']:.4f}" == lines[1][1]
    for name in COLUMNS:
        assert record["medians"][name] == np.median([entry[name] for entry in record["rows"]])
    assert [path.name for path in (folder / "new").iterdir()] == ["record.json"]


def test_quiet_leaves_the_table(folder, capsys):
    assert evaluate("--quiet") == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 2
    assert err == ""


def test_pairs_from_a_file_give_the_same_numbers(folder, capsys, monkeypatch, tmp_path):
    assert evaluate("--quiet") == 0
    wanted = capsys.readouterr().out.splitlines()[1].split()[1:]
    (folder / "pairs.csv").write_text("content,style,painting\ncontent.png,style.png,painting.png\n")
    monkeypatch.chdir("/")
    assert main(["evaluate", f"--pairs={folder / 'pairs.csv'}", "--size=48", "--quiet"]) == 0
    name, *found = capsys.readouterr().out.splitlines()[1].split()
    assert (name, found) == (str(folder / "painting.png"), wanted)


@pytest.mark.parametrize("bad", ["nowhere.png", "text.png"])
def test_one_bad_picture_among_many(folder, capsys, bad):
    assert evaluate("--quiet", "--json=r.json", painting=f"painting.png,{bad},content.png") == 1
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["painting", "painting.png", "content.png", "median"]
    assert err.startswith(f"tf-style: {bad} is left out: '{bad}' ")
    assert err.count("\n") == 1
    (failure,) = json.loads((folder / "r.json").read_text())["failures"]
    assert failure["painting"] == bad
    assert bad in failure["error"]


def test_the_order_is_kept_when_bad_ones_come_first(folder, capsys):
    content = "nowhere.png,content.png,content.png,text.png"
    assert evaluate("--quiet", content=content, painting="painting.png,style.png,painting.png,painting.png") == 1
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[1:-1]] == ["style.png", "painting.png"]
    assert err.count("painting.png is left out") == 2


def test_the_table_survives_a_record_that_cannot_be_written(folder, capsys, monkeypatch):
    def full(path, record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tf_style.jobs.run.record.write_record", full)
    assert evaluate("--quiet", "--json=r.json") == 1
    out, err = capsys.readouterr()
    assert "painting.png" in out
    assert "No space left" in err


def test_the_layers_exist_in_every_backbone_and_are_those_of_stylize():
    config = stylize_options.StylizeConfig()
    assert config.content_layers == evaluate_options.CONTENT_LAYERS == CONTENT_LAYERS
    assert config.style_layers == stylize_options.STYLE_LAYERS == STYLE_LAYERS


# --- refusals without TensorFlow --------------------------------------------------------------------------------------

GOOD = {"--content": "content.png", "--style": "style.png", "--painting": "painting.png", "--size": "48"}
REFUSALS = {
    "no lists": ([], {"--content": None, "--style": None, "--painting": None}, ["--content, --style, --painting must"]),
    "no style": ([], {"--style": None}, ["--style must be given", "--pairs=FILE"]),
    "both": (["--pairs=pairs.csv"], {"--style": None}, ["--pairs", "--content, --painting", "either"]),
    "lengths": ([], {"--content": "a.png,b.png"}, ["2 pictures", "--content", "1 painting "]),
    "missing painting": ([], {"--painting": "paintnig.png"}, ["'paintnig.png' does not exist", "'painting.png'"]),
    "missing everywhere": ([], {"--style": "no.png", "--painting": "painting.png,content.png"}, ["'no.png' does not"]),
    "all bad": ([], {"--style": "text.png", "--painting": "painting.png,content.png"}, ["'text.png' is not a picture"]),
    "not a picture": ([], {"--content": "text.png"}, ["'text.png' is not a picture"]),
    "too many pixels": (["--max_pixels=2000"], {}, ["2,000", "--max_pixels"]),
    "large size": (["--size=9999", "--max_pixels=90000"], {}, ["9999", "--max_pixels=90000", "lower --size"]),
    "long and thin": ([], {"--painting": "long.png"}, ["'long.png'", "48", "at least 32", "raise --size"]),
    "long style": ([], {"--style": "long.png"}, ["'long.png'", "at least 32"]),
    "small size": (["--size=16"], {}, ["size", "at least 32", "16"]),
    "no size": (["--size=large"], {}, ["size", "whole number", "'large'"]),
    "backbone": (["--backbone=vgg91"], {}, ["vgg16", "'vgg91'", "Did you mean 'vgg19'?"]),
    "weights": (["--weights=nowhere.h5"], {}, ["--weights=nowhere.h5"]),
    "record over an input": (["--json=./painting.png"], {}, ["--json", "input"]),
    "record is a folder": (["--json=."], {}, ["--json"]),
    "flag of another command": (["--num_steps=3"], {}, ["num_steps", "evaluate --help"]),
    "missing pairs": (
        ["--pairs=nowhere.csv"],
        dict.fromkeys(("--content", "--style", "--painting")),
        ["--pairs=nowhere.csv", "No such file"],
    ),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refusals")
    for seed, name in enumerate(("content.png", "style.png", "painting.png")):
        command.write_picture(folder / name, 45, 60, seed=seed)
    command.write_picture(folder / "long.png", 32, 400)
    (folder / "text.png").write_text("no picture")
    lines = {}
    for name, (flags, other, _) in REFUSALS.items():
        given = [f"{flag}={value}" for flag, value in {**GOOD, **other}.items() if value is not None]
        lines[name] = ["evaluate", *given, *flags]
    return command.run_lines(lines, folder, fresh=True)


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_is_refused_in_one_sentence_before_tensorflow_loads(refused, name):
    outcome = refused[name]
    assert outcome.status == 2, outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("tf-style: ")
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    for part in REFUSALS[name][2]:
        assert part in outcome.stderr
    assert "tensorflow" not in outcome.modules
    assert "keras" not in outcome.modules


# --- as a program -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_program(tmp_path):
    """The embedded backbone, real files, and nothing on standard output but the table."""
    command.write_picture(tmp_path / "content.png", 45, 60)
    command.write_picture(tmp_path / "style.jpg", 50, 40, seed=1)
    Image.open(tmp_path / "content.png").save(tmp_path / "copy.webp", lossless=True)
    flags = ["--content=content.png", "--style=style.jpg", "--painting=copy.webp,style.jpg", "--size=64"]
    done = command.run(["evaluate", *flags, "--json=record.json"], tmp_path)
    assert done.status == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["painting", "copy.webp", "style.jpg", "median"]
    assert lines[1][2:] == ["0.0000", "1.0000"]
    said = done.stderr.splitlines()
    assert said[0].startswith("Measuring with backbone compact_vgg19 in float32 (embedded")
    assert "style.jpg has another aspect than content.png" in done.stderr
    assert not [line for line in said if "oneDNN" in line or "WARNING" in line]
    assert json.loads((tmp_path / "record.json").read_text())["backbone"]["name"] == "compact_vgg19"


@pytest.mark.slow
def test_unusable_weights_are_refused_in_one_sentence(tmp_path):
    command.write_picture(tmp_path / "content.png", 45, 60)
    (tmp_path / "other.h5").write_text("no weights")
    flags = [f"--{name}=content.png" for name in ("content", "style", "painting")]
    done = command.run(["evaluate", *flags, "--weights=other.h5", "--quiet"], tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith("tf-style: other.h5 does not hold vgg19 weights")
    assert done.stderr.count("\n") == 1

"""`tf-style export` and `tf-style inspect`."""

import json

import pytest

from tests.serving.export.exported import SMALL, small_model
from tf_style.cli.main import main


def run(capsys, *argv):
    """Status, standard output, standard error."""
    status = main(list(argv))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.slow
def test_export_then_inspect(tmp_path, capsys):
    models = tmp_path / "models" / "starry"
    flags = [f"--{name}={value}" for name, value in SMALL.items()]
    limits = ["--max_pixels=5000", "--max_steps=20", "--max_batch=2", "--warm_up_sizes=32", "--image_format=jpeg"]
    status, out, err = run(capsys, "export", f"--output={models}", *flags, *limits)
    assert (status, err) == (0, "")
    assert out.startswith(f"Wrote {models}/1 (")
    assert f"tf-style serve --model_base_path={models}" in out
    assert [path.name for path in models.iterdir()] == ["1"]
    for folder in (models, models / "1"):
        status, out, _ = run(capsys, "inspect", str(folder))
        assert status == 0
        assert "preset fine, backbone compact_vgg19 in float32, optimizer adam" in out
        assert "max_batch 2, max_pixels 5000, max_steps 20, min_side 32" in out
        assert "stylize_bytes\n  input   content_bytes            string [?]" in out
    status, out, _ = run(capsys, "inspect", str(models), "--json")
    card = json.loads(out)
    assert (card["format"], card["image_format"]) == (1, "jpeg")
    assert card["signatures"]["stylize"]["outputs"]["image"] == "uint8 [?, ?, ?, 3]"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["export"], "--output must be given"),
        (["export", "--output=x", "--max_batch=0"], "max_batch must be a finite number of at least 1, but 0 was given"),
        (
            ["export", "--output=x", "--image_format=tiff"],
            "image_format must be one of png, jpeg, but 'tiff' was given",
        ),
        (["export", "--output=x", "--optimiser=adam"], "Did you mean: optimizer"),
        (["export", "--output=x", "--preset=nice"], "Unknown preset 'nice'"),
        (["export", "--output={file}"], "cannot be written at"),
        (["export", "--output={file}/deeper"], "cannot be written at"),
        (["inspect"], "inspect takes one folder, but nothing was given"),
        (["inspect", "a", "b"], "Unexpected argument 'b'; at most folder can be given"),
        (["inspect", "{file}"], "is not a folder"),
        (["inspect", "{folder}"], "holds no model from tf-style export"),
    ],
)
def test_bad_input_is_one_sentence(argv, words, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("text")
    (tmp_path / "empty").mkdir()
    argv = [argument.format(file=file, folder=tmp_path / "empty") for argument in argv]
    status, out, err = run(capsys, *argv)
    assert (status, out) == (2, "")
    assert words in err
    assert err.startswith("tf-style: ")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_a_damaged_card(tmp_path, capsys):
    card = tmp_path / "1" / "assets.extra" / "tf_style.json"
    card.parent.mkdir(parents=True)
    card.write_text("{")
    status, _, err = run(capsys, "inspect", str(tmp_path))
    assert status == 2
    assert "cannot be read; export the model again." in err


@pytest.mark.slow
def test_the_newest_version_is_shown(tmp_path, capsys):
    for version in ("9", "10"):
        (tmp_path / version).symlink_to(small_model())
    assert run(capsys, "inspect", str(tmp_path))[1].startswith(str(tmp_path / "10"))

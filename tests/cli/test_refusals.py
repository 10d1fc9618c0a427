"""Every refusal of `tf-style stylize`: one sentence, exit status 2, and nothing written."""

import os

import numpy as np
import pytest
from PIL import Image

from tests import command
from tf_style.cli.main import main
from tf_style.presets import preset_names

VGG19_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9") | {
    "no_proxy": "",
    "NO_PROXY": "",
}


# --- without TensorFlow -----------------------------------------------------------------------------------------------


def _broken_files(folder):
    """Files that are no usable picture, or no usable flagfile."""
    command.write_picture(folder / "content.png")
    command.write_picture(folder / "style.jpg", 40, 40, seed=1)
    command.write_picture(folder / "large.png", 64, 64)
    command.write_picture(folder / "tiny.png", 31, 64)
    command.write_picture(folder / "long.png", 32, 900)
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("This is no picture, whatever its name says.\n")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "cut.jpg", quality=95)
    cut = (folder / "cut.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(cut[: len(cut) // 2])
    (folder / "broken.cfg").write_text("--num_steps=7\nnum_steps 8\n")
    (folder / "unknown.cfg").write_text("--number_of_steps=7\n")
    (folder / "binary.cfg").write_bytes(b"\xff\xfe\x00\x81")
    (folder / "folder.png").mkdir()


# name -> (flags over those of a run that would work, what the sentence must hold)
REFUSALS = {
    "missing content": (["--content=contnet.png"], ["'contnet.png' does not exist", "did you mean 'content.png'?"]),
    "missing style": (["--style=style.jpg,nowhere/b.jpg"], ["'nowhere/b.jpg' does not exist", "'nowhere'"]),
    "a folder": (["--content=folder.png"], ["'folder.png' is a folder"]),
    "not a picture": (["--content=text.jpg"], ["'text.jpg' is not a picture", "JPEG, PNG"]),
    "not a style": (["--style=text.jpg"], ["'text.jpg' is not a picture"]),
    "empty": (["--content=empty.png"], ["'empty.png' is empty"]),
    "cut short": (["--content=cut.jpg"], ["'cut.jpg'", "cut short"]),
    "too small": (["--content=tiny.png"], ["64 x 31", "at least 32"]),
    "small style": (["--style=tiny.png"], ["64 x 31", "at least 32"]),
    "small result": (["--size=33"], ["at least 32"]),
    "long and thin": (["--content=long.png", "--size=512"], ["at least 32"]),
    "too many pixels": (["--content=large.png", "--max_pixels=4000"], ["64 x 64", "4,000", "--max_pixels"]),
    "large result": (["--size=4000", "--max_pixels=5000"], ["max_pixels=5000", "--size"]),
    "suffix": (["--output=out.pgn"], ["'.pgn'", ".png", "did you mean 'out.png'?"]),
    "no suffix": (["--output=out"], ["no suffix", ".png"]),
    "output is a folder": (["--output=folder.png"], ["'folder.png' is a folder"]),
    "output in a file": (["--output=content.png/out.png"], ["'content.png/out.png' cannot", "is a file"]),
    "output is the content": (["--output=content.png"], ["--output", "content.png"]),
    "output is a style": (["--output=./style.jpg"], ["--output", "style.jpg"]),
    "figure is the output": (["--figure=out.png"], ["--figure", "--output"]),
    "16 bits in JPEG": (["--output=out.jpg", "--bit_depth=16"], ["16 bits", ".png"]),
    "12 bits": (["--bit_depth=12"], ["8 or 16", "12"]),
    "quality": (["--quality=101"], ["1 to 100", "101"]),
    "two shares for one style": (["--style_blend=0.5,0.5"], ["2 shares", "1 styles"]),
    "no share at all": (["--style_blend=0"], ["style_blend", "positive"]),
    "no number": (["--num_steps=many"], ["num_steps", "whole number", "'many'"]),
    "half a step": (["--num_steps=1.5"], ["num_steps", "whole number", "'1.5'"]),
    "no steps": (["--num_steps=0"], ["num_steps", "at least 1"]),
    "empty number": (["--style_weight="], ["style_weight", "a number"]),
    "not finite": (["--style_weight=nan"], ["style_weight", "finite"]),
    "negative": (["--content_weight=-1"], ["content_weight", "at least 0"]),
    "choice": (["--optimizer=adma"], ["adam, lbfgs", "'adma'", "Did you mean 'adam'?"]),
    "yes or no": (["--quiet=perhaps"], ["quiet", "perhaps"]),
    "layer weights": (
        ["--style_layers=conv1_1", "--style_layer_weights=1,2"],
        ["values given: 2"],
    ),
    "unknown preset": (["--preset=fien"], ["'fien'", *preset_names(), "Did you mean 'fine'?"]),
    "broken preset": (["--preset=broken.cfg"], ["Line 2", "'num_steps 8'"]),
    "option in preset": (["--preset=unknown.cfg"], ["unknown.cfg", "'number_of_steps'"]),
    "binary preset": (["--preset=binary.cfg"], ["binary.cfg", "not a readable text file"]),
    "unknown flag": (["--ouput=x.png"], ["'ouput'", "Did you mean: output"]),
    "given twice": (["other.png"], ["content was given twice, as 'other.png' and as --content=content.png"]),
    "no value": (["--seed"], ["seed"]),
    "missing flagfile": (["--flagfile=nowhere.txt"], ["nowhere.txt"]),
    "missing weights": (["--weights=nowhere.h5"], ["nowhere.h5", "--weights"]),
    "figure's suffix": (["--figure=figure.xyz"], ["--figure", ".xyz", ".png"]),
    "figure without suffix": (["--figure=figure"], ["--figure", ".png"]),
    "record is a folder": (["--json=folder.png"], ["--json", "folder.png"]),
    "record in a file": (["--json=content.png/record.json"], ["--json", "content.png"]),
    "checkpoint is a file": (["--checkpoint_dir=content.png"], ["--checkpoint_dir", "content.png"]),
    "checkpoint in a file": (["--checkpoint_dir=content.png/state"], ["--checkpoint_dir", "content.png"]),
}
#: Command lines that are no stylization at all.
OTHER_REFUSALS = {
    "unknown command": (
        ["stylise"],
        ["'stylise'", "stylize, video, texture, beam", "Did you mean 'stylize'?"],
    ),
    "no files": (["stylize"], ["--content, --style, --output must be given", "tf-style stylize --content="]),
    "no style": (["stylize", "--content=content.png", "--output=out.png"], ["--style must be given"]),
    "four files": (
        ["stylize", "content.png", "style.jpg", "out.png", "more.png"],
        ["Unexpected argument 'more.png'", "at most content, style, output"],
    ),
    "file without a flag": (["prepare", "photos"], ["Unexpected argument 'photos'", "all options are flags"]),
    "flag of another command": (["presets", "--size=3"], ["size", "presets --help"]),
}
EXPECTED = {name: parts for table in (REFUSALS, OTHER_REFUSALS) for name, (_, parts) in table.items()}


@pytest.fixture(scope="module")
def refusal_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refusals")
    _broken_files(folder)
    return folder


@pytest.fixture(scope="module")
def refused(refusal_folder):
    """All refusals in one process: it has TensorFlow loaded as soon as one of them loads it."""
    before = {path: path.read_bytes() for path in refusal_folder.iterdir() if path.is_file()}
    good = ["stylize", "--content=content.png", "--style=style.jpg", "--output=out.png", "--size=48"]
    lines = {name: [*good, *flags] for name, (flags, _) in REFUSALS.items()}
    lines |= {name: arguments for name, (arguments, _) in OTHER_REFUSALS.items()}
    outcomes = command.run_lines(lines, refusal_folder, fresh=True)
    after = {path: path.read_bytes() for path in refusal_folder.iterdir() if path.is_file()}
    assert after == before, "a refused command wrote, changed or removed a file"
    return outcomes


def assert_refused(outcome, parts):
    """Status 2, one line on stderr that says what came and what is allowed, and nothing else."""
    assert outcome.status == 2, outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("tf-style: ")
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert outcome.stderr.endswith("\n")
    assert "Traceback" not in outcome.stderr
    for part in parts:
        assert part in outcome.stderr


@pytest.mark.parametrize("name", EXPECTED)
def test_bad_input_is_refused_in_one_sentence(refused, name):
    assert_refused(refused[name], EXPECTED[name])


@pytest.mark.parametrize("name", EXPECTED)
def test_bad_input_is_refused_before_tensorflow_loads(refused, name):
    assert "tensorflow" not in refused[name].modules
    assert "keras" not in refused[name].modules


def test_a_read_only_folder_is_refused(pictures, tmp_path, capsys):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write everywhere")
    for flag in ("--output={}/out.png", "--json={}/record.json", "--checkpoint_dir={}/state"):
        assert main(["stylize", *pictures, flag.format(closed)]) == 2
        assert str(closed) in capsys.readouterr().err


# --- with TensorFlow --------------------------------------------------------------------------------------------------

MODEL_REFUSALS = {
    "unknown layer": (["--style_layers=conv1_1,conv9"], ["'conv9'", "compact_vgg19 has: block1_conv1", "Did you mean"]),
    "download": (["--backbone=vgg19"], [VGG19_FILE, "keras/models", "--weights=PATH", "--backbone=compact_vgg19"]),
    "download of vgg16": (["--backbone=vgg16"], [VGG19_FILE.replace("19", "16"), "--weights=PATH", "compact_vgg19"]),
    "quiet download": (["--backbone=vgg19", "--quiet"], [VGG19_FILE]),
    "other weights": (["--weights=other.h5"], ["other.h5", "vgg19", VGG19_FILE]),
    "compact weights": (["--backbone=compact_vgg19", "--weights=content.png"], ["content.png", "compact_vgg19"]),
    "cut weights": (["--backbone=compact_vgg19", "--weights=cut.npz"], ["cut.npz", "compact_vgg19"]),
}


@pytest.fixture(scope="module")
def model_refused(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    _broken_files(folder)
    (folder / "other.h5").write_text("no weights")
    np.savez(folder / "cut.npz", values=np.arange(1000))
    (folder / "cut.npz").write_bytes((folder / "cut.npz").read_bytes()[:500])
    good = ["stylize", "--content=content.png", "--style=style.jpg", "--output=out.png", *command.SHORT]
    good = [flag for flag in good if "backbone" not in flag]
    lines = {name: [*good, *flags] for name, (flags, _) in MODEL_REFUSALS.items()}
    outcomes = command.run_lines(lines, folder, **NO_NETWORK)
    assert not (folder / "out.png").exists(), "something was painted after all"
    return outcomes


@pytest.mark.slow
@pytest.mark.parametrize("name", MODEL_REFUSALS)
def test_unusable_models_are_refused_in_one_sentence(model_refused, name):
    """Above all: `--backbone=vgg19` never becomes another backbone silently."""
    outcome = model_refused[name]
    if name.startswith("download"):  # Keras says what it does
        assert outcome.stdout.startswith("Downloading data from https://")
        assert outcome.stdout.count("\n") == 1
        outcome = outcome._replace(stdout="")
    assert_refused(outcome, MODEL_REFUSALS[name][1])

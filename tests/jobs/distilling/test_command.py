"""`tf-style distill`: what it writes, how it resumes after a kill or Ctrl-C, and what it refuses."""

import json
import signal

import numpy as np
import pytest

from tests import command
from tests.materials import assert_one_sentence, picture, tiny_kernels
from tf_style.backbones import compact_channels, compact_kernels, compact_readouts, compact_vgg19, vgg_features

LAYERS = tuple(tiny_kernels())


OPTIONS = (
    "--picture_dirs=photos,paintings",
    "--teacher=compact_vgg19",
    "--weights=tiny.npz",
    "--channels=3,3,6,6,6",
    "--compute_dtype=float32",
    "--fit_pictures=8",
    "--num_steps=40",
    "--batch_size=2",
    "--crop_size=48",
    "--validation_pictures=1",
    "--checkpoint_minutes=0",
)


@pytest.fixture(scope="module")
def distilled(folder):
    lines = {"made": ["distill", "--output_dir=mine", *OPTIONS], "fitted": ["distill", "--output_dir=fit", *OPTIONS,
                                                                        "--num_steps=0"]}  # fmt: skip
    return command.run_lines(lines, folder)


@pytest.mark.slow
def test_writes_a_backbone_that_can_be_used(distilled, folder):
    for name, place in (("made", "mine"), ("fitted", "fit")):
        assert distilled[name].status == 0, distilled[name].stderr
        assert "Wrote" in distilled[name].stderr
        assert {path.name for path in (folder / place).iterdir()} == {"backbone.npz", "logs"}
    path = folder / "mine" / "backbone.npz"
    kernels = compact_kernels(str(path))
    assert [len(bias) for _, bias in kernels.values()] == [3] * 2 + [3] * 2 + [6] * 9
    image = picture(48, 40, seed=1)
    assert compact_vgg19(["conv1_1", "conv5_1"], weights=str(path))(image)["conv5_1"].shape == (1, 3, 2, 6)
    with np.load(path) as archive:
        card = json.loads(str(archive["card"]))
        chosen = archive["block1_conv1/channels"]
    assert card["steps_done"] == 40
    assert set(card["errors"]["trained"]) == set(card["errors"]["fitted"]) == set(LAYERS)
    wanted, found = (
        vgg_features("tiny", each, ["block1_conv1"], "max", "zero", "float32")(image)["block1_conv1"].numpy()
        for each in (tiny_kernels(), kernels)
    )
    goal = wanted[..., chosen]
    assert ((found - goal) ** 2).sum() / (goal**2).sum() < 0.01
    readouts = compact_readouts(str(path))
    assert list(readouts) == list(LAYERS)
    mixed = compact_vgg19(["conv1_1"], weights=str(path))(image)["conv1_1"]
    np.testing.assert_allclose(mixed, found @ readouts["block1_conv1"], rtol=1e-4, atol=1e-3)


@pytest.mark.slow
def test_stylize_paints_with_it(distilled, folder):
    arguments = ["--content=photos/photos_0.png", "--style=paintings/paintings_1.png", "--output=painted.png"]
    weights = ["--backbone=compact_vgg19", "--weights=mine/backbone.npz", *command.SHORT]
    outcome = command.run(["stylize", *arguments, *weights], folder)
    assert outcome.status == 0, outcome.stderr
    assert (folder / "painted.png").stat().st_size > 0


@pytest.mark.slow
def test_killed_it_goes_on_to_the_same_weights(distilled, folder):
    arguments = ["distill", "--output_dir=killed", *OPTIONS]
    state = folder / "killed" / "checkpoint.npz"
    killed = command.signal_at_step(arguments, folder, state, signal.SIGKILL, 3)
    assert killed.status == -signal.SIGKILL
    assert state.exists()
    again = command.run(arguments, folder)
    assert again.status == 0, again.stderr
    assert "Resuming from step" in again.stderr
    assert not state.exists()
    one, other = (compact_kernels(str(folder / name / "backbone.npz")) for name in ("killed", "mine"))
    for layer, arrays in one.items():
        for array, expected in zip(arrays, other[layer], strict=True):
            np.testing.assert_array_equal(array, expected, err_msg=layer)
    one, other = (compact_readouts(str(folder / name / "backbone.npz")) for name in ("killed", "mine"))
    for layer, readout in one.items():
        np.testing.assert_array_equal(readout, other[layer], err_msg=layer)


@pytest.mark.slow
def test_interrupted_it_keeps_what_it_has_learned_and_says_how_to_go_on(folder):
    arguments = ["distill", "--output_dir=stopped", *OPTIONS, "--num_steps=100000"]
    state = folder / "stopped" / "checkpoint.npz"
    outcome = command.signal_at_step(arguments, folder, state, signal.SIGINT, 3)
    assert outcome.status == 130, outcome.stderr
    assert "Repeat the same command" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    with np.load(folder / "stopped" / "backbone.npz") as archive:
        assert json.loads(str(archive["card"]))["steps_done"] >= 3


@pytest.mark.slow
def test_a_finished_one_is_not_made_again(distilled, folder):
    before = (folder / "mine" / "backbone.npz").read_bytes()
    outcome = command.run(["distill", "--output_dir=mine", *OPTIONS], folder)
    assert outcome.status == 0, outcome.stderr
    assert "Nothing to do" in outcome.stderr
    assert (folder / "mine" / "backbone.npz").read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_a_student_of_a_student_knows_the_first_teachers_channels(distilled, folder):
    arguments = ["distill", *OPTIONS, "--num_steps=0", "--weights=mine/backbone.npz", "--output_dir=second"]
    outcome = command.run([*arguments, "--channels=2,2,3,3,3"], folder)
    assert outcome.status == 0, outcome.stderr
    first, second = (compact_channels(str(folder / name / "backbone.npz")) for name in ("mine", "second"))
    for layer in LAYERS:
        assert set(second[layer]) < set(first[layer]), layer


@pytest.mark.slow
def test_refuses_in_one_sentence(distilled, folder):
    before = (folder / "mine" / "backbone.npz").read_bytes()
    lines = {
        "nothing": ["distill"],
        "no folder": ["distill", *OPTIONS, "--output_dir=new", "--picture_dirs=nowhere"],
        "another": ["distill", *OPTIONS, "--output_dir=mine", "--noise=0.1"],
        "no network": ["distill", *OPTIONS, "--output_dir=mine", "--channels=2,2,2,2,9"],
        "no weights": ["distill", *OPTIONS, "--output_dir=new", "--weights=nowhere.npz"],
        "whole numbers": ["distill", *OPTIONS, "--output_dir=new", "--channels=1.5,2,3,4,5"],
    }
    for name, outcome in command.run_lines(lines, folder).items():
        assert outcome.status == 2, (name, outcome.stderr)
        assert_one_sentence(outcome.stderr.strip().splitlines()[-1])
    assert (folder / "mine" / "backbone.npz").read_bytes() == before
    assert not (folder / "new").exists()

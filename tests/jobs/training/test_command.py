"""`tf-style train`: what it writes, how it resumes after a kill or Ctrl-C, and how another network helps it."""

import json
import signal

import numpy as np
import pytest
import tensorflow as tf

from tests import command
from tests.materials import assert_one_sentence, picture
from tf_style.images import write_image
from tf_style.networks.archive import read_card, read_weights
from tf_style.networks.training_losses import RECONSTRUCTION

KINDS = ("arbitrary", "many_styles")
OPTIONS = (
    "--content_dir=photos",
    "--style_dir=paintings",
    "--compute_dtype=float32",
    "--num_steps=6",
    "--batch_size=2",
    "--crop_size=32",
    "--style_size=40",
    "--style_layers=conv1_1,conv2_1",
    "--transport_layers=conv2_1",
    "--content_layers=conv2_1",
    "--validation_pairs=1",
    "--validate_every=3",
    "--checkpoint_minutes=0",
)
SECONDS = 200  # longer than any of these runs takes on a slow machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    for name, seed in (("photos", 0), ("paintings", 100)):
        (folder / name).mkdir()
        for index in range(4):
            write_image(folder / name / f"{name}_{index}.png", picture(48, 40, seed=seed + index)[0].numpy())
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    """Both kinds, trained without a stop: {kind: Outcome}."""
    lines = {kind: ["train", f"--network={kind}", f"--output_dir=my_{kind}", *OPTIONS] for kind in KINDS}
    return command.run_lines(lines, folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_writes_a_network_samples_and_logs(trained, folder, kind):
    assert trained[kind].status == 0, trained[kind].stderr
    assert {path.name for path in (folder / f"my_{kind}").iterdir()} == {"network.npz", "samples.jpg", "logs"}
    card = read_card(folder / f"my_{kind}" / "network.npz")
    assert card["kind"] == kind
    assert card["training"]["steps_done"] == 6
    assert card["training"]["photos"] == 3
    assert card.get("styles") == ([f"paintings_{index}" for index in range(4)] if kind == "many_styles" else None)


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_a_finished_training_is_not_lost_by_repeating_it(trained, folder):
    before = (folder / "my_arbitrary" / "network.npz").read_bytes()
    arguments = ["train", "--network=arbitrary", "--output_dir=my_arbitrary", *OPTIONS]
    lines = {"again": arguments, "another": [*arguments, "--style_weight=3"]}
    outcomes = command.run_lines(lines, folder)
    assert outcomes["again"].status == 0
    assert "Nothing to do" in outcomes["again"].stderr
    assert outcomes["another"].status == 2
    assert_one_sentence(outcomes["another"].stderr.strip().splitlines()[-1])
    assert (folder / "my_arbitrary" / "network.npz").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("eagerly")
def test_stylize_paints_with_it(trained, folder, kind):
    style = "paintings_1,paintings_2" if kind == "many_styles" else "paintings/paintings_1.png"
    arguments = [f"--network=my_{kind}", "--content=photos/photos_0.png", f"--style={style}", f"--output={kind}.png"]
    outcome = command.run(["stylize", *arguments, "--size=64", "--json=r.json", "--preserve_color=luminance"], folder)
    assert outcome.status == 0, outcome.stderr
    assert (folder / f"{kind}.png").stat().st_size > 0
    record = json.loads((folder / "r.json").read_text())
    assert record["network"]["card"]["kind"] == kind


@pytest.mark.slow
def test_killed_it_goes_on_to_the_same_weights(trained, folder):
    arguments = ["train", "--network=arbitrary", "--output_dir=killed", *OPTIONS]
    state = folder / "killed" / "checkpoint.npz"
    outcome = command.signal_at_step(arguments, folder, state, signal.SIGKILL, 1)
    assert outcome.status == -signal.SIGKILL
    assert state.exists()
    again = command.run(arguments, folder)
    assert again.status == 0, again.stderr
    assert "Resuming from step" in again.stderr
    assert not state.exists()
    weights, expected = (read_weights(folder / name / "network.npz") for name in ("killed", "my_arbitrary"))
    for name, value in expected.items():
        np.testing.assert_array_equal(weights[name], value, err_msg=name)


@pytest.mark.slow
def test_interrupted_it_keeps_what_it_has_learned_and_says_how_to_go_on(folder):
    arguments = ["train", "--network=many_styles", "--output_dir=stopped", *OPTIONS, "--num_steps=100000"]
    state = folder / "stopped" / "checkpoint.npz"
    outcome = command.signal_at_step(arguments, folder, state, signal.SIGINT, 1)
    assert outcome.status == 130, outcome.stderr
    assert "Repeat the same command" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert read_card(folder / "stopped" / "network.npz")["training"]["steps_done"] > 0
    other = command.run([*arguments, "--style_weight=3"], folder)
    assert other.status == 2
    assert_one_sentence(other.stderr.strip().splitlines()[-1])


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_starts_from_another_network(trained, folder):
    (folder / "one").mkdir()
    write_image(folder / "one" / "mine.png", picture(48, 40, seed=5)[0].numpy())
    options = [*OPTIONS, "--style_dir=one", "--num_steps=1", "--learning_rate=1e-7", "--init_from=my_many_styles"]
    lines = {
        "many": ["train", "--network=many_styles", "--output_dir=tuned", *options],
        "other kind": ["train", "--network=arbitrary", "--output_dir=no", *options, "--validation_pairs=0"],
    }
    outcomes = command.run_lines(lines, folder)
    assert outcomes["many"].status == 0, outcomes["many"].stderr
    assert outcomes["other kind"].status == 2
    assert "is a network of kind many_styles" in outcomes["other kind"].stderr
    tuned, start = (read_weights(folder / name / "network.npz") for name in ("tuned", "my_many_styles"))
    assert read_card(folder / "tuned" / "network.npz")["styles"] == ["mine"]
    np.testing.assert_allclose(tuned["table/embeddings"][0], start["table/embeddings"][0], atol=1e-3)
    np.testing.assert_allclose(tuned["table/embeddings"][1], start["table/embeddings"][1:].mean(0), atol=1e-3)


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_learns_from_a_teacher(trained, folder):
    options = [
        "train",
        *OPTIONS,
        "--num_steps=1",
        "--content_weight=0",
        "--style_weight=0",
        "--transport_weight=0",
        "--color_transport_weight=0",
    ]
    lines = {
        "taught": [*options, "--network=many_styles", "--output_dir=taught", "--teacher=my_arbitrary"],
        "arbitrary": [*options, "--network=arbitrary", "--output_dir=no", "--teacher=my_arbitrary"],
        "no weight": [*options, "--network=many_styles", "--output_dir=no", "--teacher=my_arbitrary",
                      "--reconstruction_weight=0"],
        "named styles": [*options, "--network=many_styles", "--output_dir=no", "--teacher=my_many_styles"],
    }  # fmt: skip
    outcomes = command.run_lines(lines, folder)
    assert outcomes["taught"].status == 0, outcomes["taught"].stderr
    training = read_card(folder / "taught" / "network.npz")["training"]
    assert training["teacher"] == "my_arbitrary"
    assert set(training["losses"]) == {RECONSTRUCTION, f"{RECONSTRUCTION}_features", "total_variation"}
    for name in ("arbitrary", "no weight", "named styles"):
        assert outcomes[name].status == 2
        assert "--teacher" in outcomes[name].stderr
        assert_one_sentence(outcomes[name].stderr.strip().splitlines()[-1])
    assert not (folder / "no").exists()


def two_devices():
    """Makes TensorFlow see two devices, and trains on both."""
    from tf_style.jobs.training import session

    devices = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    session._strategy = lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.mark.slow
def test_two_devices_learn_what_one_learns(folder):
    """The gradient of a batch is the mean over its halves: the same pictures give the same weights.

    Clipping is switched off here, since each device clips its own share.
    """
    short = ["--num_steps=2", "--validation_pairs=0", "--average_decay=0", "--gradient_norm=1e9"]
    arguments = ["train", "--network=many_styles", "--output_dir=two", *OPTIONS, *short]
    process = command.fork(arguments, folder, setup=two_devices)
    _, stderr = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, stderr
    single = command.run([*arguments, "--output_dir=single"], folder)
    assert single.status == 0, single.stderr
    two, one = (read_weights(folder / name / "network.npz") for name in ("two", "single"))
    for name, value in one.items():
        differs = np.abs(two[name] - value) > 1e-4  # a tenth of a step: where a gradient is 0 but for rounding
        assert differs.mean() < 0.1, name

"""Training of networks: it learns, it goes on where it was killed, and it refuses what cannot work in one sentence."""

import json
import math
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import command
from tests.materials import assert_one_sentence, picture, tiny_kernels, tiny_vgg
from tf_style.backbones.weights import write_kernels
from tf_style.build.network import default_encoder
from tf_style.build.training import build_trainer, find_encoder, keras_optimizer, training_objective
from tf_style.config import ConfigError, TrainConfig, TrainFiles
from tf_style.images import write_image
from tf_style.jobs.training.data import TrainingData
from tf_style.jobs.training.session import TrainingSession
from tf_style.losses import content_loss, style_loss
from tf_style.networks.arbitrary import ENCODER_LAYERS, ArbitraryStyleNetwork
from tf_style.networks.archive import read_card, read_weights
from tf_style.networks.many_styles import ManyStylesNetwork
from tf_style.networks.sources import DataError
from tf_style.networks.training import COLORS, RECONSTRUCTION, RunningAverage, Trainer

LAYERS = ("block2_conv1",)
KINDS = ("arbitrary", "many_styles")
STYLES = picture(40, 40, seed=7), picture(40, 40, seed=8)


def trainer(kind, seed=0, learning_rate=3e-3):
    """A trainer of a tiny network under tiny losses."""
    keras.utils.set_random_seed(seed)
    backbone = tiny_vgg((*ENCODER_LAYERS, *LAYERS))
    objective = (
        content_loss(LAYERS)
        + 5.0 * style_loss(LAYERS, statistic="mean_std")
        + 5.0 * content_loss(("image",), name=RECONSTRUCTION)
    )
    network = ArbitraryStyleNetwork(backbone, (4, 4, 8, 8)) if kind == "arbitrary" else ManyStylesNetwork(("a", "b"))
    made = Trainer(network, backbone, objective, keras.optimizers.Adam(learning_rate))
    if kind == "many_styles":
        made.prepare_styles(list(STYLES))
    return made


def batch(kind):
    contents = tf.concat([picture(32, 32, seed=seed) for seed in range(4)], 0)
    styles = tf.constant([0, 1, 0, 1]) if kind == "many_styles" else tf.concat([*STYLES, *STYLES], 0)
    return contents, styles, tf.constant([False, False, False, True])


# --- a step -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_training_lowers_the_losses(kind):
    made, data = trainer(kind), batch(kind)
    step = tf.function(made.step)
    totals = [float(tf.add_n(list(step(*data).values()))) for _ in range(60)]
    assert np.isfinite(totals).all()
    assert np.mean(totals[-5:]) < 0.6 * np.mean(totals[:5])


@pytest.mark.parametrize("kind", KINDS)
def test_the_backbone_stays_as_it_is(kind):
    made = trainer(kind)
    before = [np.array(weight) for weight in made.backbone.weights]
    made.step(*batch(kind))
    for weight, value in zip(made.backbone.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), value)


@pytest.mark.parametrize("kind", KINDS)
def test_neutral_pictures_count_by_reconstruction_only_and_others_by_style_only(kind):
    made = trainer(kind)
    contents, styles, _ = batch(kind)
    every = tf.fill([4], True)
    assert float(made.losses(contents, styles, every)[0]["style"]) == 0.0
    assert float(made.losses(contents, styles, every)[0][RECONSTRUCTION]) > 0.0
    assert float(made.losses(contents, styles, ~every)[0]["style"]) > 0.0
    assert float(made.losses(contents, styles, ~every)[0][RECONSTRUCTION]) == 0.0


def test_style_losses_of_flat_styles_are_softened():
    """Near the target they count as they are, far from it by their logarithm."""
    made = trainer("many_styles")
    contents, styles, _ = batch("many_styles")
    none = tf.fill([4], False)
    losses, image = made.losses(contents, styles, none)
    targets = tf.nest.map_structure(lambda target: tf.gather(target, styles), made._style_targets)
    style = made.objective.reading("styles")
    plain = style.losses(made.features(image), targets)["style"].numpy()
    limit = 5.0 * 3.0
    np.testing.assert_allclose(float(losses["style"]), np.mean(limit * np.log1p(plain / limit)), rtol=1e-4)


def test_with_a_teacher_its_paintings_are_what_is_to_come_out():
    made = trainer("many_styles")
    teacher = ArbitraryStyleNetwork(made.backbone, (4, 4, 8, 8))
    made.prepare_styles(list(STYLES), teacher)
    contents, styles, neutral = batch("many_styles")
    losses, image = made.losses(contents, styles, neutral)
    codes = tf.concat([teacher.encode_style(style) for style in STYLES], 0)
    painted = teacher.paint(teacher.encode_content(contents), tf.gather(codes, styles))
    wanted = np.concatenate([np.clip(painted, 0, 1)[:3], contents[3:]])
    errors = np.sum((image - wanted) ** 2, axis=(1, 2, 3)) / np.sum(wanted**2, axis=(1, 2, 3))
    np.testing.assert_allclose(losses[RECONSTRUCTION], 5.0 * errors.mean(), rtol=1e-4)
    assert float(losses["style"]) > 0.0


def test_colors_are_compared_without_strokes():
    """Of a picture that differs from what it should be by a checkerboard, nothing is seen; by a stain, all of it."""
    made = trainer("many_styles")
    made.objective = content_loss((COLORS,), name=COLORS)
    made.prepare_styles(list(STYLES))
    contents, styles, neutral = batch("many_styles")
    board = 0.1 * (2.0 * (np.indices((32, 32)).sum(0) % 2) - 1.0)[None, ..., None]
    stain = np.zeros((1, 32, 32, 1))
    stain[:, :8, 8:16] = 0.1
    losses = []
    for change in (0.0, board, stain):
        made.network.paint = lambda content, code, change=change: content + tf.constant(change, tf.float32)
        losses.append(float(made.losses(contents, styles, neutral)[0][COLORS]))
    pooled = made.features(contents)[COLORS].numpy()
    np.testing.assert_allclose(losses[:2], 0.0, atol=1e-9)
    wanted = 3 * 0.1**2 / np.sum(pooled**2, axis=(1, 2, 3))
    np.testing.assert_allclose(losses[2], wanted.mean(), rtol=1e-3)


def test_a_teacher_learns_nothing_and_is_matched():
    made = trainer("many_styles", learning_rate=1e-2)
    teacher = ArbitraryStyleNetwork(made.backbone, (4, 4, 8, 8))
    made.objective = 5.0 * content_loss(("image",), name=RECONSTRUCTION)
    made.prepare_styles(list(STYLES), teacher)
    weights = [variable for layer in teacher.all_layers for variable in layer.weights]
    before = [np.array(weight) for weight in weights]
    step, data = tf.function(made.step), batch("many_styles")
    losses = [float(step(*data)[RECONSTRUCTION]) for _ in range(100)]
    assert np.mean(losses[-5:]) < 0.2 * losses[0]
    for weight, value in zip(weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), value)


def test_features_of_the_encoder_are_those_of_the_backbone():
    """Sharing them saves work and changes nothing."""
    shared = trainer("arbitrary")
    apart = Trainer(shared.network, shared.backbone, shared.objective, keras.optimizers.Adam())
    data = batch("arbitrary")
    for name, loss in shared.losses(*data)[0].items():
        np.testing.assert_allclose(loss, apart.losses(*data)[0][name], rtol=1e-5)


def test_the_average_forgets_early_weights_and_gives_the_own_ones_back():
    variable = keras.Variable([0.0])
    average = RunningAverage([variable], 0.999)
    for step in range(1, 51):
        variable.assign([1.0 if step > 10 else 0.0])
        average.update(tf.constant(step))
    with average.in_place():
        assert 0.9 < float(variable[0]) < 1.0  # a fixed decay would be at 0.04
    assert float(variable[0]) == 1.0
    last = RunningAverage([variable], 0.0)
    variable.assign([3.0])
    last.update(tf.constant(1))
    assert float(last.values[0][0]) == 3.0


def test_another_archive_for_the_losses_leaves_the_encoder_alone(tmp_path):
    """Painting encodes with the embedded weights, so training must too."""
    write_kernels(tmp_path / "other.npz", tiny_kernels())
    made = build_trainer(TrainConfig(weights=str(tmp_path / "other.npz"), compute_dtype="float32"))
    assert made.network.channels == tuple(len(default_encoder()[layer][1]) for layer in ENCODER_LAYERS)


@pytest.mark.parametrize(("files", "words"), [(("a/wave.png", "b/wave.png"), "2 styles"), (("a,b.png",), "comma")])
def test_styles_that_could_not_be_asked_for_are_refused(tmp_path, files, words):
    for file in ("photo/one.png", "photo/two.png", *(f"style/{file}" for file in files)):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        write_image(tmp_path / file, picture(40, 40)[0].numpy())
    config = TrainConfig(network="many_styles")
    options = {"content_dir": str(tmp_path / "photo"), "style_dir": str(tmp_path / "style"), "output_dir": "x"}
    with pytest.raises(DataError, match=words) as caught:
        TrainingData(config, TrainFiles(**options, validation_pairs=1))
    assert_one_sentence(caught.value)


# --- options ----------------------------------------------------------------------------------------------------------


def test_the_objective_is_the_engines():
    objective = training_objective(TrainConfig(style_statistics=("gram", "wasserstein"), total_variation_weight=0.0))
    assert [term.name for _, term in objective.terms] == ["content", "style_gram", "style_wasserstein", RECONSTRUCTION]


def test_the_learning_rate_rises_then_falls_to_zero():
    optimizer = keras_optimizer(TrainConfig(num_steps=1000, warm_up_steps=100, learning_rate=0.01))
    schedule = optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 50, 100, 500, 1000)]
    assert rates[0] == 0.0
    np.testing.assert_allclose(rates[1:3], [0.005, 0.01], rtol=1e-4)
    assert 0.0 < rates[3] < 0.01
    assert rates[4] < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_builds_from_options(kind):
    config = TrainConfig(network=kind, compute_dtype="float32", style_layers=("conv1_1",), content_layers=("conv2_1",))
    made = build_trainer(config, ("a",), find_encoder(config))
    assert made.network.kind == kind


def test_an_encoder_of_ones_own(tmp_path):
    write_kernels(tmp_path / "mine.npz", tiny_kernels())
    config = TrainConfig(compute_dtype="float32", style_layers=("conv1_1",), content_layers=("conv2_1",))
    made = build_trainer(config, encoder=find_encoder(config, encoder=str(tmp_path / "mine.npz")))
    assert made.network.channels == (4, 4, 8, 8)
    content = picture(32, 40, seed=1)
    expected = tiny_vgg(ENCODER_LAYERS, padding="replicate_all")(content)
    for layer, features in made.network.encode_content(content).items():
        np.testing.assert_allclose(features, expected[layer], rtol=1e-3, atol=0.2)  # float16


def test_another_encoder_is_another_training(tmp_path):
    """Also under the same name: a checkpoint is not gone on with."""
    for name, seed in (("photos", 0), ("paintings", 10)):
        (tmp_path / name).mkdir()
        for index in range(2):
            write_image(tmp_path / name / f"{index}.png", picture(40, 40, seed=seed + index)[0].numpy())
    config = TrainConfig(
        compute_dtype="float32", style_layers=("conv1_1",), content_layers=("conv2_1",), crop_size=32, batch_size=1
    )
    files = TrainFiles(
        content_dir=str(tmp_path / "photos"),
        style_dir=str(tmp_path / "paintings"),
        output_dir=str(tmp_path / "out"),
        encoder=str(tmp_path / "mine.npz"),
        validation_pairs=0,
    )
    write_kernels(tmp_path / "mine.npz", tiny_kernels())
    session = TrainingSession(config, files)
    next(session.steps())
    session.save()
    assert TrainingSession(config, files).step == 1
    write_kernels(tmp_path / "mine.npz", tiny_kernels(seed=1))
    with pytest.raises(ConfigError, match="other pictures or settings"):
        TrainingSession(config, files)


def test_refused_encoders(tmp_path):
    write_kernels(tmp_path / "short.npz", {"block1_conv1": tiny_kernels()["block1_conv1"]})
    for network, path, part in (
        ("arbitrary", "short.npz", "no layer block2_conv1"),
        ("arbitrary", "nowhere.npz", "is not an archive"),
        ("many_styles", "short.npz", "--encoder is for"),
    ):
        with pytest.raises(ValueError, match=part) as caught:
            find_encoder(TrainConfig(network=network), encoder=str(tmp_path / path))
        assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"crop_size": 100},
        {"content_weight": 0, "style_weight": 0, "reconstruction_weight": 0, "total_variation_weight": 0},
        {"neutral_share": 0.6},
        {"average_decay": 1.0},
        {"style_statistics": ()},
        {"style_statistics": ("grim",)},
        {"style_layer_weights": (1.0,)},
        {"network": "some"},
        {"learning_rate": math.nan},
    ],
    ids=str,
)
def test_refused_options(options):
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**options)
    assert_one_sentence(caught.value)


def test_refused_files():
    with pytest.raises(ConfigError, match="--style_dir") as caught:
        TrainFiles(content_dir="a", output_dir="b")
    assert "--content_dir" in str(caught.value)


# --- the command ------------------------------------------------------------------------------------------------------

OPTIONS = (
    "--content_dir=photos",
    "--style_dir=paintings",
    "--compute_dtype=float32",
    "--num_steps=6",
    "--batch_size=2",
    "--crop_size=32",
    "--style_size=40",
    "--style_layers=conv1_1,conv2_1",
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
def test_learns_from_a_teacher(trained, folder):
    options = ["train", *OPTIONS, "--content_weight=0", "--style_weight=0"]
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
    assert set(training["losses"]) == {RECONSTRUCTION, "total_variation"}
    for name in ("arbitrary", "no weight", "named styles"):
        assert outcomes[name].status == 2
        assert "--teacher" in outcomes[name].stderr
        assert_one_sentence(outcomes[name].stderr.strip().splitlines()[-1])
    assert not (folder / "no").exists()


_TWO_DEVICES = """
import sys, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import tf_style.jobs.training.session as session
session._strategy = lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
from tf_style.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_two_devices_learn_what_one_learns(folder, tmp_path):
    """The gradient of a batch is the mean over its halves: with the same pictures, the same weights.

    But where it is cut to a norm, which each device does with its own share.
    """
    import subprocess
    import sys

    short = ["--num_steps=2", "--validation_pairs=0", "--average_decay=0", "--gradient_norm=1e9"]
    arguments = ["train", "--network=many_styles", "--output_dir=two", *OPTIONS, *short]
    outcome = subprocess.run(
        [sys.executable, "-c", _TWO_DEVICES, *arguments], cwd=folder, env=command.environment(tmp_path), text=True,
        capture_output=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    single = command.run([*arguments, "--output_dir=single"], folder)
    assert single.status == 0, single.stderr
    two, one = (read_weights(folder / name / "network.npz") for name in ("two", "single"))
    for name, value in one.items():
        differs = np.abs(two[name] - value) > 1e-4  # a tenth of a step: where a gradient is 0 but for rounding
        assert differs.mean() < 0.1, name

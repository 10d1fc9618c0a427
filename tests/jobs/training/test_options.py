"""Options and files of a training: what is built from them, and what is refused in one sentence."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import assert_one_sentence, picture, tiny_kernels, tiny_vgg
from tf_style.backbones.weights import write_kernels
from tf_style.build.network import default_encoder
from tf_style.build.training import (
    build_trainer,
    content_factor,
    find_encoder,
    keras_optimizer,
    training_objective,
)
from tf_style.config import ConfigError, TrainConfig, TrainFiles
from tf_style.images import write_image
from tf_style.jobs.training.data import TrainingData
from tf_style.jobs.training.session import TrainingSession
from tf_style.networks.arbitrary import ENCODER_LAYERS
from tf_style.networks.sources import DataError
from tf_style.networks.training_losses import RECONSTRUCTION

KINDS = ("arbitrary", "many_styles")


def test_another_archive_for_the_losses_leaves_the_encoder_alone(tmp_path):
    """Painting encodes with the embedded weights, so training must too."""
    write_kernels(tmp_path / "other.npz", tiny_kernels())
    made = build_trainer(TrainConfig(weights=str(tmp_path / "other.npz"), compute_dtype="float32"))
    assert made.network.channels == tuple(len(default_encoder()[layer][1]) for layer in ENCODER_LAYERS)


@pytest.mark.parametrize(("files", "words"), [(("a/wave.png", "b/wave.png"), "2 style"), (("a,b.png",), "comma")])
def test_styles_that_could_not_be_asked_for_are_refused(tmp_path, files, words):
    for file in ("photo/one.png", "photo/two.png", *(f"style/{file}" for file in files)):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        write_image(tmp_path / file, picture(40, 40)[0].numpy())
    config = TrainConfig(network="many_styles")
    options = {"content_dir": str(tmp_path / "photo"), "style_dir": str(tmp_path / "style"), "output_dir": "x"}
    with pytest.raises(DataError, match=words) as caught:
        TrainingData(config, TrainFiles(**options, validation_pairs=1))
    assert_one_sentence(caught.value)


def test_the_objective_is_the_engines():
    objective = training_objective(TrainConfig(style_statistics=("gram", "wasserstein"), total_variation_weight=0.0))
    assert [term.name for _, term in objective.terms] == [
        "content", "style_gram", "style_wasserstein", "transport", "color_transport", RECONSTRUCTION,
        f"{RECONSTRUCTION}_features",
    ]  # fmt: skip


def test_the_content_counts_more_at_first():
    factor = content_factor(TrainConfig(num_steps=100, content_start=3.0))
    np.testing.assert_allclose([float(factor(tf.constant(step))) for step in (0.0, 20.0, 40.0, 99.0)], [3, 2, 1, 1])


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


@pytest.mark.usefixtures("eagerly")
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
        {
            f"{name}_weight": 0
            for name in ("content", "style", "transport", "color_transport", "reconstruction", "total_variation")
        },
        {"neutral_share": 0.6},
        {"average_decay": 1.0},
        {"style_statistics": ()},
        {"style_statistics": ("grim",)},
        {"style_layer_weights": (1.0,)},
        {"content_layer_weights": (1.0,)},
        {"stability_weight": 1.0},  # the network for any style takes noise, which belongs to places
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

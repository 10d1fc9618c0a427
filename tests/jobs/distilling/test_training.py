"""A fitted backbone is trained: losses, noise, pictures, files, and options that are refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.jobs.distilling.students import IMAGES, LAYERS, features_of, fitted
from tests.materials import assert_one_sentence, picture, tiny_kernels
from tf_style.backbones.weights import write_kernels
from tf_style.build.distillation import build_distiller, student_widths, teacher_kernels
from tf_style.config import ConfigError, DistillConfig, DistillFiles
from tf_style.jobs.distilling.data import DistillationData
from tf_style.jobs.training.state import load_state, save_state
from tf_style.networks.sources import DataError

# --- training ---------------------------------------------------------------------------------------------------------


def distiller(**options):
    keras.utils.set_random_seed(0)
    layers = LAYERS[:4]
    config = DistillConfig(
        layers=layers, channels=(3, 2, 3, 3), num_steps=80, warm_up_steps=5, **{"compute_dtype": "float32", **options}
    )
    teacher = {layer: tiny_kernels()[layer] for layer in layers}
    return build_distiller(config, teacher, fitted(student_widths(config), teacher))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_training_lowers_the_errors_of_other_pictures(dtype):
    made = distiller(learning_rate=1e-2, noise=0.0, compute_dtype=dtype)
    other = tf.concat([picture(64, 64, seed=seed) for seed in (50, 51)], 0)

    def error():
        wrong, whole = made.errors(other)
        return float(wrong["block2_conv2"]) / float(whole["block2_conv2"])

    before, step = error(), tf.function(made.step, autograph=False)
    losses = [step(tf.constant(IMAGES[:8]), tf.constant([0, number])) for number in range(80)]
    assert {"features", "gram"} == set(losses[0])
    assert float(losses[-1]["features"]) < 0.8 * float(losses[0]["features"])
    assert error() < 0.8 * before
    kernels, found = made.kernels(), made.student(tf.constant(IMAGES))["block2_conv2"]
    tolerance = 1e-3 if dtype == "float32" else 0.03
    written = features_of(kernels)["block2_conv2"]
    assert float(tf.norm(found - written) / tf.norm(written)) < tolerance
    assert {variable.dtype for variable in made.variables} == {"float32"}


def test_layers_count_by_their_weights():
    """Of two layers, the first in full and the other not at all."""
    images = tf.constant(IMAGES[:4])
    whole, first, second = (
        distiller(layer_weights=weights)._losses(images, distiller()._targets(images))
        for weights in ((), (3.0, 0.0, 3.0, 0.0), (0.0, 2.0, 0.0, 2.0))
    )
    for name in ("features", "gram"):
        np.testing.assert_allclose((first[name] + second[name]) / 2, whole[name], rtol=1e-4)
        assert not np.isclose(first[name], second[name], rtol=0.05)


def test_noise_is_added_by_seed():
    made = distiller(noise=0.2)
    images = tf.constant(IMAGES[:4])
    one, same, other = (made._roughen(images, tf.constant([0, number])).numpy() for number in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01
    assert one.min() >= 0.0
    assert one.max() <= 1.0
    deviations = (one - images.numpy()).std(axis=(1, 2, 3))
    assert deviations.max() < 0.21
    assert deviations.std() > 0.01


# --- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"channels": (1, 2)}, "one for each"),
        ({"channels": (0,) * 5}, "at least 1"),
        ({"layers": ()}, "layers is empty"),
        ({"layer_weights": (1.0,)}, "layer_weights"),
        ({"layer_weights": (0.0,) * 13}, "layer_weights are all 0"),
        ({"crop_size": 100}, "multiple of 16"),
        ({"average_decay": 1.0}, "below 1"),
        ({"feature_weight": 0.0, "gram_weight": 0.0}, "both 0"),
        ({"teacher": "vgg"}, "Did you mean"),
    ],
    ids=str,
)
def test_refused_options(options, part):
    with pytest.raises(ConfigError, match=part) as caught:
        DistillConfig(**options)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    ("layers", "part"),
    [
        (("conv1_1", "conv9_1", "conv2_1", "conv2_2", "conv3_1"), "Unknown layer.*Did you mean"),
        (("conv1_1", "block1_conv1", "conv2_1", "conv2_2", "conv3_1"), "named once"),
        (("conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3"), "layers has none of block1"),
        (("conv1_2", "conv1_1", "conv2_1", "conv2_2", "conv3_1"), "order"),
        (("conv1_1", "conv1_2", "conv3_1", "conv3_2", "conv3_3"), "layers has none of block2"),
        (("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2"), "at most"),
    ],
)
def test_refused_layers(layers, part, tmp_path):
    write_kernels(tmp_path / "tiny.npz", tiny_kernels())
    channels = (2,) * 5 if len(layers) == 5 else (2, 2, 2, 2, 8, 9)
    config = DistillConfig(
        teacher="compact_vgg19", weights=str(tmp_path / "tiny.npz"), layers=layers, channels=channels
    )
    with pytest.raises(ValueError, match=part) as caught:
        teacher_kernels(config)
    assert_one_sentence(caught.value)


# --- pictures ---------------------------------------------------------------------------------------------------------


def data(folder, **options):
    files = DistillFiles(
        picture_dirs=(str(folder / "photos"), str(folder / "paintings")), output_dir="x", validation_pictures=1
    )
    return DistillationData(DistillConfig(crop_size=32, batch_size=3, **options), files)


def test_crops_go_on_where_they_ended_and_come_from_each_folder_in_turn(folder):
    found = data(folder)
    assert found.num_pictures == 7
    assert found.validation().shape == (2, 256, 256, 3)
    batches = [(images.numpy(), seed.numpy()) for images, seed in found.batches(0).take(4)]
    for step in range(4):
        images, seed = next(iter(data(folder).batches(step)))
        np.testing.assert_array_equal(images, batches[step][0])
        np.testing.assert_array_equal(seed, batches[step][1])
    np.testing.assert_array_equal(found.first(6), np.concatenate([batches[0][0], batches[1][0]]))
    only = DistillFiles(picture_dirs=(str(folder / "photos"),), output_dir="x", validation_pictures=1)
    photos = DistillationData(DistillConfig(crop_size=32, batch_size=3), only)
    np.testing.assert_array_equal(photos.first(2)[0], found.first(1)[0])


def test_names_the_picture_that_cannot_be_read(folder, tmp_path):
    """Also where a batch ends between two folders, whose pictures are read together."""
    names = ("photos", "paintings", "sketches")
    for name in names:
        (tmp_path / name).mkdir()
        for path in (folder / "photos").iterdir():
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    files = DistillFiles(
        picture_dirs=tuple(str(tmp_path / name) for name in names), output_dir="x", validation_pictures=1
    )
    found = DistillationData(DistillConfig(crop_size=32, batch_size=1), files)
    for path in (tmp_path / "sketches").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(DataError, match="sketches") as caught:
        found.first(1)
    assert_one_sentence(caught.value)
    batches = iter(found.batches(0))
    with pytest.raises(DataError, match="sketches"), found.reading_batch(0):
        next(batches)


def test_too_few_pictures_to_keep_some(folder):
    files = DistillFiles(picture_dirs=(str(folder / "paintings"),), output_dir="x", validation_pictures=4)
    with pytest.raises(DataError, match="hold out fewer") as caught:
        DistillationData(DistillConfig(), files)
    assert_one_sentence(caught.value)


# --- files ------------------------------------------------------------------------------------------------------------


def test_weights_beyond_float16_are_not_written(tmp_path):
    kernel, bias = tiny_kernels()["block1_conv1"]
    with pytest.raises(ValueError, match="block1_conv1/bias") as caught:
        write_kernels(tmp_path / "b.npz", {"block1_conv1": (kernel, bias + 1e6)})
    assert_one_sentence(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_state_without_finite_values_does_not_take_the_place_of_another(tmp_path):
    path = tmp_path / "checkpoint.npz"
    save_state(path, "me", {"step": 1}, {"a": np.ones(2)})
    save_state(path, "me", {"step": 2}, {"a": np.array([1.0, np.nan])})
    facts, arrays = load_state(path, "me", "start over")
    assert facts == {"step": 1}
    np.testing.assert_array_equal(arrays["a"], np.ones(2))


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04"], ids=str)
def test_refuses_what_is_no_state(tmp_path, content):
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not a checkpoint") as caught:
        load_state(path, "me", "start over")
    assert_one_sentence(caught.value)
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(ConfigError, match="not a checkpoint"):
        load_state(path, "me", "start over")
    save_state(path, "another", {}, {})
    with pytest.raises(ConfigError, match="start over"):
        load_state(path, "me", "start over")

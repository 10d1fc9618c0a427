"""A narrow backbone from a wide one: channels, fit, training, and the command around them."""

import json
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import command
from tests.materials import assert_one_sentence, picture, tiny_kernels
from tf_style.backbones import compact_channels, compact_kernels, compact_readouts, compact_vgg19, vgg_features
from tf_style.backbones.weights import write_kernels
from tf_style.build.distillation import build_distiller, student_widths, teacher_kernels
from tf_style.config import ConfigError, DistillConfig, DistillFiles
from tf_style.distillation.fitting import fit_convolution, patches
from tf_style.distillation.initialization import fit_student
from tf_style.distillation.readouts import fit_readouts
from tf_style.distillation.selection import choose_channels
from tf_style.images import write_image
from tf_style.jobs.distilling.data import DistillationData
from tf_style.jobs.training.state import load_state, save_state
from tf_style.losses import Objective, content_loss, style_loss
from tf_style.networks.sources import DataError
from tf_style.types import References

LAYERS = tuple(tiny_kernels())
IMAGES = np.concatenate([picture(64, 64, seed=seed).numpy() for seed in range(12)])


def features_of(kernels, images=IMAGES):
    return vgg_features("features", kernels, list(kernels), "max", "zero", "float32")(tf.constant(images))


def errors_of(student, teacher=None, images=IMAGES):
    """By layer, squared errors of the student's features relative to the teacher's."""
    features, wanted = features_of(student.kernels, images), features_of(teacher or tiny_kernels(), images)
    errors = {}
    for layer, chosen in student.channels.items():
        goal = wanted[layer].numpy()[..., chosen]
        errors[layer] = float(((features[layer].numpy() - goal) ** 2).sum() / (goal**2).sum())
    return errors


def fitted(widths, teacher=None, images=IMAGES):
    *_, (_, student) = fit_student(teacher or tiny_kernels(), widths, images)
    return student


# --- channels ---------------------------------------------------------------------------------------------------------


def test_channels_that_others_follow_from_are_chosen():
    """Of six channels three are sums of the others, and one never is active."""
    rng = np.random.default_rng(0)
    own = np.abs(rng.normal(size=(500, 3)))
    activations = np.stack([0 * own[:, 0], own[:, 0], own[:, 1], own[:, 0] + own[:, 1], own[:, 2], 5 * own[:, 2]], 1)
    for count, rank in ((3, 3), (4, 3), (5, 3)):
        chosen = choose_channels(activations.T @ activations / 500, count)
        assert sorted(set(chosen)) == list(chosen)
        assert len(chosen) == count
        assert np.linalg.matrix_rank(activations[:, chosen]) == rank
        assert 0 not in chosen


def test_all_channels_may_be_chosen():
    np.testing.assert_array_equal(choose_channels(np.zeros((3, 3)), 3), [0, 1, 2])
    for count in (0, 4):
        with pytest.raises(ValueError, match="1 to 3") as caught:
            choose_channels(np.eye(3), count)
        assert_one_sentence(caught.value)


# --- fit --------------------------------------------------------------------------------------------------------------


def test_patches_are_what_a_convolution_sees():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(2, 5, 6, 3)).astype(np.float32)
    kernel = rng.normal(size=(3, 3, 3, 4)).astype(np.float32)
    rows, columns = np.array([[0, 2, 4], [4, 0, 1]]), np.array([[0, 3, 5], [0, 5, 2]])
    expected = tf.nn.conv2d(inputs, kernel, 1, "SAME").numpy()[np.arange(2)[:, None], rows, columns].reshape(6, 4)
    np.testing.assert_allclose(patches(inputs, rows, columns) @ kernel.reshape(27, 4), expected, rtol=1e-4, atol=1e-4)


def test_a_convolution_is_found_again():
    rng = np.random.default_rng(0)
    seen = rng.normal(3.0, 1.0, (2000, 18)).astype(np.float32)
    kernel, bias = rng.normal(size=(3, 3, 2, 5)).astype(np.float32), rng.normal(size=5).astype(np.float32)
    found_kernel, found_bias = fit_convolution(seen, seen @ kernel.reshape(18, 5) + bias)
    np.testing.assert_allclose(found_kernel, kernel, atol=1e-3)
    np.testing.assert_allclose(found_bias, bias, atol=1e-2)


def test_rectified_steps_bring_what_relu_leaves_nearer():
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(4000, 9)).astype(np.float32)
    answers = (seen[:, :3] - 0.5) ** 3 * np.where(
        seen[:, :3] < 0.5, 9.0, 1.0
    )  # what is negative is far away, and curved

    def error(steps):
        kernel, bias = fit_convolution(seen, answers.astype(np.float32), rectified_steps=steps)
        fit = seen @ kernel.reshape(9, 3) + bias
        return np.mean((np.maximum(fit, 0) - np.maximum(answers, 0)) ** 2)

    assert error(8) < 0.7 * error(0)


def test_a_student_of_full_width_is_its_teacher():
    student = fitted({layer: len(bias) for layer, (_, bias) in tiny_kernels().items()})
    for layer, error in errors_of(student).items():
        assert error < 1e-3, layer


def test_a_narrow_student_is_near_and_layers_may_be_left_out():
    """Nearer than what the same channels would be without any fit: the teacher's kernels, cut."""
    widths = {
        layer: (3 if "block1" in layer else 6) for layer in LAYERS if layer not in ("block3_conv3", "block4_conv3")
    }
    widths["block2_conv1"] = widths["block2_conv2"] = 4
    student = fitted(widths)
    assert list(student.kernels) == list(widths)
    assert [kernel.shape[-1] for kernel, _ in student.kernels.values()] == list(widths.values())
    errors = errors_of(student)
    cut, before = {}, np.arange(3)
    for layer, chosen in student.channels.items():
        kernel, bias = tiny_kernels()[layer]
        cut[layer], before = (kernel[:, :, before % kernel.shape[2]][..., chosen], bias[chosen]), chosen
    blind = errors_of(student._replace(kernels=cut))
    assert errors["block1_conv1"] < 1e-6
    assert all(errors[layer] < 0.65 * blind[layer] for layer in list(widths)[1:])
    assert max(errors.values()) < 0.25


def test_same_seed_same_student():
    widths = {"block1_conv1": 3, "block1_conv2": 3}
    one, same = (fitted(widths).kernels["block1_conv2"][0] for _ in range(2))
    np.testing.assert_array_equal(one, same)
    *_, (_, other) = fit_student(tiny_kernels(), widths, IMAGES, seed=1)
    assert np.abs(one - other.kernels["block1_conv2"][0]).max() > 1e-6


# --- readouts ---------------------------------------------------------------------------------------------------------


def test_distances_through_readouts_are_those_of_all_channels():
    """A teacher whose further channels are sums and multiples of its student's."""
    kernels = tiny_kernels()
    narrow = vgg_features("narrow", kernels, LAYERS[:3], "max", "zero", "float32")
    rng = np.random.default_rng(0)
    sums = {layer: np.abs(rng.normal(size=(len(kernels[layer][1]), 9))).astype(np.float32) for layer in LAYERS[:3]}

    def wide(image):
        return {layer: value @ sums[layer] for layer, value in narrow(image).items()}

    readouts = fit_readouts(wide, narrow, IMAGES)
    mixed = vgg_features("mixed", kernels, LAYERS[:3], "max", "zero", "float32", readouts=readouts)
    one, other = tf.constant(IMAGES[:1]), tf.constant(IMAGES[1:2])
    for layer in LAYERS[:3]:
        for loss in (content_loss([layer]), style_loss([layer])):
            objective = Objective(loss.terms)
            found, wanted = (
                sum(objective.losses(eye(one), objective.targets(References(eye(other), (eye(other),)))).values())
                for eye in (mixed, wide)
            )
            np.testing.assert_allclose(found, wanted, rtol=1e-2, err_msg=layer)


def test_readouts_of_the_teacher_count():
    """As if its features came out mixed."""
    kernels, layer = tiny_kernels(), LAYERS[0]
    channels = kernels[layer][1].size
    mixed = {layer: np.random.default_rng(0).normal(size=(channels, channels)).astype(np.float32)}
    plain, mixing = (
        vgg_features("tiny", kernels, [layer], "max", "zero", "float32", readouts=readouts)
        for readouts in (None, mixed)
    )

    def narrow(image):
        return {layer: plain(image)[layer][..., :2]}

    found, expected, unmixed = (
        fit_readouts(*arguments)[layer]
        for arguments in ((plain, narrow, IMAGES, mixed), (mixing, narrow, IMAGES), (plain, narrow, IMAGES))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(unmixed, expected, rtol=1e-2)


def test_readouts_change_no_deeper_layer():
    readout = {LAYERS[0]: np.full((4, 2), 0.5, np.float32)}
    plain, mixed = (
        vgg_features("tiny", tiny_kernels(), LAYERS[:2], "max", "zero", "float32", readouts=readouts)(IMAGES)
        for readouts in (None, readout)
    )
    np.testing.assert_allclose(mixed[LAYERS[0]], plain[LAYERS[0]] @ readout[LAYERS[0]], rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(mixed[LAYERS[1]], plain[LAYERS[1]])


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

    before, step = error(), tf.function(made.step)
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
        (("conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3"), "No layer of block1"),
        (("conv1_2", "conv1_1", "conv2_1", "conv2_2", "conv3_1"), "order"),
        (("conv1_1", "conv1_2", "conv3_1", "conv3_2", "conv3_3"), "No layer of block2"),
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distillation")
    for name, seed, count in (("photos", 0, 5), ("paintings", 100, 4)):
        (folder / name).mkdir()
        for index in range(count):
            write_image(folder / name / f"{name}_{index}.png", picture(48, 40, seed=seed + index)[0].numpy())
    write_kernels(folder / "tiny.npz", tiny_kernels())
    return folder


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
    with pytest.raises(DataError, match="keep fewer") as caught:
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


# --- the command ------------------------------------------------------------------------------------------------------

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

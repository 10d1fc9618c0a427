"""A narrow backbone is fitted to a wide one: which channels, their kernels, and readouts."""

import numpy as np
import pytest
import tensorflow as tf

from tests.jobs.distilling.students import IMAGES, LAYERS, errors_of, fitted
from tests.materials import assert_one_sentence, tiny_kernels
from tf_style.backbones import vgg_features
from tf_style.distillation.fitting import fit_convolution, patches
from tf_style.distillation.initialization import fit_student
from tf_style.distillation.readouts import fit_readouts
from tf_style.distillation.selection import choose_channels
from tf_style.losses import Objective, content_loss, style_loss
from tf_style.types import References

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

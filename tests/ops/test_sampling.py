"""Pictures moved along a flow, and patches of them."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import picture
from tf_style.ops import random_patches, warp


def flow(right, down, size=(20, 24)):
    return tf.constant(np.broadcast_to(np.float32([right, down]), (1, *size, 2)))


def test_whole_steps_are_exact():
    image = picture(20, 24, seed=1)
    moved = warp(image, flow(3, -2))
    np.testing.assert_array_equal(moved[:, 2:, :-3], image[:, :-2, 3:])
    np.testing.assert_array_equal(moved[:, 2:, -3:], tf.repeat(image[:, :-2, -1:], 3, axis=2))  # beyond the edge


def test_slopes_and_parabolas_are_exact():
    x = np.arange(24, dtype=np.float32)
    image = tf.constant(np.broadcast_to(np.stack([x, x * x / 24, 1 + 0 * x], -1), (1, 20, 24, 3)))
    moved = warp(image, flow(0.3, 0.7)).numpy()[:, 2:-2, 2:-2]
    shifted = x[2:-2] + 0.3
    np.testing.assert_allclose(
        moved, np.broadcast_to(np.stack([shifted, shifted**2 / 24, 1 + 0 * shifted], -1), moved.shape), rtol=1e-5
    )


def test_a_batch_with_a_flow_for_each_or_one_for_all():
    images = tf.concat([picture(20, 24, seed=1), picture(20, 24, seed=2)], 0)
    flows = tf.concat([flow(1, 0), flow(0.5, -1.5)], 0)
    both = warp(images, flows)
    for index in range(2):
        single = warp(images[index : index + 1], flows[index : index + 1])
        np.testing.assert_allclose(both[index : index + 1], single, rtol=1e-6)
    np.testing.assert_allclose(warp(images, flow(1, 0))[0], both[0], rtol=1e-6)


@pytest.mark.parametrize("which", ["image", "flow"])
def test_gradient(which):
    """Against differences of values."""
    arguments = {"image": picture(6, 7, seed=1), "flow": flow(0.4, -0.3, (6, 7))}
    weights = picture(6, 7, seed=2)

    def value(tensor):
        return tf.reduce_sum(weights * warp(**{**arguments, which: tensor}))

    with tf.GradientTape() as tape:
        tape.watch(arguments[which])
        found = value(arguments[which])
    gradient = tape.gradient(found, arguments[which]).numpy()
    place = (0, 3, 2, 1)
    step = np.zeros(arguments[which].shape, np.float32)
    step[place] = 1e-2
    expected = (value(arguments[which] + step) - value(arguments[which] - step)) / 2e-2
    np.testing.assert_allclose(gradient[place], expected, rtol=2e-2)


def test_in_a_graph_of_any_size():
    compiled = tf.function(
        warp, input_signature=[tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None] * 3 + [2])]
    )
    image = picture(20, 24, seed=1)
    np.testing.assert_allclose(compiled(image, flow(0.3, 0.2)), warp(image, flow(0.3, 0.2)), atol=1e-6)


def test_a_patch_as_large_as_the_picture_is_the_picture():
    image = picture(32, 32, seed=1, batch=2)
    patches = random_patches(image, tf.constant([0, 0]), number=2, share=1.0, tilt=0.0, side=32)
    np.testing.assert_allclose(patches, tf.stack([image, image], 1), atol=1e-5)


def test_patches_lie_inside_and_are_as_large_as_asked():
    """A picture that holds its own places: x and y."""
    x, y = np.meshgrid(np.arange(80) + 0.5, np.arange(40) + 0.5)
    image = tf.constant(np.stack([x, y, 0 * x], -1)[np.newaxis], tf.float32)
    straight = random_patches(image, tf.constant([3, 4]), number=50, tilt=0.0, side=20)[0].numpy()
    steps = np.diff(straight[..., 0], axis=2)[:, :, 1:-1], np.diff(straight[..., 1], axis=1)[:, 1:-1]
    for step in steps:  # 10 pixels are 20 here; beyond the middle of the picture's last pixel, nothing changes
        np.testing.assert_allclose(step, 0.5, atol=1e-3)
    assert straight[..., 0].min() < 8 and straight[..., 0].max() > 68  # they are everywhere
    askew = random_patches(image, tf.constant([3, 4]), number=50, tilt=0.5, side=20)[0].numpy()
    for axis in (0, 1):
        assert (askew[..., axis].min((1, 2)) >= straight[..., axis].min((1, 2)) - 0.3).all()
        assert (askew[..., axis].max((1, 2)) <= straight[..., axis].max((1, 2)) + 0.3).all()
    assert np.abs(np.diff(askew[..., 1], axis=2)).max() > 0.05  # lines are no longer level

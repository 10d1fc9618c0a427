"""Total variation against values worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import flat_picture, picture
from tf_style.losses import total_variation_loss
from tf_style.ops import total_variation

# One channel's worth, repeated: rows (0, 1) and (3, 5).
SMALL = tf.repeat(tf.constant([0.0, 1.0, 3.0, 5.0], shape=[1, 2, 2, 1]), 3, axis=3)


def test_l1_by_hand():
    # horizontal |1|, |2|: mean 1.5; vertical |3|, |4|: mean 3.5
    np.testing.assert_allclose(total_variation(SMALL, "l1"), [5.0])


def test_l2_by_hand():
    np.testing.assert_allclose(total_variation(SMALL, "l2"), [(1 + 4) / 2 + (9 + 16) / 2])


def test_gradient_by_hand():
    with tf.GradientTape() as tape:
        tape.watch(SMALL)
        value = total_variation(SMALL)
    # each channel is a third of the means; a pixel gets -2 times what it lacks of its neighbours, halved
    expected = np.array([[-1 - 3, 1 - 4], [3 - 2, 4 + 2]]) / 3
    np.testing.assert_allclose(tape.gradient(value, SMALL)[0, :, :, 0], expected, rtol=1e-6)


def test_l2_is_the_default():
    np.testing.assert_array_equal(total_variation(SMALL), total_variation(SMALL, "l2"))


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_flat_is_zero(norm):
    np.testing.assert_array_equal(total_variation(flat_picture(0.7), norm), [0.0])


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_does_not_grow_with_the_picture(norm):
    """A mean, not a sum: four times as many of the same stripes have the same value."""
    stripes = tf.constant(np.tile([0.0, 1.0], 32)[None, None, :, None] * np.ones((1, 64, 1, 3)), tf.float32)
    np.testing.assert_allclose(total_variation(stripes, norm), total_variation(stripes[:, :32, :32], norm))


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_the_term_is_the_function(norm):
    image = picture(32, 40, seed=1, batch=2)
    np.testing.assert_array_equal(
        total_variation_loss(norm)({"image": image}, {"total_variation": ()}), total_variation(image, norm)
    )


@pytest.mark.parametrize("function", [lambda norm: total_variation(SMALL, norm), total_variation_loss])
def test_unknown_norm(function):
    with pytest.raises(ValueError, match=r"Unknown total variation norm 'l3'. Allowed: l1, l2\."):
        function("l3")

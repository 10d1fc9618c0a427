"""Borders from the edges' pixels: those of `tf.pad`, and its gradient, for sizes known or not."""

import numpy as np
import pytest
import tensorflow as tf

from tf_style.ops.padding import edge_pad


@pytest.mark.parametrize("mode", ["symmetric", "reflect"])
@pytest.mark.parametrize(("shape", "size"), [((2, 5, 7, 3), 1), ((1, 9, 6, 2), 2), ((3, 2, 3, 1), 1)])
def test_it_is_padding(shape, size, mode):
    x = tf.random.stateless_normal(shape, [1, 2])
    border = [[0, 0], [size, size], [size, size], [0, 0]]
    weights = tf.random.stateless_normal([shape[0], shape[1] + 2 * size, shape[2] + 2 * size, shape[3]], [3, 4])
    gradients = []
    for pad in (lambda x: edge_pad(x, mode, size), lambda x: tf.pad(x, border, mode)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            padded = pad(x)
            loss = tf.reduce_sum(weights * padded)
        gradients.append((padded, tape.gradient(loss, x)))
    for found, wanted in zip(*gradients, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_known_sizes_stay_known():
    """Also through a function that was traced without them; loops over exported steps need that."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def pad(x):
        return edge_pad(x, "symmetric")

    @tf.function(input_signature=[tf.TensorSpec([1, None, 4, 3])])
    def caller(x):
        assert edge_pad(x, "reflect").shape.as_list() == [1, None, 6, 3]
        assert pad(x).shape.as_list() == [1, None, 6, 3]
        return pad(x)

    assert caller(tf.zeros([1, 8, 4, 3])).shape == (1, 10, 6, 3)

"""Maximum pooling, value and gradient, against TensorFlow's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_style.backbones import pooling
from tf_style.backbones.pooling import MaxPooling


@pytest.fixture(params=[True, False], ids=["oneDNN", "elementwise"], autouse=True)
def fixture_gradient(request, monkeypatch):
    """The gradient where TensorFlow computes with oneDNN, and elsewhere."""
    monkeypatch.setattr(pooling, "uses_onednn", lambda: request.param)


def values_and_gradients(pool, inputs, upstream):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        pooled = pool(inputs)
    return pooled, tape.gradient(pooled, inputs, output_gradients=upstream)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("levels", [1000, 3], ids=["distinct", "ties"])
@pytest.mark.parametrize("size", [(8, 6), (7, 6), (8, 5), (5, 3), (2, 2)])
def test_the_same_as_tensorflow(size, levels, dtype):
    """With 3 levels most windows have several maxima; the first one gets all of the gradient."""
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.integers(levels, size=(2, *size, 4)) / levels, dtype)
    upstream = tf.constant(rng.normal(size=(2, size[0] // 2, size[1] // 2, 4)), dtype)
    ours = values_and_gradients(MaxPooling(dtype=dtype), inputs, upstream)
    theirs = values_and_gradients(lambda value: tf.nn.max_pool2d(value, 2, 2, "VALID"), inputs, upstream)
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(tf.cast(found, tf.float32), tf.cast(expected, tf.float32))


def test_any_size_in_one_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2])])
    def both(inputs):
        pooled = MaxPooling()(inputs)
        return values_and_gradients(MaxPooling(), inputs, tf.ones_like(pooled))

    for size in ((4, 6), (5, 7)):
        inputs = tf.random.stateless_uniform([1, *size, 2], [1, 2])
        pooled, gradient = both(inputs)
        assert pooled.shape == (1, size[0] // 2, size[1] // 2, 2)
        np.testing.assert_array_equal(tf.reduce_sum(gradient, axis=[1, 2]), [[6.0, 6.0]])  # one for each window


def test_comes_back_from_its_config():
    layer = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(MaxPooling(name="pool")))
    assert isinstance(layer, MaxPooling)
    assert layer.name == "pool"

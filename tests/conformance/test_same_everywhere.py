"""Every public tensor function gives the same value eagerly, in `tf.function` and in `dataset.map`."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import picture, tiny_vgg
from tf_style import ops
from tf_style.ops.color import match_mean_and_covariance
from tf_style.ops.matrix import square_root, trace_of_square_root
from tf_style.ops.periodic import wrap_pad

FEATURES = tiny_vgg(("block2_conv1",))(picture(32, 40, seed=1))["block2_conv1"] / 100.0
OTHER = tiny_vgg(("block2_conv1",))(picture(36, 32, seed=2))["block2_conv1"] / 100.0
GRAM = ops.gram_matrix(FEATURES) + 0.1 * tf.eye(4)

FUNCTIONS = {
    "grade": (lambda image: ops.grade(image, 1.2, -0.3), (picture(32, 40, seed=3),)),
    "gram_matrix": (ops.gram_matrix, (FEATURES,)),
    "lay_over": (ops.lay_over, (picture(32, 40, seed=3), picture(32, 40, seed=4), picture(32, 40, seed=5)[..., :1])),
    "mean_and_std": (ops.mean_and_std, (FEATURES,)),
    "moments": (ops.moments, (FEATURES,)),
    "random_patches": (
        lambda image: ops.random_patches(image, tf.constant([1, 2]), number=3, side=8),
        (picture(32, 40, seed=3),),
    ),
    "resampled": (lambda image: ops.resampled(image, (8, 50)), (picture(32, 40, seed=3),)),
    "periodic_component": (ops.periodic_component, (picture(32, 40, seed=3),)),
    "wrap_pad": (lambda image: wrap_pad(image, 3, 4), (picture(32, 40, seed=3),)),
    "match_mean_and_covariance": (match_mean_and_covariance, (picture(32, 40, seed=3), picture(36, 32, seed=4))),
    "position_weights": (ops.position_weights, (FEATURES, picture(33, 40, seed=3)[..., :1])),
    "structural_similarity": (  # of pictures that are alike: near 0 only the absolute error is small, about 1e-5
        ops.structural_similarity,
        (picture(32, 40, seed=3), 0.7 * picture(32, 40, seed=3) + 0.3 * picture(32, 40, seed=4)),
    ),
    "total_variation": (ops.total_variation, (picture(32, 40, seed=3),)),
    "variation_from_sums": (
        lambda image: ops.variation_from_sums(ops.variation_sums(image)),
        (picture(32, 40, seed=3),),
    ),
    "variation_sums": (lambda image: ops.variation_sums(image)[0][0], (picture(32, 40, seed=3),)),
    "warp": (ops.warp, (picture(32, 40, seed=3), 4.0 * picture(32, 40, seed=4)[..., :2])),
    "wasserstein_distance": (ops.wasserstein_distance, (*ops.moments(FEATURES), *ops.moments(OTHER))),
    "square_root": (square_root, (GRAM,)),
    "trace_of_square_root": (trace_of_square_root, (GRAM,)),
}
for _name, _statistic in ops.STATISTICS.items():
    FUNCTIONS[f"statistic {_name}"] = (
        lambda features, other, statistic=_statistic: statistic.distance(
            statistic.describe(features), statistic.prepare(statistic.describe(other))
        ),
        (FEATURES, OTHER),
    )


def test_all_public_functions_are_here():
    assert set(ops.__all__) - {"STATISTICS", "Statistic"} <= set(FUNCTIONS)


def assert_same(value, expected):
    for one, other in zip(tf.nest.flatten(value), tf.nest.flatten(expected), strict=True):
        scale = float(tf.reduce_max(tf.abs(other)))
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_in_a_function(name):
    function, arguments = FUNCTIONS[name]
    assert_same(tf.function(function)(*arguments), function(*arguments))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_in_a_function_of_any_size(name):
    """Height and width unknown while tracing."""
    function, arguments = FUNCTIONS[name]
    specs = [
        tf.TensorSpec([None, None, None, tensor.shape[-1]] if len(tensor.shape) == 4 else tensor.shape)
        for tensor in arguments
    ]
    assert_same(tf.function(function, input_signature=specs)(*arguments), function(*arguments))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_in_a_dataset(name):
    function, arguments = FUNCTIONS[name]
    dataset = tf.data.Dataset.from_tensors(arguments).repeat(2).map(function)
    for value in dataset:
        assert_same(value, function(*arguments))

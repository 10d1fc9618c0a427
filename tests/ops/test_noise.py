"""Numbers by a hash: evenly spread, others for each seed, the same each time."""

import numpy as np
import pytest
import tensorflow as tf

from tf_style.ops.noise import uniform

SEEDS = ((0, 0), (0, 1), (1, 0), (2, 0), (0, 2), (2**40, 3), (2**40 + 1, 3), (-1, 7))


@pytest.mark.parametrize("seed", SEEDS)
def test_evenly_spread(seed):
    numbers = np.asarray(uniform(seed, 20_000))
    assert numbers.dtype == np.float32
    assert numbers.min() >= 0.0 and numbers.max() < 1.0
    counts, _ = np.histogram(numbers, 20, (0.0, 1.0))
    assert np.sum((counts - 1000.0) ** 2 / 1000.0) < 43.8  # chi-squared of 19 degrees, p = 0.001
    neighbours = np.corrcoef(numbers[1:], numbers[:-1])[0, 1]
    assert abs(neighbours) < 0.03


def test_seeds_differ_and_repeat():
    drawn = [np.asarray(uniform(seed, 5_000)) for seed in SEEDS]
    apart = np.corrcoef(drawn) - np.eye(len(SEEDS))
    assert np.abs(apart).max() < 0.06
    np.testing.assert_array_equal(uniform(SEEDS[5], 5_000), drawn[5])


def test_tensors_are_seeds_too():
    in_graph = tf.function(lambda step: uniform((4, step), 100), jit_compile=True)
    np.testing.assert_array_equal(in_graph(tf.constant(9)), uniform((4, 9), 100))

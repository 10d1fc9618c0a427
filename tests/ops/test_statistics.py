"""Style statistics against values worked out by hand, and against float64 linear algebra."""

import numpy as np
import pytest
import tensorflow as tf

from tf_style.ops import STATISTICS, gram_matrix, mean_and_std, moments, wasserstein_distance
from tf_style.ops.matrix import square_root, trace_of_square_root

# Two positions, two channels: (1, 2) and (3, 4).
SMALL = tf.constant([[[[1.0, 2.0], [3.0, 4.0]]]])


def exact_root(matrix):
    values, vectors = np.linalg.eigh(np.asarray(matrix, np.float64))
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def exact_distance(mean, covariance, target_mean, target_covariance):
    """The squared 2-Wasserstein distance, not divided by the channels."""
    root = exact_root(target_covariance)
    cross = np.trace(exact_root(root @ covariance @ root))
    return np.sum((mean - target_mean) ** 2) + np.trace(covariance) + np.trace(target_covariance) - 2 * cross


def covariance_like(channels, seed, condition=10.0):
    """A symmetric positive definite matrix with eigenvalues from 1 to 1/condition, in random directions."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(channels, channels)))
    return (basis * np.geomspace(1.0, 1.0 / condition, channels)) @ basis.T


def distance(mean, covariance, target_mean, target_covariance):
    root = square_root(tf.constant(target_covariance[None], tf.float32))
    value = wasserstein_distance(
        tf.constant(mean[None], tf.float32), tf.constant(covariance[None], tf.float32),
        tf.constant(target_mean[None], tf.float32), root,
    )  # fmt: skip
    return float(value[0])


# --- Gram matrix ------------------------------------------------------------------------------------------------------


def test_gram_matrix_by_hand():
    # (1*1 + 3*3)/2 = 5, (1*2 + 3*4)/2 = 7, (2*2 + 4*4)/2 = 10
    np.testing.assert_array_equal(gram_matrix(SMALL), [[[5.0, 7.0], [7.0, 10.0]]])


def test_gram_matrix_of_a_batch():
    batch = tf.concat([SMALL, 2.0 * SMALL], 0)
    np.testing.assert_array_equal(gram_matrix(batch)[1], 4.0 * gram_matrix(SMALL)[0])


def test_gradient_of_the_gram_matrix():
    """That of a plain sum over positions."""
    features = tf.random.stateless_normal([2, 5, 6, 4], [1, 2])
    upstream = tf.random.stateless_normal([2, 4, 4], [3, 4])  # not symmetric
    found = []
    for function in (gram_matrix, lambda value: tf.einsum("bhwi,bhwj->bij", value, value) / 30.0):
        with tf.GradientTape() as tape:
            tape.watch(features)
            gram = function(features)
        found.append(tape.gradient(gram, features, output_gradients=upstream))
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6)


def test_gram_matrix_does_not_grow_with_the_picture():
    tiled = tf.tile(SMALL, [1, 5, 3, 1])
    np.testing.assert_allclose(gram_matrix(tiled), gram_matrix(SMALL), rtol=1e-6)


def test_gram_matrix_does_not_know_positions():
    features = np.random.default_rng(0).normal(size=(1, 4, 6, 3)).astype(np.float32)
    shuffled = np.random.default_rng(1).permutation(features.reshape(24, 3)).reshape(1, 6, 4, 3)
    np.testing.assert_allclose(gram_matrix(shuffled), gram_matrix(features), rtol=1e-5, atol=1e-6)


# --- moments ----------------------------------------------------------------------------------------------------------


def test_mean_and_std_by_hand():
    mean, std = mean_and_std(SMALL)
    np.testing.assert_allclose(mean, [[2.0, 3.0]])
    np.testing.assert_allclose(std, [[1.0, 1.0]], rtol=1e-4)  # biased: sqrt(((1-2)^2 + (3-2)^2) / 2)


def test_std_of_a_flat_map_is_next_to_zero():
    _, std = mean_and_std(tf.fill([1, 4, 4, 2], 7.0))
    assert np.all(std.numpy() < 0.01)


def test_moments_by_hand():
    mean, second = moments(SMALL)
    np.testing.assert_allclose(mean, [[2.0, 3.0]])
    np.testing.assert_allclose(second, [[[5.0, 7.0], [7.0, 10.0]]])


def test_moments_of_pooled_positions_are_the_blend():
    """Why styles are blended as raw moments: half and half is the moment of both together."""
    rng = np.random.default_rng(0)
    one, other = (tf.constant(rng.normal(loc, 1.0, (1, 5, 5, 3)), tf.float32) for loc in (0.0, 3.0))
    together = moments(tf.concat([one, other], 1))
    for half, another, whole in zip(moments(one), moments(other), together, strict=True):
        np.testing.assert_allclose((half + another) / 2, whole, rtol=1e-5)


# --- square roots -----------------------------------------------------------------------------------------------------


def test_square_root_of_a_diagonal():
    np.testing.assert_allclose(
        square_root(tf.linalg.diag([[4.0, 9.0, 0.0]])), np.diag([2.0, 3.0, 0.0])[None], atol=1e-7
    )


@pytest.mark.parametrize("condition", [1.0, 10.0, 1e4])
def test_square_root_squares_back(condition):
    matrix = covariance_like(16, seed=0, condition=condition)
    root = square_root(tf.constant(matrix[None], tf.float32))[0].numpy()
    np.testing.assert_allclose(root @ root, matrix, atol=1e-6)
    np.testing.assert_allclose(root, root.T, atol=1e-6)
    assert np.linalg.eigvalsh(root).min() > -1e-6


def test_square_root_forgives_rounding():
    """Eigenvalues that rounding made negative count as zero."""
    assert np.all(np.isfinite(square_root(tf.linalg.diag([[1.0, -1e-7]]))))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("channels", [1, 2, 16])
def test_trace_of_square_root(channels, scale):
    matrix = scale * covariance_like(channels, seed=1, condition=20.0)
    trace = trace_of_square_root(tf.constant(matrix[None], tf.float32))
    np.testing.assert_allclose(trace, [np.trace(exact_root(matrix))], rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_gradient_of_the_trace(scale):
    """d tr(M^1/2) / dM is half the inverse root."""
    matrix = scale * covariance_like(8, seed=2, condition=20.0)
    tensor = tf.constant(matrix[None], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        trace = 3.0 * trace_of_square_root(tensor)
    exact = 1.5 * np.linalg.inv(exact_root(matrix))
    np.testing.assert_allclose(tape.gradient(trace, tensor)[0], exact, rtol=1e-3, atol=1e-3 * np.abs(exact).max())


def test_gradient_of_the_trace_by_differences():
    matrix, step = covariance_like(6, seed=3), 1e-5
    direction = np.random.default_rng(4).normal(size=(6, 6))
    direction = direction + direction.T
    above, below = (np.trace(exact_root(matrix + sign * step * direction)) for sign in (1, -1))
    tensor = tf.constant(matrix[None], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        trace = trace_of_square_root(tensor)
    np.testing.assert_allclose(
        np.sum(tape.gradient(trace, tensor)[0] * direction), (above - below) / (2 * step), rtol=1e-3
    )


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_trace_and_gradient_of_few_ranks_are_finite(rank):
    factors = np.random.default_rng(5).normal(size=(12, rank))
    matrix = tf.constant((factors @ factors.T)[None], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        trace = trace_of_square_root(matrix)
    assert np.all(np.isfinite(trace))
    assert np.all(np.isfinite(tape.gradient(trace, matrix)))
    np.testing.assert_allclose(trace[0], np.trace(exact_root(matrix[0])), rtol=0.02, atol=1e-5)


@pytest.mark.parametrize("negative", [-1e-4, -0.3])
def test_what_rounding_made_negative_counts_as_zero(negative):
    """In one row of a batch; the other, and what is not a number, stay as they are."""
    matrix = tf.linalg.diag([[negative, 1.0, 0.25, 4.0], [1.0, 1.0, 0.25, 4.0], [np.nan, 1.0, 0.25, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        trace = trace_of_square_root(matrix)
    np.testing.assert_allclose(trace, [3.5, 4.5, np.nan], atol=0.02)
    gradient = tf.linalg.diag_part(tape.gradient(trace, matrix))
    np.testing.assert_allclose(gradient[0, 1:], [0.5, 1.0, 0.25], rtol=1e-2)
    assert 10 < gradient[0, 0] < 1000


# --- Wasserstein distance ---------------------------------------------------------------------------------------------


def test_wasserstein_of_diagonals_by_hand():
    """For diagonal covariances it is |m - m'|^2 + sum (sqrt a - sqrt b)^2."""
    a, b = np.array([4.0, 1.0, 2.25]), np.array([1.0, 4.0, 0.25])
    mean, other = np.array([1.0, 0.0, 2.0]), np.array([0.0, 0.0, 4.0])
    by_hand = (1 + 0 + 4) + ((2 - 1) ** 2 + (1 - 2) ** 2 + (1.5 - 0.5) ** 2)
    np.testing.assert_allclose(distance(mean, np.diag(a), other, np.diag(b)), by_hand / 3, rtol=1e-4)


def test_wasserstein_of_commuting_covariances():
    """In a common basis the closed form of the eigenvalues holds."""
    basis, _ = np.linalg.qr(np.random.default_rng(6).normal(size=(5, 5)))
    a, b, zero = np.geomspace(1, 0.1, 5), np.geomspace(0.3, 2.0, 5), np.zeros(5)
    value = distance(zero, (basis * a) @ basis.T, zero, (basis * b) @ basis.T)
    np.testing.assert_allclose(value, np.sum((np.sqrt(a) - np.sqrt(b)) ** 2) / 5, rtol=1e-3)


@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e4])
def test_wasserstein_of_any_covariances(scale):
    one, other = scale * covariance_like(12, seed=7), 2.0 * scale * covariance_like(12, seed=8)
    mean, target = np.random.default_rng(9).normal(size=(2, 12)) * np.sqrt(scale)
    np.testing.assert_allclose(
        distance(mean, one, target, other), exact_distance(mean, one, target, other) / 12, rtol=1e-3
    )


def test_wasserstein_is_symmetric_and_not_negative():
    zero = np.zeros(12)
    one, other = covariance_like(12, seed=10), covariance_like(12, seed=11)
    np.testing.assert_allclose(distance(zero, one, zero, other), distance(zero, other, zero, one), rtol=1e-3)
    assert 0 <= distance(zero, one, zero, one) < 1e-4


def test_wasserstein_of_few_ranks_is_finite():
    """More channels than positions: half of the eigenvalues are zero."""
    rng = np.random.default_rng(12)
    one, other = (tf.constant(np.maximum(rng.normal(size=(1, 4, 4, 32)), 0), tf.float32) for _ in range(2))
    statistic = STATISTICS["wasserstein"]
    target = statistic.prepare(statistic.describe(other))
    with tf.GradientTape() as tape:
        tape.watch(one)
        value = statistic.distance(statistic.describe(one), target)
    assert np.all(np.isfinite(tape.gradient(value, one)))
    mean, second = (tensor.numpy()[0].astype(np.float64) for tensor in moments(one))
    target_mean, target_second = (tensor.numpy()[0].astype(np.float64) for tensor in moments(other))
    exact = exact_distance(
        mean, second - np.outer(mean, mean), target_mean, target_second - np.outer(target_mean, target_mean)
    )
    np.testing.assert_allclose(value, [exact / 32], rtol=0.05)


# --- rows of the table ------------------------------------------------------------------------------------------------


def test_gram_row_by_hand():
    gram = STATISTICS["gram"]
    one, other = tf.constant([[[5.0, 7.0], [7.0, 10.0]]]), tf.constant([[[4.0, 7.0], [7.0, 8.0]]])
    np.testing.assert_allclose(gram.distance(one, other), [(1 + 4) / 4])
    np.testing.assert_allclose(gram.energy(other), [(16 + 49 + 49 + 64) / 4])


def test_mean_std_row_by_hand():
    row = STATISTICS["mean_std"]
    one = (tf.constant([[1.0, 2.0]]), tf.constant([[1.0, 1.0]]))
    other = (tf.constant([[3.0, 2.0]]), tf.constant([[1.0, 4.0]]))
    np.testing.assert_allclose(row.distance(one, other), [4 / 2 + 9 / 2])
    np.testing.assert_allclose(row.energy(other), [(9 + 4) / 2 + (1 + 16) / 2])


def test_wasserstein_row_by_hand():
    row = STATISTICS["wasserstein"]
    one = tf.constant([[[[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]]])  # mean 0, covariance I/2
    target = row.prepare(row.describe(3.0 * one + 1.0))  # mean 1, covariance 9/2 I
    by_hand = ((1 + 1) + 2 * (np.sqrt(4.5) - np.sqrt(0.5)) ** 2) / 2
    np.testing.assert_allclose(row.distance(row.describe(one), target), [by_hand], rtol=1e-3)
    np.testing.assert_allclose(row.energy(target), [1 + 4.5], rtol=1e-5)  # mean second moment of the channels

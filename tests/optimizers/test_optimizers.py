"""Optimisers against NumPy, Keras and problems with a known answer; eagerly, so that there is nothing to trace."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.materials import descend, picture
from tf_style.optimizers import adam, lbfgs, lbfgs_fixed_step

SHAPE = (1, 4, 5, 3)


def quadratic(center, curvature=1.0):
    """A convex loss with its minimum at `center`."""

    def loss_fn(image):
        loss = tf.reduce_sum(curvature * tf.math.squared_difference(image, center), axis=[1, 2, 3])
        return loss, {"quadratic": loss}

    return loss_fn


def wavy(image):
    """Smooth, not convex, coupled between pixels."""
    loss = tf.reduce_mean(tf.square(tf.sin(3.0 * image) - tf.roll(image, 1, axis=2) ** 2), axis=[1, 2, 3])
    loss += tf.reduce_mean(tf.square(image - 0.4), axis=[1, 2, 3])
    return loss, {"wavy": loss}


def start(seed=0, shape=SHAPE):
    return tf.constant(np.random.default_rng(seed).uniform(0.3, 0.7, shape), tf.float32)


CURVATURE = tf.constant(np.geomspace(1.0, 30.0, 60).reshape(SHAPE), tf.float32)


# --- Adam -------------------------------------------------------------------------------------------------------------


def short_lbfgs(**options):
    """Eager steps cost by the length of the memory."""
    return lbfgs(**{"num_correction_pairs": 4, **options})


def gradient_of(loss_fn, image):
    image = tf.constant(image)
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = loss_fn(image)[0]
    return tape.gradient(loss, image).numpy()


def test_adam_is_numpy_adam():
    optimizer = adam(0.01)
    image = tensor = start()
    expected = image.numpy().astype(np.float64)
    state, first, second = optimizer.init(image), 0.0, 0.0
    for step in range(1, 6):
        tensor, state, losses = optimizer.step(wavy, tensor, state, tf.constant(1))
        gradient = gradient_of(wavy, expected.astype(np.float32))
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        expected = expected - 0.01 * (first / (1 - 0.9**step)) / np.sqrt(second / (1 - 0.99**step))
        np.testing.assert_allclose(tensor, expected, atol=1e-5)
        assert int(optimizer.evaluations(state)) == step
        assert set(losses) == {"wavy"}


def test_adam_is_keras_adam():
    """While no pixel reaches the border: Keras does not clip."""
    optimizer = adam(0.01, beta_1=0.8, beta_2=0.95)
    variable = tf.Variable(start())
    theirs = keras.optimizers.Adam(0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-12)
    theirs.build([variable])
    ours, state = start(), optimizer.init(start())
    for _ in range(8):
        theirs.apply([tf.constant(gradient_of(wavy, variable.numpy()))])
        ours, state, _ = optimizer.step(wavy, ours, state, tf.constant(1))
    np.testing.assert_allclose(ours, variable, atol=2e-5)


def test_adam_reports_the_loss_before_the_step():
    optimizer, image = adam(), start()
    _, _, losses = optimizer.step(wavy, image, optimizer.init(image), tf.constant(1))
    np.testing.assert_array_equal(losses["wavy"], wavy(image)[0])


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_adam_does_not_see_the_scale_of_the_objective(factor):
    """So the learning rate is in pixel values, whatever the weights of the terms."""
    scaled = lambda image: (factor * wavy(image)[0], {})  # noqa: E731
    np.testing.assert_allclose(descend(adam(), scaled, start(), 5)[0], descend(adam(), wavy, start(), 5)[0], atol=1e-5)


def test_adam_without_a_gradient_stays():
    flat = lambda image: (0.0 * tf.reduce_sum(image, [1, 2, 3]), {})  # noqa: E731
    np.testing.assert_array_equal(descend(adam(), flat, start(), 3)[0], start())


def test_adam_carries_its_means_to_another_size():
    optimizer = adam()
    image, state = descend(optimizer, quadratic(0.9, CURVATURE), start(), 3)
    resized = optimizer.resize(state, (tf.constant(8), tf.constant(10)))
    assert resized.first.shape == resized.second.shape == (1, 8, 10, 3)
    assert int(resized.steps[0]) == 3
    assert float(tf.reduce_min(resized.second)) >= 0
    np.testing.assert_allclose(tf.reduce_mean(resized.first), tf.reduce_mean(state.first), rtol=0.2)
    assert not np.allclose(image, start())


# --- L-BFGS -----------------------------------------------------------------------------------------------------------


def test_lbfgs_in_chunks_is_the_same_to_the_bit():
    """10 + 10 equal 20; state is all that is passed on."""
    optimizer = short_lbfgs(steps_per_call=20)
    halves, state = descend(optimizer, wavy, start(), 10)
    halves, state = descend(optimizer, wavy, halves, 10, state)
    whole, whole_state = descend(optimizer, wavy, start(), 20)
    np.testing.assert_array_equal(halves, whole)
    for one, other in zip(state, whole_state, strict=True):
        if one.dtype != tf.int32:  # evaluations differ: each call ends with one for its report
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "optimizer", [short_lbfgs(num_correction_pairs=10), short_lbfgs(steps_per_call=7)], ids=["10", "4"]
)
def test_lbfgs_reaches_the_optimum(optimizer):
    center = start(seed=1)
    image, _ = descend(optimizer, quadratic(center, CURVATURE), start(), 30)
    np.testing.assert_allclose(image, center, atol=1e-3)


def test_lbfgs_reports_the_loss_of_the_picture_it_returns():
    optimizer, image = short_lbfgs(), start()
    image, state, losses = optimizer.step(wavy, image, optimizer.init(image), tf.constant(10))
    np.testing.assert_allclose(losses["wavy"], wavy(image)[0], rtol=1e-6)
    assert losses["wavy"] < wavy(start())[0]


def test_lbfgs_counts_evaluations():
    counter = tf.Variable(0)

    def counted(image):
        with tf.control_dependencies([counter.assign_add(1)]):
            return wavy(tf.identity(image))

    optimizer = short_lbfgs()
    _, state = descend(optimizer, counted, start(), 10)
    count = int(counter)
    assert abs(int(optimizer.evaluations(state)) - count) <= 2
    assert 10 <= count <= 50


@pytest.mark.parametrize("factor", [1e6])
def test_lbfgs_does_not_see_the_scale_of_the_objective(factor):
    center = start(seed=1)
    image, _ = descend(short_lbfgs(), quadratic(center, factor * CURVATURE), start(), 30)
    np.testing.assert_allclose(image, center, atol=1e-3)


def test_lbfgs_starts_anew_at_another_size():
    optimizer = short_lbfgs()
    _, state = descend(optimizer, wavy, start(), 10)
    resized = optimizer.resize(state, (tf.constant(8), tf.constant(10)))
    assert resized.position.shape == (1, 8, 10, 3)
    assert bool(resized.fresh)
    assert int(optimizer.evaluations(resized)) == int(optimizer.evaluations(state))
    image = start(seed=2, shape=(1, 8, 10, 3))
    after, _ = descend(optimizer, wavy, image, 10, resized)
    again, _ = descend(optimizer, wavy, image, 10)
    np.testing.assert_array_equal(after, again)


# --- L-BFGS without a line search -------------------------------------------------------------------------------------


def short_fixed_step():
    return lbfgs_fixed_step(num_correction_pairs=6)


def test_fixed_steps_are_those_of_the_textbook():
    """Nocedal and Wright, algorithm 7.4, in NumPy with float64, while no pixel reaches the border."""
    center = start(seed=1)
    loss_fn, optimizer = quadratic(center, CURVATURE), short_fixed_step()
    image = tensor = start()
    state, position, pairs, before = optimizer.init(image), image.numpy().astype(np.float64), [], None
    for _ in range(5):
        tensor, state, losses = optimizer.step(loss_fn, tensor, state, tf.constant(1))
        np.testing.assert_allclose(losses["quadratic"], loss_fn(tf.constant(position, tf.float32))[0], rtol=1e-3)
        gradient = 2.0 * CURVATURE.numpy() * (position - center.numpy())
        if before is not None:
            pairs.append((position - before[0], gradient - before[1]))
        direction, shares = gradient.copy(), []
        for moved, change in reversed(pairs):
            shares.insert(0, np.sum(moved * direction) / np.sum(moved * change))
            direction -= shares[0] * change
        scale = 0.05 / np.sqrt(np.mean(gradient**2))
        direction *= np.sum(pairs[-1][0] * pairs[-1][1]) / np.sum(pairs[-1][1] ** 2) if pairs else scale
        for share, (moved, change) in zip(shares, pairs, strict=True):
            direction += (share - np.sum(change * direction) / np.sum(moved * change)) * moved
        before, position = (position, gradient), position - direction
        np.testing.assert_allclose(state.position, position, atol=2e-4)
    assert int(optimizer.evaluations(state)) == 5


def test_fixed_steps_reach_the_optimum():
    center = start(seed=1)
    image, _ = descend(short_fixed_step(), quadratic(center, CURVATURE), start(), 50)
    np.testing.assert_allclose(image, center, atol=1e-3)


def test_fixed_steps_of_a_batch_are_those_of_each_picture():
    """Also when one of them is at its optimum and has no curvature to go by."""
    center = tf.concat([start(seed=1), start(seed=2)], 0)
    images = tf.concat([start(), start(seed=2)], 0)
    together, _ = descend(short_fixed_step(), quadratic(center, CURVATURE), images, 8)
    alone, _ = descend(short_fixed_step(), quadratic(center[:1], CURVATURE), images[:1], 8)
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)
    np.testing.assert_allclose(together[1:], center[1:], atol=1e-6)


def test_fixed_steps_start_anew_at_another_size():
    optimizer = short_fixed_step()
    _, state = descend(optimizer, wavy, start(), 5)
    resized = optimizer.resize(state, (tf.constant(8), tf.constant(10)))
    assert int(optimizer.evaluations(resized)) == 5
    assert not np.any(resized.curvature)
    assert resized.position.shape == (1, 8, 10, 3)


# --- all -------------------------------------------------------------------------------------------------------------

ALL = pytest.mark.parametrize(
    "make", [lambda: adam(0.05), short_lbfgs, short_fixed_step], ids=["adam", "lbfgs", "lbfgs_fixed_step"]
)


@ALL
def test_ends_at_the_nearest_valid_picture(make):
    """The optimum of some pixels is beyond black or white: they end there."""
    center = tf.constant(np.random.default_rng(3).uniform(-0.5, 1.5, SHAPE), tf.float32)
    image, _ = descend(make(), quadratic(center), start(), 120 if make not in (short_lbfgs, short_fixed_step) else 40)
    assert float(tf.reduce_min(image)) >= 0
    assert float(tf.reduce_max(image)) <= 1
    np.testing.assert_allclose(image, tf.clip_by_value(center, 0.0, 1.0), atol=0.02)


@ALL
def test_always_valid_pixels(make):
    optimizer, image = make(), picture(32, 32, seed=1)
    state = optimizer.init(image)
    for _ in range(3):
        image, state, _ = optimizer.step(quadratic(3.0), image, state, tf.constant(2))
        assert float(tf.reduce_min(image)) >= 0
        assert float(tf.reduce_max(image)) <= 1


@ALL
def test_at_the_optimum_nothing_happens(make):
    """No gradient at all: neither NaN nor a loop without end, in several calls."""
    image, state = descend(make(), quadratic(start()), start(), 30)
    np.testing.assert_allclose(image, start(), atol=1e-6)


# A picture that L-BFGS has brought to its optimum in its very first iteration has no curvature pair yet, but the next
# call counts one: 0 / 0 unless that is taken care of.
CONVERGING = pytest.mark.parametrize(
    "make",
    [
        lambda: adam(0.05),
        short_lbfgs,
    ],
    ids=["adam", "lbfgs"],
)


@CONVERGING
def test_goes_on_after_it_has_converged(make):
    center = start(seed=1)
    image, _ = descend(make(), quadratic(center), start(), 60 if make is short_lbfgs else 200)
    np.testing.assert_allclose(image, center, atol=1e-2)


@CONVERGING
def test_one_member_at_its_optimum_does_not_disturb_the_other(make):
    center = tf.concat([start(), start(seed=1)], 0)
    both, _ = descend(make(), quadratic(center), tf.concat([start(), start()], 0), 30)
    single, _ = descend(make(), quadratic(center[1:]), start(), 30)
    np.testing.assert_allclose(both[:1], start(), atol=1e-6)
    np.testing.assert_allclose(both[1:], single, atol=1e-4)


def test_lbfgs_survives_a_failing_line_search():
    """A loss that is rounded to steps, as bfloat16 does: the search fails, the run starts afresh, goes on and ends."""

    def rounded(image):
        loss = tf.reduce_mean(tf.math.squared_difference(image, 0.5), axis=[1, 2, 3])
        loss = loss + tf.stop_gradient(tf.round(loss * 64.0) / 64.0 - loss)
        return loss, {"rounded": loss}

    optimizer, image = short_lbfgs(), start(seed=5)
    state, failed = optimizer.init(image), 0
    for _ in range(4):
        image, state, _ = optimizer.step(rounded, image, state, tf.constant(10))
        failed += int(bool(state.fresh))
        assert np.all(np.isfinite(image))
    assert failed
    assert int(state.evaluations) < 1000


def test_lbfgs_survives_a_loss_that_is_not_a_number():
    """The picture stays a picture: the last good one."""

    def cliff(image):
        loss = tf.reduce_mean(tf.sqrt(image - 0.25), axis=[1, 2, 3])  # NaN below 0.25
        return loss, {"cliff": loss}

    optimizer, image = short_lbfgs(), start(seed=6)
    image, state = descend(optimizer, cliff, image, 20)
    assert np.all(np.isfinite(image))


def test_lbfgs_restarts_from_the_picture_at_hand():
    optimizer = short_lbfgs()
    image, state = descend(optimizer, wavy, start(), 10)
    other = start(seed=8)
    again, _ = descend(optimizer, wavy, other, 10, state._replace(fresh=tf.constant(True)))
    np.testing.assert_array_equal(again, descend(optimizer, wavy, other, 10)[0])

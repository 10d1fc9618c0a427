"""The loss of paintings that flicker: motion and grain that no painting may answer by more than moving along."""

import numpy as np
import tensorflow as tf

from tests.materials import picture
from tf_style.networks.stability import instability

SEEDS = tf.constant([3, 4])
CONTENTS = tf.concat([picture(48, 64, seed=1), picture(48, 64, seed=2)], 0)


def lightened(image):
    """Follows any motion: each pixel is painted by itself."""
    return 0.5 + 0.3 * image


def striped(image):
    """Stripes that stay where they are."""
    return lightened(image) + 0.2 * tf.cast(tf.range(64) % 8 < 4, tf.float32)[:, tf.newaxis]


def flicker(paint, contents=CONTENTS, seeds=SEEDS):
    return np.asarray(instability(contents, paint, paint(contents), seeds))


def test_nothing_to_blame_in_paintings_that_follow_motion():
    """What is left is grain."""
    flat = tf.fill([2, 48, 64, 3], 0.5)
    assert flicker(lightened, flat).max() < 0.3 * 4.0 / 255.0
    assert flicker(lambda image: tf.zeros_like(image) + 0.3).max() < 1e-6


def test_what_stays_in_place_counts():
    assert (flicker(striped) > flicker(lightened) + 0.02).all()


def test_what_amplifies_grain_counts():
    flat = tf.fill([2, 48, 64, 3], 0.5)
    assert (flicker(lambda image: 0.5 + 5.0 * (image - 0.5), flat) > 10.0 * flicker(lightened, flat)).all()


def test_each_seed_has_its_own_motion():
    both, other = flicker(striped), flicker(striped, seeds=tf.constant([4, 5]))
    assert both[0] != both[1]
    np.testing.assert_array_equal(flicker(striped), both)
    assert abs(other[0] - both[0]) > 1e-4


def test_pictures_move_by_pixels():
    """The painter sees the picture moved, by some pixels and not by the same everywhere."""
    seen = []
    columns = tf.broadcast_to(tf.range(64.0)[:, tf.newaxis] / 64.0, [2, 48, 64, 3])

    def paint(image):
        seen.append(np.asarray(image))
        return image

    instability(columns, paint, columns, SEEDS)
    moved = 64.0 * (seen[0] - columns)[:, 8:-8, 20:-20].numpy()
    assert 0.5 < np.abs(moved).mean() < 15.0
    assert moved[0].std() > 0.2
    assert np.abs(moved[0].mean() - moved[1].mean()) > 0.5


def test_the_gradient_is_finite_and_reaches_both_paintings():
    weight = tf.Variable(0.2)
    stripes = tf.cast(tf.range(64) % 8 < 4, tf.float32)[:, tf.newaxis]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(instability(CONTENTS, lambda image: image + weight * stripes, CONTENTS, SEEDS))
    own = tape.gradient(loss, weight).numpy()
    with tf.GradientTape() as tape:
        painted = CONTENTS + weight * stripes
        loss = tf.reduce_sum(instability(CONTENTS, lambda image: image, painted, SEEDS))
    other = tape.gradient(loss, weight).numpy()
    assert np.isfinite([own, other]).all()
    assert own != 0.0
    assert other != 0.0

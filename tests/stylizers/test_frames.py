"""Frames of a film by optimisation: like a picture where nothing is known, close to the frame before where it is."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import picture, pooled_stylizer
from tf_style.stylizers import FrameStylizer

SIZE = (32, 40)


@pytest.fixture(scope="module")
def stylizer():
    return FrameStylizer(pooled_stylizer("adam", num_steps=10), 1.0)


@pytest.fixture(scope="module")
def pair():
    return picture(*SIZE, seed=1), [picture(36, 32, seed=2)]


def mask_of(left):
    """What is given in the left half, 0 in the right one."""
    values = np.zeros((1, *SIZE, 1), np.float32)
    values[:, :, : SIZE[1] // 2] = left
    return tf.constant(values)


def following(stylizer, pair, *previous, **options):
    content, styles = pair
    targets = stylizer.stylizer.style_targets(styles, SIZE)
    return stylizer.next(content, styles, previous, style_targets=targets, **options).numpy()


def test_the_first_is_a_picture(stylizer, pair):
    content, styles = pair
    painting = stylizer.first(content, styles)
    np.testing.assert_array_equal(stylizer.shown(painting, content), stylizer.stylizer(content, styles))


def test_where_nothing_is_known_it_is_a_picture(stylizer, pair):
    before = {"image": picture(*SIZE, seed=3), "mask": mask_of(0.0)}
    alone = stylizer.stylizer(*pair).numpy()
    np.testing.assert_allclose(following(stylizer, pair, before), alone, atol=1e-5)


def test_what_is_known_is_kept(stylizer, pair):
    image = picture(*SIZE, seed=3)
    painting = following(stylizer, pair, {"image": image, "mask": mask_of(1.0)})
    difference = np.abs(painting - image).mean((0, 1, 3))
    assert difference[:18].max() < 0.01
    assert difference[22:].min() > 0.05


def test_further_back_shows_what_nearer_ones_do_not(stylizer, pair):
    near, far = picture(*SIZE, seed=3), picture(*SIZE, seed=4)
    left = mask_of(1.0)
    painting = following(stylizer, pair, {"image": near, "mask": left}, {"image": far, "mask": 1.0 - left})
    half = SIZE[1] // 2
    assert np.abs(painting - near)[:, :, : half - 2].max() < 0.05
    assert np.abs(painting - far)[:, :, half + 2 :].max() < 0.05

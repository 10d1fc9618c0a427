"""Losses of words, with an encoder that knows mean colours only: values by hand, seeds, thresholds."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import flat_picture, picture
from tf_style.losses import clip_direction_loss, clip_patch_loss
from tf_style.types import References

GREY, RED = flat_picture(0.5), flat_picture(0.5) * (1.0, 0.4, 0.4)


def mean_color(images):
    return tf.reduce_mean(images, [1, 2])


def unit(vector):
    return np.asarray(vector) / np.linalg.norm(vector)


def loss_at(objective, content, image, step=0):
    targets = objective.targets(References({"image": content}, ()))
    return float(objective({"image": image, "step": tf.constant(step)}, targets)[0])


TO_RED = unit((1, 0.4, 0.4)) - unit((1, 1, 1))


def test_direction_by_hand():
    objective = clip_direction_loss(mean_color, TO_RED, side=16)
    assert loss_at(objective, GREY, RED) == pytest.approx(0, abs=1e-6)
    assert loss_at(objective, RED, GREY) == pytest.approx(2, abs=1e-6)
    assert loss_at(objective, GREY, GREY) == pytest.approx(1)
    blue = flat_picture(0.5) * (0.4, 0.4, 1.0)
    cosine = unit(TO_RED) @ unit(unit((0.4, 0.4, 1)) - unit((1, 1, 1)))
    assert loss_at(objective, GREY, blue) == pytest.approx(1 - cosine, abs=1e-5)


def test_patches_below_the_threshold_count_nothing():
    half = tf.concat([RED[:, :, :16], GREY[:, :, :16]], 2)
    every, few = (
        clip_patch_loss(mean_color, TO_RED, side=8, number=32, threshold=threshold) for threshold in (0.0, 1.1)
    )
    assert loss_at(every, GREY, RED) == pytest.approx(0, abs=1e-5)
    assert 0.2 < loss_at(every, GREY, half) < 0.8
    assert loss_at(few, GREY, half) == 0
    assert loss_at(few, RED, GREY) == pytest.approx(2, abs=1e-5)


def test_patches_change_with_the_step_alone():
    image = picture(40, 48, seed=1)
    losses = [
        loss_at(clip_patch_loss(mean_color, TO_RED, side=8, number=4, threshold=0.0), GREY, image, step)
        for step in (0, 1, 0)
    ]
    assert losses[0] == losses[2] != losses[1]

"""A small step against the gradient lowers the loss, and so do a few steps of every optimiser."""

import pytest
import tensorflow as tf

from tests.conformance.table import BACKBONE_ROWS, LAYERS, OPTIMIZER_ROWS, TERMS, walk
from tests.materials import descend, features_of, loss_function, picture, small_objective
from tf_style.types import References

_STEP = 0.03  # length of the step as a share of what the linear model would need to reach zero


def assert_step_lowers(objective, backbone, size=32):
    content, style, image = (picture(size, size, seed=seed) for seed in (1, 2, 3))
    seen = features_of(backbone, content)
    targets = objective.targets(References(seen, (features_of(backbone, style),), (seen,)))
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = objective(features_of(backbone, image), targets)
    gradient = tape.gradient(loss, image)
    step = _STEP * loss[0] / tf.reduce_sum(tf.square(gradient))
    after = objective(features_of(backbone, image - step * gradient), targets)
    lowered = float(loss[0] - after[0])
    assert 0.3 * _STEP * float(loss[0]) < lowered < 1.7 * _STEP * float(loss[0])


@walk(TERMS)
def test_step_of_each_term(row, backbone):
    assert_step_lowers(row.make(), backbone)


@walk(BACKBONE_ROWS)
def test_step_through_each_backbone(row):
    layers = LAYERS if row.name == "compact_vgg19" else LAYERS[1:3]
    assert_step_lowers(small_objective("gram", layers[-2:]), row.make(layers))


@pytest.mark.parametrize("statistic", ["gram", "mean_std", "wasserstein"])
@walk(OPTIMIZER_ROWS)
def test_steps_of_each_optimizer(row, statistic, shallow, content, style):
    loss_fn = loss_function(shallow, small_objective(statistic), content, [style])
    painting, _ = descend(row.make(), loss_fn, content, 6)
    assert float(loss_fn(painting)[0][0]) < 0.9 * float(loss_fn(content)[0][0])

"""Pictures of a batch know nothing of each other: a batch of two equals two runs of one."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.table import OPTIMIZER_ROWS, TERMS, walk
from tests.materials import (
    descend,
    features_of,
    loss_function,
    picture,
    pooled,
    small_objective,
    small_stylizer,
)
from tf_style.types import References


@pytest.fixture
def pair():
    """Two contents and two styles, unlike each other in brightness too."""
    contents = tf.concat([picture(32, 40, seed=1), 0.3 * picture(32, 40, seed=2)], 0)
    styles = tf.concat([picture(36, 32, seed=3), 0.5 + 0.5 * picture(36, 32, seed=4)], 0)
    return contents, styles


@walk(TERMS)
@pytest.mark.parametrize("shared_style", [False, True])
def test_each_term(row, shared_style, backbone, pair):
    contents, styles = pair
    images = tf.concat([picture(32, 40, seed=5), picture(32, 40, seed=6)], 0)
    objective = row.make()

    def loss_and_gradient(rows):
        style = styles[:1] if shared_style else styles[rows]
        content = features_of(backbone, contents[rows])
        references = References(content, (features_of(backbone, style),), (content,))
        targets = objective.targets(references)
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = objective(features_of(backbone, images[rows]), targets)
        return loss.numpy(), tape.gradient(loss, images)[rows].numpy()

    both = loss_and_gradient(slice(0, 2))
    singles = [loss_and_gradient(slice(i, i + 1)) for i in range(2)]
    assert both[0].shape == (2,)
    np.testing.assert_allclose(both[0], np.concatenate([single[0] for single in singles]), rtol=1e-4)
    for index in range(2):
        scale = np.abs(singles[index][1]).max()
        np.testing.assert_allclose(both[1][index], singles[index][1][0], atol=1e-3 * scale)


@walk(OPTIMIZER_ROWS)
def test_each_optimizer(row, pair):
    contents, styles = pair
    objective = small_objective("gram", ("pooled",))

    def run(rows):
        loss_fn = loss_function(pooled, objective, contents[rows], [styles[rows]])
        return descend(row.make(), loss_fn, contents[rows], 10)[0].numpy()

    both = run(slice(0, 2))
    for index in range(2):
        difference = np.abs(both[index] - run(slice(index, index + 1))[0])
        assert difference.mean() < 1e-3


@pytest.mark.parametrize("pyramid", [False, True])
def test_whole_runs(shallow, pair, pyramid):
    contents, styles = pair
    stylizer = small_stylizer(shallow, num_steps=4, min_size=32 if pyramid else 0, init="noise", average_decay=0.9)
    both = stylizer(contents, [styles]).numpy()
    for index in range(2):
        single = stylizer(contents[index : index + 1], [styles[index : index + 1]]).numpy()
        assert np.abs(both[index] - single[0]).mean() < 1e-4

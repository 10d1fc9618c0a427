"""The stylizer sits in a SavedModel for pictures of any size; reloaded, it paints what it painted before."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.exports import assert_exports_and_reloads
from tests.materials import picture, pooled_stylizer, small_objective
from tf_style.optimizers import adam
from tf_style.stylizers import Optimization, PyramidStylizer


@pytest.fixture(scope="module")
def optimization(shallow):
    return Optimization(shallow, small_objective("wasserstein"), adam(), average_decay=0.9)


@pytest.mark.slow
@pytest.mark.parametrize("init", ["content", "noise", "style"])
def test_coarse_to_fine(init, optimization, tmp_path):
    stylizer = PyramidStylizer(optimization, num_steps=2, first_steps=3, min_size=32, init=init, style_scale=0.8)
    assert_exports_and_reloads(stylizer, str(tmp_path), optimization.backbone)


def test_early_stop_in_a_graph():
    """The loop over steps ends in a graph where it ends eagerly."""
    stylizer = pooled_stylizer("adam", num_steps=400, tolerance=0.5)
    content, style = picture(32, 32, seed=1), picture(32, 32, seed=2)
    steps = [progress.step for progress in stylizer.run(content, [style])]
    assert steps[-1] < 400
    in_graph = tf.function(stylizer)(content, [style])
    np.testing.assert_allclose(in_graph, stylizer(content, [style]), atol=1e-5)

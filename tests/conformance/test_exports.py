"""The stylizer sits in a SavedModel for pictures of any size; reloaded, it paints what it painted before."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.table import OPTIMIZER_ROWS
from tests.materials import picture, pooled_stylizer, small_objective, small_stylizer

SPEC = tf.TensorSpec([1, None, None, 3], tf.float32)


class Exported(tf.Module):
    """What a server would load."""

    def __init__(self, stylizer, backbone=None):
        super().__init__()
        self.backbone = backbone  # tracked, so that its variables are saved
        self.paint = tf.function(lambda content, style: stylizer(content, [style]), input_signature=[SPEC, SPEC])


def assert_exports_and_reloads(stylizer, folder, backbone=None):
    exported = Exported(stylizer, backbone)
    tf.saved_model.save(exported, folder, signatures={"serving_default": exported.paint})
    reloaded = tf.saved_model.load(folder)
    for height, width, seed in ((32, 40, 1), (48, 36, 2)):
        content, style = picture(height, width, seed), picture(36, 32, seed + 10)
        eager = stylizer(content, [style]).numpy()
        in_graph = exported.paint(content, style).numpy()
        again = reloaded.paint(content, style).numpy()
        signature = reloaded.signatures["serving_default"](content=content, style=style)
        np.testing.assert_allclose(in_graph, eager, atol=1e-5)
        np.testing.assert_array_equal(again, in_graph)
        np.testing.assert_array_equal(next(iter(signature.values())), in_graph)
        assert np.abs(eager - content).mean() > 1e-3  # something was painted


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id=row.name, marks=pytest.mark.slow if row.name == "lbfgs" else ()) for row in OPTIMIZER_ROWS],
)
def test_each_optimizer(row, tmp_path):
    stylizer = pooled_stylizer(row.make(), num_steps=2, min_size=32, average_decay=0.9)
    assert_exports_and_reloads(stylizer, str(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("init", ["content", "noise", "style"])
def test_coarse_to_fine(init, tmp_path, shallow):
    stylizer = small_stylizer(
        shallow, objective=small_objective("wasserstein"), num_steps=2, first_steps=3, min_size=32,
        init=init, average_decay=0.9, style_scale=0.8,
    )  # fmt: skip
    assert_exports_and_reloads(stylizer, str(tmp_path), shallow)


def test_early_stop_in_a_graph():
    """The loop over steps ends in a graph where it ends eagerly."""
    stylizer = pooled_stylizer("adam", num_steps=400, tolerance=0.5)
    content, style = picture(32, 32, seed=1), picture(32, 32, seed=2)
    steps = [progress.step for progress in stylizer.run(content, [style])]
    assert steps[-1] < 400
    in_graph = tf.function(stylizer)(content, [style])
    np.testing.assert_allclose(in_graph, stylizer(content, [style]), atol=1e-5)

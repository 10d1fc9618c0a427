"""Each optimiser in whole runs: one trace serves all pictures and sizes, runs resume to the byte, and export.

The tests share one optimisation per optimiser, since tracing takes most of the time.
"""

import pytest
import tensorflow as tf

from tests.conformance.exports import assert_exports_and_reloads
from tests.conformance.table import OPTIMIZER_ROWS
from tests.materials import assert_resumes, picture, pooled, small_objective
from tf_style.stylizers import Optimization, PyramidStylizer

PAIRS = [(picture(32, 40, seed=seed), picture(36, 32, seed=seed + 10)) for seed in range(3)]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(row, id=row.name, marks=pytest.mark.slow if row.name == "lbfgs" else ()) for row in OPTIMIZER_ROWS
    ],
)
def optimization(request):
    return Optimization(pooled, small_objective(layers=("pooled",)), request.param.make(), average_decay=0.5)


def test_one_trace_for_all_pictures_and_sizes(optimization):
    stylizer = PyramidStylizer(optimization, num_steps=2)
    for content, style in PAIRS:
        stylizer(content, [style])
    assert optimization.num_traces == 1
    stylizer(picture(48, 36, seed=20), [picture(40, 40, seed=21)])
    stylizer(picture(33, 64, seed=22), [picture(64, 50, seed=23), picture(32, 32, seed=24)])
    assert optimization.num_traces == 1


def test_resumes_to_the_byte(optimization):
    stylizer = PyramidStylizer(optimization, num_steps=23, first_steps=12, min_size=32, scale_factor=1.9)
    content, style, chunk = picture(64, 64, seed=1), picture(50, 60, seed=2), optimization.optimizer.steps_per_call
    whole = list(stylizer.run(content, [style]))
    calls = [min(step + chunk, 12) for step in range(0, 12, chunk)]
    calls += [12 + min(step + chunk, 23) for step in range(0, 23, chunk)]
    assert [progress.step for progress in whole] == calls
    assert_resumes(stylizer, content, style, range(0, len(whole) - 1, max(1, len(whole) // 5)))
    for progress in whole:
        for image in (progress.image, progress.state.image):
            assert float(tf.reduce_min(image)) >= 0
            assert float(tf.reduce_max(image)) <= 1
    assert optimization.num_traces == 1  # of all runs, at both sizes


def test_exports_and_reloads(optimization, tmp_path):
    assert_exports_and_reloads(PyramidStylizer(optimization, num_steps=2, min_size=32), str(tmp_path))

"""One trace for many pictures: none of their pixels, targets and (without XLA) sizes is built into the step."""

import pytest

from tests.materials import picture, pooled_stylizer, small_objective, small_stylizer

PAIRS = [(picture(32, 40, seed=seed), picture(36, 32, seed=seed + 10)) for seed in range(3)]


@pytest.mark.parametrize("statistic", ["gram", "mean_std", "wasserstein"])
def test_one_trace_for_all_scales_of_a_pyramid(statistic, shallow):
    stylizer = small_stylizer(shallow, objective=small_objective(statistic), num_steps=1, min_size=32)
    seen = [progress.scale for progress in stylizer.run(picture(64, 72), [PAIRS[0][1]])]
    assert seen == [0, 1, 2]
    assert stylizer.optimization.num_traces == 1


def test_one_trace_for_each_size_with_xla():
    stylizer = pooled_stylizer("adam", num_steps=2, jit_compile=True)
    for content, style in PAIRS:
        stylizer(content, [style])
    assert stylizer.optimization.num_traces == 1
    stylizer(picture(48, 36, seed=20), [PAIRS[0][1]])
    assert stylizer.optimization.num_traces == 2
    stylizer(PAIRS[1][0], [PAIRS[2][1]])
    assert stylizer.optimization.num_traces == 2


def test_a_batch_of_another_number_is_another_trace(shallow):
    """The number of pictures is the one thing a trace holds fixed."""
    stylizer = small_stylizer(shallow, num_steps=1)
    for _ in range(2):
        stylizer(picture(32, 40, batch=2), [picture(32, 32)])
    assert stylizer.optimization.num_traces == 1
    stylizer(picture(32, 40), [picture(32, 32)])
    assert stylizer.optimization.num_traces == 2

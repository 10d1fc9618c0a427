"""The loop inside a graph: in chunks, and with steps, seeds and weights of each picture's own."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import picture, pooled_stylizer
from tf_style.stylizers import GraphLoop

CONTENT = tf.concat([picture(48, 64, seed=1), 0.5 * picture(48, 64, seed=2)], 0)
STYLE = picture(40, 36, seed=3)


@functools.cache
def stylizer_of(optimizer="adam", **options):
    """One for each set of options, so that each is traced once."""
    options = {"num_steps": 6, "first_steps": 9, "min_size": 40, "average_decay": 0.9, **options}
    return pooled_stylizer(optimizer, **options)


def functions_of(stylizer, content, weights=None, **options):
    """What a server would call: to start, to go some steps on, and to look at the picture."""
    loop = GraphLoop(stylizer)

    @tf.function
    def start():
        return loop.start(content, [STYLE], **options)

    @tf.function(reduce_retracing=True)
    def advance(state, budget):
        return loop.advance(
            content, lambda scale, size: stylizer.style_targets([STYLE], size), state, budget=budget, weights=weights
        )

    @tf.function
    def look(state):
        return stylizer.optimization.picture(state.run), loop.finished(content, state), loop.fraction(content, state)

    return start, advance, look


@functools.cache
def plain_functions(stylizer):
    """Those without options, traced once for runs in chunks of any length."""
    return functions_of(stylizer, CONTENT)


def run(stylizer, content=CONTENT, chunks=None, **options):
    """Picture and state after all steps, or after calls of `chunks` steps."""
    plain = content is CONTENT and not options
    start, advance, look = plain_functions(stylizer) if plain else functions_of(stylizer, content, **options)
    state, seen = start(), []
    while not seen or not seen[-1][1].all():
        state = advance(state, tf.constant(chunks or 1_000_000))
        seen.append([tensor.numpy() for tensor in look(state)])
        assert len(seen) < 50
    return seen[-1][0], state, seen


def test_it_paints_what_the_eager_loop_paints():
    stylizer = stylizer_of()
    painted, state, _ = run(stylizer)
    np.testing.assert_allclose(painted, stylizer(CONTENT, [STYLE]), atol=1e-5)
    assert state.steps.numpy().tolist() == [15, 15]


@pytest.mark.parametrize(("optimizer", "chunks"), [("adam", 1), ("adam", 4), ("adam", 9), ("lbfgs", 10), ("lbfgs", 7)])
def test_chunks_add_up_to_the_whole(optimizer, chunks):
    few = {"num_steps": 20, "min_size": 0, "first_steps": None, "average_decay": 0.0} if optimizer == "lbfgs" else {}
    stylizer = stylizer_of(optimizer, **few)
    whole, _, _ = run(stylizer)
    painted, state, seen = run(stylizer, chunks=chunks)
    np.testing.assert_array_equal(painted, whole)
    fractions = np.array([fraction for _, _, fraction in seen])
    assert (np.diff(fractions, axis=0) > 0).all()
    np.testing.assert_array_equal(fractions[-1], [1, 1])
    assert len(seen) == -(-int(state.steps[0]) // (10 if optimizer == "lbfgs" else chunks))


def test_each_picture_has_its_own_steps():
    stylizer = stylizer_of()
    both, state, _ = run(stylizer, num_steps=tf.constant([2, 6]))
    assert state.steps.numpy().tolist() == [2 + 3, 6 + 9]  # the coarsest scale has half as many again
    for index, steps in enumerate([2, 6]):
        alone, single, _ = run(stylizer, CONTENT[index : index + 1], num_steps=tf.constant([steps]))
        np.testing.assert_allclose(both[index], alone[0], atol=1e-5)
        for name, loss in single.run.losses.items():
            np.testing.assert_allclose(state.run.losses[name][index], loss[0], rtol=1e-3)


def test_each_picture_has_its_own_seed():
    stylizer = stylizer_of(init="noise")
    painted, _, _ = run(stylizer, tf.repeat(CONTENT[:1], 3, 0), seeds=tf.constant([0, 5, 0]))
    np.testing.assert_allclose(painted[0], painted[2], atol=1e-5)
    assert np.abs(painted[0] - painted[1]).mean() > 1e-2
    np.testing.assert_allclose(painted[:1], stylizer(CONTENT[:1], [STYLE]), atol=1e-5)
    np.testing.assert_allclose(painted[1:2], stylizer_of(init="noise", seed=5)(CONTENT[:1], [STYLE]), atol=1e-5)


def test_each_picture_has_its_own_weights():
    stylizer = stylizer_of()
    content = tf.repeat(CONTENT[:1], 3, 0)
    own = {term.name: weight for weight, term in stylizer.optimization.objective.terms}
    weights = {"style": tf.constant([own["style"], 0.0, 1000.0])}
    painted, state, _ = run(stylizer, content, weights=weights)
    np.testing.assert_allclose(painted[:1], stylizer(content[:1], [STYLE]), atol=1e-5)
    changes = np.abs(painted - content).mean(axis=(1, 2, 3))
    assert changes[1] < changes[0] < changes[2]
    assert state.run.losses["style"][1] == 0


def test_pictures_that_stop_early_are_left_alone():
    """A picture that is already what it should be stops at the first look; the other one goes on as if alone."""
    stylizer = stylizer_of(num_steps=120, first_steps=None, min_size=40, tolerance=0.5, average_decay=0.0)
    flat = tf.fill([1, 48, 64, 3], 0.5)
    both, state, _ = run(stylizer, tf.concat([flat, CONTENT[:1]], 0))
    for index, content in enumerate((flat, CONTENT[:1])):
        alone, single, _ = run(stylizer, content)
        assert int(state.steps[index]) == int(single.steps[0])
        np.testing.assert_allclose(both[index], alone[0], atol=2e-2)

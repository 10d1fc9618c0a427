"""L-BFGS on pixels: TensorFlow Probability's, run in chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tf_style.types import Image, LossFn, Optimizer

_FIRST_STEP = 0.05  # how far (root mean square, white is 1) a plain gradient step would move the pixels at first
_LINE_SEARCH_EVALUATIONS = 20
_RANGE_PENALTY = 10.0  # in units of the first loss; see `with_penalty`


class LbfgsState(NamedTuple):
    """What a chunk needs from the previous one.

    `position` is the iterate before clipping, `value` [B] the scaled objective there and `gradient` [B, H, W, 3] its
    gradient. `positions` and `gradients` [M, B, H, W, 3] are the last M differences, of which `pairs` are valid.
    `scale` and `first_loss` [B] scale the objective. `fresh` is true if the objective must be evaluated first.
    """

    position: tf.Tensor
    gradient: tf.Tensor
    value: tf.Tensor
    positions: tf.Tensor
    gradients: tf.Tensor
    pairs: tf.Tensor
    scale: tf.Tensor
    first_loss: tf.Tensor
    fresh: tf.Tensor
    evaluations: tf.Tensor


def lbfgs(*, num_correction_pairs: int = 20, steps_per_call: int = 10) -> Optimizer:
    """L-BFGS with the Hager-Zhang line search, at about 2 to 3 objective evaluations per step.

    Pixels may leave [0, 1] between steps. The objective is that of the clipped picture plus a quadratic penalty that
    leads back; the picture returned is the clipped one, and the loss reported is its own. If the line search fails for
    one picture (as it may in bfloat16), the next call starts over from the same pictures, for the whole batch.

    Args:
      num_correction_pairs: How many past steps the curvature estimate remembers.
      steps_per_call: Most steps (L-BFGS iterations) in a call of `step`; 10 + 10 steps equal 20 to the bit.

    Returns:
      An `Optimizer`. At another size it starts with an empty memory: curvature pairs hold for one resolution only.

    Reference:
      Liu, Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45, 1989;
      `tfp.optimizer.lbfgs_minimize`.
    """
    import tensorflow_probability as tfp  # not at the top: it takes seconds, which Adam does not need

    def init(image: Image) -> LbfgsState:
        memory = empty_memory(image, num_correction_pairs)
        batch = tf.zeros_like(image[:, 0, 0, 0])
        return LbfgsState(
            position=image,
            gradient=tf.zeros_like(image),
            value=batch,
            positions=memory,
            gradients=memory,
            pairs=tf.zeros([], tf.int32),
            scale=batch + 1.0,
            first_loss=batch,
            fresh=tf.constant(True),
            evaluations=tf.zeros([], tf.int32),
        )

    def step(
        loss_fn: LossFn, image: Image, state: LbfgsState, num_steps: tf.Tensor
    ) -> tuple[Image, LbfgsState, dict[str, tf.Tensor]]:
        shape = tf.shape(image)
        state = tf.cond(state.fresh, lambda: _start(loss_fn, image, state), lambda: state)
        objective = tf.function(  # TFP calls it in nine places; this traces it once
            lambda flat: _bounded(loss_fn, flat, shape, state.scale, state.first_loss),
            input_signature=[tf.TensorSpec([None, None])],
            autograph=False,
        )
        results = tfp.optimizer.lbfgs_minimize(
            objective,
            initial_position=None,
            previous_optimizer_results=_as_results(state),
            max_iterations=state.pairs + num_steps,
            max_line_search_iterations=_LINE_SEARCH_EVALUATIONS,
        )
        after = _as_state(results, state, shape)
        picture = tf.clip_by_value(after.position, 0.0, 1.0)
        _, losses = loss_fn(picture)
        return picture, after._replace(evaluations=after.evaluations + 1), losses

    return restarting(init, step, steps_per_call)


def empty_memory(image: Image, num_pairs: int) -> tf.Tensor:
    """Zeros [M, B, H, W, 3], for M past steps or changes of the gradient."""
    memory = tf.zeros(tf.concat([[num_pairs], tf.shape(image)], axis=0))
    return tf.ensure_shape(memory, [num_pairs, *image.shape])


def restarting(init: Callable[..., Any], step: Callable[..., Any], steps_per_call: int = 1) -> Optimizer:
    """The optimiser of these functions, which starts over at another size; its state has `position`, `evaluations`."""

    def resize(state: Any, size: tuple[tf.Tensor, tf.Tensor]) -> Any:
        return init(tf.image.resize(state.position, size, "bilinear"))._replace(evaluations=state.evaluations)

    return Optimizer(
        init,
        step,
        resize,
        hold=lambda before, after, done: after,  # the picture is held elsewhere
        evaluations=lambda state: state.evaluations,
        steps_per_call=steps_per_call,
    )


def _flatten(tensor: tf.Tensor) -> tf.Tensor:
    """[..., B, H, W, 3] -> [..., B, N]."""
    return tf.reshape(tensor, tf.concat([tf.shape(tensor)[:-3], [-1]], axis=0))


def _start(loss_fn: LossFn, image: Image, state: LbfgsState) -> LbfgsState:
    """Evaluates the objective at `image` and scales it so that a gradient step is neither tiny nor huge."""
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss, _ = loss_fn(image)
    gradient = tape.gradient(loss, image)
    rms = tf.sqrt(tf.reduce_mean(tf.square(gradient), axis=[1, 2, 3]))
    scale = _FIRST_STEP / (rms + 1e-30)
    return state._replace(
        position=image,
        gradient=gradient * scale[:, tf.newaxis, tf.newaxis, tf.newaxis],
        value=loss * scale,
        positions=tf.zeros_like(state.positions),
        gradients=tf.zeros_like(state.gradients),
        pairs=tf.zeros([], tf.int32),
        scale=scale,
        first_loss=loss,
        fresh=tf.constant(False),
        evaluations=state.evaluations + 1,
    )


def _bounded(
    loss_fn: LossFn, flat: tf.Tensor, shape: tf.Tensor, scale: tf.Tensor, first_loss: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Value [B] and gradient [B, N] of the scaled objective: the clipped picture's loss plus the range penalty."""
    with tf.GradientTape() as tape:
        tape.watch(flat)
        value = scale * with_penalty(loss_fn, tf.reshape(flat, shape), first_loss)[0]
    return value, tape.gradient(value, flat)


def with_penalty(loss_fn: LossFn, position: tf.Tensor, first_loss: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The losses of the clipped picture; the total, [B], also holds the penalty that leads back to [0, 1]."""
    picture = tf.clip_by_value(position, 0.0, 1.0)
    excess = tf.reduce_mean(tf.math.squared_difference(position, tf.stop_gradient(picture)), axis=[1, 2, 3])
    loss, losses = loss_fn(picture)
    return loss + _RANGE_PENALTY * first_loss * excess, losses


def _as_results(state: LbfgsState) -> Any:
    from tensorflow_probability.python.optimizer.lbfgs import LBfgsOptimizerResults  # it has no public name

    undone = tf.zeros_like(state.value, tf.bool)
    # A converged picture leaves an empty pair, which TFP would count and divide by; a pair of ones is harmless.
    empty = tf.reduce_all(tf.equal(state.gradients[-1], 0.0), axis=[1, 2, 3], keepdims=True) & (state.pairs > 0)
    ones = tf.cast(empty, tf.float32) * tf.ones_like(state.gradients[-1])
    filling = tf.concat([tf.zeros_like(state.gradients[:-1]), ones[tf.newaxis]], axis=0)
    return LBfgsOptimizerResults(
        converged=undone,
        failed=undone,
        num_iterations=state.pairs,
        num_objective_evaluations=state.evaluations,
        position=_flatten(state.position),
        objective_value=state.value,
        objective_gradient=_flatten(state.gradient),
        position_deltas=_flatten(state.positions + filling),
        gradient_deltas=_flatten(state.gradients + filling),
    )


def _as_state(results: Any, before: LbfgsState, shape: tf.Tensor) -> LbfgsState:
    memory = tf.shape(before.positions)
    return before._replace(
        position=tf.reshape(results.position, shape),
        gradient=tf.reshape(results.objective_gradient, shape),
        value=results.objective_value,
        positions=tf.reshape(results.position_deltas, memory),
        gradients=tf.reshape(results.gradient_deltas, memory),
        pairs=results.num_iterations,
        fresh=tf.reduce_any(results.failed),
        evaluations=results.num_objective_evaluations,
    )

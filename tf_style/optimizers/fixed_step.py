"""L-BFGS without a line search: one evaluation of the objective a step."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from tf_style.optimizers.lbfgs import empty_memory, restarting, with_penalty
from tf_style.types import Image, LossFn, Optimizer

_FIRST_STEP = 0.05  # how far (root mean square, white is 1) the first step moves the pixels
_LONGEST_STEP = 0.2  # the same, of any later step
_CURVED = 1e-8  # a step whose gradient changed less (as a cosine with the step) says nothing about curvature


class FixedStepState(NamedTuple):
    """What a step needs from the previous ones.

    `position` is the iterate before clipping, `step` the last step and `gradient` the gradient before it, [B, H, W, 3].
    `steps` and `changes` [M, B, H, W, 3] are the last M steps and changes of the gradient, and `curvature` [B, M] the
    inverses of their products; 0 where there is no pair. `scale` [B] is the inverse Hessian's before them, of the
    last pair; 0 before there is one. `first_loss` [B] is the loss of the first picture.
    """

    position: tf.Tensor
    step: tf.Tensor
    gradient: tf.Tensor
    steps: tf.Tensor
    changes: tf.Tensor
    curvature: tf.Tensor
    scale: tf.Tensor
    first_loss: tf.Tensor
    evaluations: tf.Tensor


def lbfgs_fixed_step(*, num_correction_pairs: int = 50) -> Optimizer:
    """L-BFGS that takes each quasi-Newton step whole, as `torch.optim.LBFGS` does by default.

    Pixels may leave [0, 1] between steps, as in `lbfgs`.

    Args:
      num_correction_pairs: How many past steps the curvature estimate remembers.

    Returns:
      An `Optimizer`. At another size it starts with an empty memory.

    Reference:
      Nocedal, Wright, "Numerical Optimization", 2nd edition, 2006, algorithm 7.4 and equation 7.20.
    """

    def init(image: Image) -> FixedStepState:
        memory = empty_memory(image, num_correction_pairs)
        batch = tf.zeros_like(image[:, 0, 0, 0])
        return FixedStepState(
            position=image,
            step=tf.zeros_like(image),
            gradient=tf.zeros_like(image),
            steps=memory,
            changes=memory,
            curvature=tf.repeat(batch[:, tf.newaxis], num_correction_pairs, axis=1),
            scale=batch,
            first_loss=batch,
            evaluations=tf.zeros([], tf.int32),
        )

    def step(
        loss_fn: LossFn, image: Image, state: FixedStepState, num_steps: tf.Tensor
    ) -> tuple[Image, FixedStepState, dict[str, tf.Tensor]]:
        del image, num_steps  # one step per call
        with tf.GradientTape() as tape:
            tape.watch(state.position)
            total, losses = with_penalty(loss_fn, state.position, state.first_loss)
        gradient = tape.gradient(total, state.position)
        change = gradient - state.gradient
        product, change_product = _dot(state.step, change), _dot(change, change)
        valid = product > _CURVED * tf.sqrt(_dot(state.step, state.step) * change_product)
        inverse = tf.where(valid, 1.0 / tf.where(valid, product, 1.0), 0.0)
        scale = tf.where(valid, product / (change_product + 1e-30), state.scale)
        steps = tf.concat([state.steps[1:], state.step[tf.newaxis]], 0)
        changes = tf.concat([state.changes[1:], change[tf.newaxis]], 0)
        curvature = tf.concat([state.curvature[:, 1:], inverse[:, tf.newaxis]], 1)
        first = _FIRST_STEP / (_rms(gradient) + 1e-30)
        move = -_two_loops(gradient, steps, changes, curvature, tf.where(scale > 0.0, scale, first))
        move *= _per_picture(tf.minimum(1.0, _LONGEST_STEP / (_rms(move) + 1e-30)))
        position = state.position + move
        first_loss = tf.where(state.first_loss > 0.0, state.first_loss, total)
        after = FixedStepState(
            position, move, gradient, steps, changes, curvature, scale, first_loss, state.evaluations + 1
        )
        return tf.clip_by_value(position, 0.0, 1.0), after, losses

    return restarting(init, step)


def _two_loops(
    gradient: tf.Tensor, steps: tf.Tensor, changes: tf.Tensor, curvature: tf.Tensor, scale: tf.Tensor
) -> tf.Tensor:
    """The estimate of the inverse Hessian, `scale` [B] before all pairs, times the gradient."""
    direction = gradient
    shares: list[tf.Tensor] = []  # oldest first
    for index in reversed(range(steps.shape[0])):
        shares.insert(0, curvature[:, index] * _dot(steps[index], direction))
        direction -= _per_picture(shares[0]) * changes[index]
    direction *= _per_picture(scale)
    for index, share in enumerate(shares):
        missing = share - curvature[:, index] * _dot(changes[index], direction)
        direction += _per_picture(missing) * steps[index]
    return direction


def _dot(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """[B, H, W, 3] -> [B]."""
    return tf.reduce_sum(one * other, axis=[1, 2, 3])


def _rms(image: tf.Tensor) -> tf.Tensor:
    """[B, H, W, 3] -> [B]."""
    return tf.sqrt(tf.reduce_mean(tf.square(image), axis=[1, 2, 3]))


def _per_picture(values: tf.Tensor) -> tf.Tensor:
    """[B] -> [B, 1, 1, 1]."""
    return values[:, tf.newaxis, tf.newaxis, tf.newaxis]

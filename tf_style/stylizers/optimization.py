"""The optimisation at one size: from pictures to features, targets and steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tf_style.losses import Objective
from tf_style.ops.positions import lay_over
from tf_style.optimizers.rows import where_rows
from tf_style.stylizers.torus import resize_on_a_torus
from tf_style.types import Backbone, Features, Image, Masks, Nest, Optimizer, References

_MASKS = "masks"  # their key among the targets
_CHECK_EVERY = 50  # steps between two checks for early stopping, as in artistic-videos (Ruder et al. 2016)


class RunState(NamedTuple):
    """Everything that changes from step to step; a run can resume from it, and a checkpoint holds nothing else.

    `image` and `average` (the running sum of the iterates) are [B, H, W, 3], and `weight` [B] is the sum of the
    average's weights. `step` counts the steps at this size. `losses` holds the last weighted loss of each term [B], and
    `checked` [B] their sum at the last check. `done` [B] marks pictures that have stopped and no longer change.
    """

    image: tf.Tensor
    average: tf.Tensor
    weight: tf.Tensor
    step: tf.Tensor
    losses: dict[str, tf.Tensor]
    checked: tf.Tensor
    done: tf.Tensor
    optimizer: Nest


class Optimization:
    """The compiled parts of the loop, for one backbone, objective and optimiser.

    State and targets are arguments, never captured: several picture pairs share one trace, several runs can share an
    instance, and the same `step` runs in a Python loop, in a `tf.while_loop` and in a SavedModel.

    Args:
      backbone: Picture to features.
      objective: What to minimise.
      optimizer: How to minimise it.
      average_decay: Decay of the running average of the iterates, in [0, 1); 0 takes the last iterate.
      tolerance: Stop a picture when its loss has changed by no more than this share over 50 steps.
      style_backbone: A different backbone for the style images; None: the same.
      wrap: Whether opposite edges are neighbours when a picture is enlarged; its sides must then be multiples of 16.
      jit_compile: Compile the step with XLA, once for each picture size; otherwise one trace serves all sizes.

    Reference:
      Gatys et al., CVPR 2016, section 2.3; the running average: K. Crowson, style-transfer-pytorch, 2021.
    """

    def __init__(
        self,
        backbone: Backbone,
        objective: Objective,
        optimizer: Optimizer,
        *,
        average_decay: float = 0.0,
        tolerance: float = 0.0,
        style_backbone: Backbone | None = None,
        wrap: bool = False,
        jit_compile: bool = False,
    ) -> None:
        self.backbone = backbone
        self.objective = objective
        self.optimizer = optimizer
        self.average_decay = average_decay
        self.tolerance = tolerance
        self.style_backbone = style_backbone
        self.wrap = wrap
        self.jit_compile = jit_compile
        self.num_traces = 0
        self._compiled_targets = tf.function(self._targets, autograph=False)
        self.compiled_step = tf.function(self._step, jit_compile=jit_compile, autograph=False)

    def features(self, image: Image, masks: Masks | None = None) -> Features:
        """The backbone's features of a picture, with the picture under "image" and any masks under their names.

        Args:
          image: Float32 [B, H, W, 3].
          masks: Masks of the image's size, and the content under "content", which shows outside the regions.
        """
        if not masks:
            return {**self.backbone(image), "image": image}
        if "regions" in masks:
            image = lay_over(masks["content"], image, tf.reduce_sum(masks["regions"], -1, keepdims=True))
        own = {name: mask for name, mask in masks.items() if name != "content"}
        return {**self.backbone(image), "image": image, **own}

    def targets(
        self,
        content: Image | None,
        styles: Sequence[Image],
        masks: Masks | None = None,
        shares: tf.Tensor | None = None,
    ) -> Nest:
        """Targets by term, for pictures of any size; only those that need no content or no styles if these are missing.

        Args:
          content: Float32 [B, H, W, 3].
          styles: Pictures [B or 1, h, w, 3], or with an alpha as 4th channel; transparent pixels are ignored.
          masks: Masks of the content's size, returned with the targets.
          shares: Share of each style; None: the objective's own.
        """
        contents = () if content is None else (content,)
        given = () if shares is None else (shares,)
        targets = call_for_any_size(self._compiled_targets, (contents, tuple(styles), given))
        return {**targets, _MASKS: {**masks, "content": content}} if masks else targets

    def start(self, image: Image) -> RunState:
        """The state before the first step."""
        batch = tf.zeros_like(image[:, 0, 0, 0])
        return RunState(
            image=image,
            average=tf.zeros_like(image),
            weight=batch,
            step=tf.zeros([], tf.int32),
            losses={term.name: batch for _, term in self.objective.terms},
            checked=batch,
            done=tf.zeros_like(batch, tf.bool),
            optimizer=self.optimizer.init(image),
        )

    def step(
        self, state: RunState, targets: Nest, num_steps: tf.Tensor, weights: Mapping[str, tf.Tensor] | None = None
    ) -> RunState:
        """Makes up to `num_steps` steps (at most the optimiser's `steps_per_call`).

        Args:
          state: The state so far.
          targets: What `targets` returned.
          num_steps: Int32 scalar.
          weights: Weights [B] that replace the objective's own, by the term's name.
        """
        arguments = (state, targets, num_steps, dict(weights or {}))
        if self.jit_compile:
            return self.compiled_step(*arguments)
        return call_for_any_size(self.compiled_step, arguments)

    def steps(
        self, state: RunState, targets: Nest, num_steps: int, weights: Mapping[str, tf.Tensor] | None = None
    ) -> Iterator[RunState]:
        """Makes steps until there are `num_steps`, or all pictures have stopped; yields the state after each call."""
        while int(state.step) < num_steps and not bool(tf.reduce_all(state.done)):
            chunk = min(self.optimizer.steps_per_call, num_steps - int(state.step))
            state = self.step(state, targets, tf.constant(chunk), weights)
            yield state

    def resize(self, state: RunState, size: tuple[tf.Tensor, tf.Tensor]) -> RunState:
        """The state at the next scale: starts from the average and keeps the optimiser's state, resized."""
        if not self.wrap:
            return self._resize(state, size)
        return resize_on_a_torus(state, tf.unstack(tf.shape(state.image)[1:3]), size, self._resize)

    def _resize(self, state: RunState, size: tuple[tf.Tensor, tf.Tensor]) -> RunState:
        # A cubic is steeper halfway between two old pixels, so some rows of the new picture differ more from the next
        # than others do. On a torus, the row at the edge would be one of them and show as a seam.
        method = "lanczos5" if self.wrap else "bicubic"
        image = tf.clip_by_value(tf.image.resize(self.picture(state), size, method), 0.0, 1.0)
        return self.start(image)._replace(optimizer=self.optimizer.resize(state.optimizer, size))

    def picture(self, state: RunState) -> Image:
        """The picture so far: the bias-corrected running average of the iterates."""
        if self.average_decay == 0.0:
            return state.image
        weight = state.weight[:, tf.newaxis, tf.newaxis, tf.newaxis]
        return tf.where(weight > 0.0, tf.math.divide_no_nan(state.average, weight), state.image)

    def _targets(self, contents: tuple[Image, ...], styles: tuple[Image, ...], shares: tuple[tf.Tensor, ...]) -> Nest:
        targets: dict[str, Nest] = {}
        if contents:
            targets |= self.objective.reading("content").targets(References(self.features(contents[0]), ()))
        if styles:
            look = self.style_backbone or self.backbone
            features = tuple(_style_features(look, style) for style in styles)
            references = References({}, features, shares=shares[0] if shares else None)
            targets |= self.objective.reading("styles").targets(references)
        return targets

    def _step(self, state: RunState, targets: Nest, num_steps: tf.Tensor, weights: dict[str, tf.Tensor]) -> RunState:
        self.num_traces += 1  # runs once per trace; tests count it

        def loss_fn(image: Image) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            features = {**self.features(image, targets.get(_MASKS)), "step": state.step}
            losses = self.objective.losses(features, targets, weights)
            return tf.add_n(list(losses.values())), losses

        image, optimizer_state, losses = self.optimizer.step(loss_fn, state.image, state.optimizer, num_steps)
        losses = {name: tf.where(state.done, state.losses[name], loss) for name, loss in losses.items()}
        image = where_rows(state.done, state.image, image)
        count = state.step + tf.minimum(num_steps, self.optimizer.steps_per_call)
        decay = tf.pow(self.average_decay, tf.cast(count - state.step, tf.float32))
        average = where_rows(state.done, state.average, decay * state.average + (1.0 - decay) * image)
        loss = tf.add_n(list(losses.values()))
        look = count // _CHECK_EVERY > state.step // _CHECK_EVERY
        still = tf.abs(state.checked - loss) <= self.tolerance * tf.abs(loss)
        return RunState(
            image=image,
            average=average,
            weight=tf.where(state.done, state.weight, decay * state.weight + (1.0 - decay)),
            step=count,
            losses=losses,
            checked=tf.where(look, loss, state.checked),
            done=state.done | (look & still),
            optimizer=self.optimizer.hold(state.optimizer, optimizer_state, state.done),
        )


def _style_features(backbone: Backbone, style: Image) -> Features:
    if style.shape[-1] == 3:
        return {**backbone(style), "image": style}
    image, alpha = style[..., :3], style[..., 3:]
    return {**backbone(image), "image": image, "mask": alpha}


def any_size(tensor: tf.Tensor) -> tf.TensorShape:
    """The tensor's shape with open height and width (axes -3 and -2) if its rank is 4 or more."""
    shape = tensor.shape.as_list()
    if len(shape) >= 4:
        shape[-3:-1] = [None, None]
    return tf.TensorShape(shape)


def call_for_any_size(function: Any, arguments: Nest) -> Nest:
    """Calls a `tf.function` with a tuple of arguments, tracing it once for all picture sizes."""
    if not tf.inside_function() and not tf.config.functions_run_eagerly():
        specs = tf.nest.map_structure(lambda tensor: tf.TensorSpec(any_size(tensor), tensor.dtype), arguments)
        function.get_concrete_function(*specs)
    return function(*arguments)

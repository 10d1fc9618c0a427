"""The vocabulary: the few types everything else is written in. No logic lives here."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

#: Pictures inside the library: float32 [B, H, W, 3], RGB in [0, 1].
Image: TypeAlias = tf.Tensor

#: Any nest of tensors that `tf.nest` understands.
Nest: TypeAlias = Any

#: Layer name -> activations [B, H', W', C], float32. The key "image" holds the picture itself; "mask", if there,
#: how much each of its positions counts ([B or 1, H, W, 1], at least 0); other masks lie under names of their own.
Features: TypeAlias = Mapping[str, tf.Tensor]

#: Picture to features; a `keras.Model` with dict outputs, its preprocessing inside.
Backbone: TypeAlias = Callable[[Image], Features]

#: Picture -> (total loss [B], weighted loss of each term [B]).
LossFn: TypeAlias = Callable[[Image], tuple[tf.Tensor, dict[str, tf.Tensor]]]

#: How much pixels count, float32 [B or 1, H, W, N] in [0, 1] at the content's size. "regions": where each style goes, N
#: of them, with a sum of at most 1; what is left stays as it is. "keep", N = 1: where the content stays recognizable.
Masks: TypeAlias = Mapping[str, tf.Tensor]

#: (content, styles) -> stylized picture. Optimisation, feed-forward networks and remote servers all look like this.
Stylizer: TypeAlias = Callable[[Image, Sequence[Image]], Image]


class References(NamedTuple):
    """Features of the given pictures, from which the terms make their targets."""

    content: Features
    styles: tuple[Features, ...]
    previous: Features | None = None


class Term(NamedTuple):
    """A pair of pure functions, declared before any picture exists.

    `target` runs once per picture pair; `loss` runs every step and returns one number a picture, [B]. `reads` says
    which of the references the target is made from, "content" or "styles": the other may be empty. A term that can be
    told from parts of a picture has `sums`, from (features, target) to what is added up over positions, and
    `from_sums`, from (sums, target) to the loss; `losses.additive_term` makes one. If such a term reads styles,
    `style_sums` turns features of (parts of) a style into sums, which `target` takes in place of features.
    """

    name: str
    target: Callable[[References], Nest]
    loss: Callable[[Features, Nest], tf.Tensor]
    repr: str = ""
    reads: str = "content"
    sums: Callable[[Features, Nest], Nest] | None = None
    from_sums: Callable[[Nest, Nest], tf.Tensor] | None = None
    style_sums: Callable[[Features], Nest] | None = None


class Optimizer(NamedTuple):
    """Pure functions that move a picture downhill; all state is passed in and returned.

    `init(image) -> state`; `step(loss_fn, image, state, num_steps) -> image, state, losses` runs at most
    `num_steps` (an int32 scalar, no more than `steps_per_call`) steps; `resize(state, size) -> state` carries the
    state to another picture size; `hold(before, after, done) -> state` keeps what pictures that are done ([B], bool)
    take to another size as it was before. State leaves that are as large as the picture have rank 4 or more, with
    height and width at axes -3 and -2. `evaluations(state)` counts objective evaluations so far.
    """

    init: Callable[[Image], Nest]
    step: Callable[[LossFn, Image, Nest, tf.Tensor], tuple[Image, Nest, dict[str, tf.Tensor]]]
    resize: Callable[[Nest, tuple[tf.Tensor, tf.Tensor]], Nest]
    hold: Callable[[Nest, Nest, tf.Tensor], Nest]
    evaluations: Callable[[Nest], tf.Tensor]
    steps_per_call: int = 1


@dataclasses.dataclass(frozen=True)
class Progress:
    """What `on_step` callbacks see after each call of the compiled step: each step with Adam, 10 with L-BFGS.

    `step` and `num_steps` count over all scales; `scale` is the number of the present one, from 0, of `num_scales`, and
    `size` its height and width; `evaluations` counts those of the objective; `fraction` is the share of the work (steps
    times pixels) that is done; `loss` and `losses` (the weighted terms, which add up to `loss`) are means over the
    batch; `image` is the picture so far, which `picture` makes when it is first asked for; `state` is all that is
    needed to go on from here. Adam's loss is that of the iterate before its step.
    """

    step: int
    num_steps: int
    scale: int
    num_scales: int
    size: tuple[int, int]
    loss: float
    losses: dict[str, float]
    evaluations: int
    fraction: float
    picture: Callable[[], Image]
    state: Nest

    @functools.cached_property
    def image(self) -> Image:
        """The picture so far, float32 [B, H, W, 3] in [0, 1], finished."""
        return self.picture()

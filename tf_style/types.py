"""The few types that everything else is written in. No logic lives here."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tf_style.controls import Controls

#: A tensor of Keras's backend. The networks and most losses take any backend's, all else takes TensorFlow's.
Tensor: TypeAlias = Any

#: Pictures inside the library: float32 [B, H, W, 3], RGB in [0, 1].
Image: TypeAlias = Tensor

#: Any nest of tensors that `keras.tree` understands.
Nest: TypeAlias = Any

#: Layer name -> activations [B, H', W', C], float32. The key "image" holds the picture itself, and "mask", if present,
#: the weight of each of its pixels ([B or 1, H, W, 1], at least 0). Other masks have names of their own. "step" is the
#: number of steps so far at this size, int32 [].
Features: TypeAlias = Mapping[str, Tensor]

#: Picture to features; a `keras.Model` with dict outputs that includes its preprocessing.
Backbone: TypeAlias = Callable[[Image], Features]

#: Picture -> (total loss [B], weighted loss of each term [B]).
LossFn: TypeAlias = Callable[[Image], tuple[Tensor, dict[str, Tensor]]]

#: Masks, float32 [B or 1, H, W, N] in [0, 1] at the content's size. "regions": where each of N styles goes, with a sum
#: of at most 1; the rest of the content is left unchanged. "keep" (N = 1): where the content stays recognizable.
Masks: TypeAlias = Mapping[str, Tensor]

#: (painting, content, controls) -> the picture to show.
Finish: TypeAlias = Callable[[Image, Image, Controls], Image]

#: (content, styles) -> stylized picture. Optimisation, feed-forward networks and remote servers all look like this.
Stylizer: TypeAlias = Callable[[Image, Sequence[Image]], Image]


class References(NamedTuple):
    """Features of the input pictures, from which the terms make their targets.

    `shares` [number of styles], if given, replaces the terms' own shares of the styles. `previous`, in films, holds
    paintings of frames before, moved along, under "image" and how far to trust them under "mask".
    """

    content: Features
    styles: tuple[Features, ...]
    previous: tuple[Features, ...] = ()
    shares: Tensor | None = None


class Term(NamedTuple):
    """A loss term: a pair of pure functions, declared before any picture exists.

    `target` runs once per picture pair; `loss` runs every step and returns one number per picture, [B]. `reads` says
    which of the references the target is made from, "content", "styles" or "previous"; the others may be empty.

    A term that can be computed from parts of a picture has two more functions: `sums`, from (features, target) to sums
    over positions, and `from_sums`, from (sums, target) to the loss. `losses.additive_term` makes such a term. If it
    reads styles, it also has `style_sums`, from features of (part of) a style to sums that `target` takes in place of
    features.
    """

    name: str
    target: Callable[[References], Nest]
    loss: Callable[[Features, Nest], Tensor]
    repr: str = ""
    reads: str = "content"
    sums: Callable[[Features, Nest], Nest] | None = None
    from_sums: Callable[[Nest, Nest], Tensor] | None = None
    style_sums: Callable[[Features], Nest] | None = None


class Optimizer(NamedTuple):
    """Pure functions that move a picture downhill; all state is passed in and returned.

    `init(image) -> state` starts. `step(loss_fn, image, state, num_steps) -> image, state, losses` runs at most
    `num_steps` steps (an int32 scalar, no more than `steps_per_call`). `resize(state, size) -> state` carries the state
    to another picture size. `hold(before, after, done) -> state` takes the state of finished pictures (`done`, bool
    [B]) from `before` and that of the others from `after`. `evaluations(state)` counts objective evaluations so far.

    State leaves as large as the picture have rank 4 or more, with height and width at axes -3 and -2.
    """

    init: Callable[[Image], Nest]
    step: Callable[[LossFn, Image, Nest, Tensor], tuple[Image, Nest, dict[str, Tensor]]]
    resize: Callable[[Nest, tuple[Tensor, Tensor]], Nest]
    hold: Callable[[Nest, Nest, Tensor], Nest]
    evaluations: Callable[[Nest], Tensor]
    steps_per_call: int = 1


@dataclasses.dataclass(frozen=True)
class Progress:
    """What `on_step` callbacks get after each call of the compiled step: 1 step of Adam, or 10 of L-BFGS.

    `step` and `num_steps` count over all scales. `scale` is the current scale's number, from 0, of `num_scales`, and
    `size` its (height, width). `loss` is a mean over the batch, as are `losses`, the weighted terms that add up to it;
    Adam's losses are those of the picture before its step. `evaluations` counts the objective's evaluations, and
    `fraction` is the share of the work (steps times pixels) done. `image` is the picture so far; `picture` makes it
    when it is first read. `state` is all that is needed to resume from here.
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

"""A run in progress as named tensors, which a client can hold between two calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tf_style.serving.export import guards
from tf_style.serving.export.guards import Limits
from tf_style.stylizers import GraphLoop, Optimization, PyramidState, PyramidStylizer, any_size


class StateTensors:
    """Converts the state of a run and its weights to `state_*` tensors and back.

    Args:
      optimization: The optimization that runs.
    """

    def __init__(self, optimization: Optimization) -> None:
        self._optimization = optimization
        self._structure: Any = None
        self._specs: dict[str, tf.TensorSpec] = {}

    def specs(self, stylizer: PyramidStylizer) -> dict[str, tf.TensorSpec]:
        """Name -> spec of every tensor, for any number of pictures of any size."""
        if not self._specs:
            picture = tf.TensorSpec([None, None, None, 3])
            weights = {name: tf.TensorSpec([None]) for name in self._weighed()}
            start = tf.function(lambda content, style: GraphLoop(stylizer).start(content, [style]), autograph=False)
            state = start.get_concrete_function(picture, picture).structured_outputs
            self._structure = (state, weights)
            self._specs = {
                name: tf.TensorSpec(any_size(tensor), tensor.dtype, name) for name, tensor in _named(state, weights)
            }
        return self._specs

    def to_tensors(self, state: PyramidState, weights: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The named tensors of a run."""
        return dict(_named(state, weights))

    def from_tensors(
        self, tensors: dict[str, tf.Tensor], content: tf.Tensor, stylizer: PyramidStylizer, limits: Limits
    ) -> tuple[PyramidState, dict[str, tf.Tensor]]:
        """The run, after checking that the tensors belong to this content."""
        leaves = [tf.ensure_shape(tensors[name], spec.shape) for name, spec in self.specs(stylizer).items()]
        state, weights = tf.nest.pack_sequence_as(self._structure, leaves)
        batch = tf.shape(content)[0]
        sizes = stylizer.sizes(tf.shape(content))
        scale = guards.require(
            (state.scale >= 0) & (state.scale < tf.shape(sizes)[0]),
            "state must be of this content; scales of the content, and the scale given:",
            tf.stack([tf.shape(sizes)[0], state.scale]),
            state.scale,
        )
        wanted = tf.concat([batch[tf.newaxis], sizes[scale], [3]], axis=0)
        num_steps = guards.num_steps(state.num_steps, batch, limits)
        image = state.run.image
        for leaf in tf.nest.flatten((state, weights)):
            image = _fitting(leaf, wanted, image)
        most = tf.reduce_max(GraphLoop(stylizer).limits(num_steps, scale))
        counted = (state.run.step >= 0) & (state.run.step <= most)
        image = guards.require(
            counted, "state must be within the steps of its scale, but it is at", state.run.step, image
        )
        for name, picture in (("picture", image), ("average", state.run.average)):
            finite = tf.reduce_all(tf.math.is_finite(picture))
            image = guards.require(finite, f"the {name} in state must be finite, but part of it is not", 0, image)
        run = state.run._replace(image=image)
        return state._replace(scale=scale, num_steps=num_steps, run=run), weights

    def _weighed(self) -> list[str]:
        return [term.name for _, term in self._optimization.objective.terms if term.name in ("content", "style")]


def _fitting(leaf: tf.Tensor, shape: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Checks that a leaf of the state has a row per picture, or the pictures' shape (or is a stack of such)."""
    own = tf.shape(leaf)
    if leaf.shape.rank >= 4:
        fits = tf.reduce_all(tf.equal(own[-4:], shape))
        return guards.require(fits, "state must be of this content; the shape of a tensor in it is", own, image)
    if leaf.shape.rank in (1, 2):
        sentence = "state must hold a row for each content; rows given:"
        return guards.require(tf.equal(own[0], shape[0]), sentence, own, image)
    if leaf.dtype == tf.int32:
        return guards.require(leaf >= 0, "counts in state must not be negative, but one is", leaf, image)
    return image


def _named(state: PyramidState, weights: dict[str, tf.Tensor]) -> Iterator[tuple[str, tf.Tensor]]:
    yield from _paths("state", state)
    yield from _paths("state_weight", weights)


def _paths(prefix: str, nest: Any) -> Iterator[tuple[str, tf.Tensor]]:
    """(path, leaf) of a nest of dicts and named tuples, in the order of `tf.nest.flatten`."""
    if hasattr(nest, "_asdict"):
        items = nest._asdict().items()
    elif isinstance(nest, dict):
        items = sorted(nest.items())
    else:
        yield prefix, nest
        return
    for name, part in items:
        yield from _paths(f"{prefix}_{name}", part)

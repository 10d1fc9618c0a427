"""A style as one tensor: the targets of all terms that depend on styles, and its code for a network, by scale."""

from __future__ import annotations

import math

import tensorflow as tf

from tf_style.stylizers import PyramidStylizer
from tf_style.types import Nest

_TRACE_SIDE = 64  # any size will do: the shapes of the targets do not depend on it


class StyleCode:
    """Packs style targets to float32 [B, S, N] (S scales, coarse to fine) and back.

    Args:
      stylizer: Computes the targets.
    """

    def __init__(self, stylizer: PyramidStylizer) -> None:
        self._stylizer = stylizer
        spec = tf.TensorSpec([None, _TRACE_SIDE, _TRACE_SIDE, 3])
        targets = tf.function(lambda style: stylizer.optimization.targets(None, [style]), autograph=False)
        trace = targets.get_concrete_function(spec)
        self._structure = trace.structured_outputs
        self._shapes = [list(tensor.shape[1:]) for tensor in tf.nest.flatten(self._structure)]
        self._network_length = 0 if stylizer.network is None else stylizer.network.network.code_length
        self.length = sum(math.prod(shape) for shape in self._shapes) + self._network_length

    def encode(self, style: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
        """Encodes styles [B, h, w, 3] for scales of these sizes, int32 [S, 2]."""
        batch = tf.shape(style)[0]
        for_network = []
        if self._stylizer.network is not None:  # it paints for the coarsest scale only
            size = self._stylizer.first_pass_size(sizes[0], sizes[-1])
            for_network.append(self._stylizer.network.encode_styles([style], tf.concat([[batch], size, [3]], 0)))

        def at_scale(size: tf.Tensor) -> tf.Tensor:
            leaves = tf.nest.flatten(self._stylizer.style_targets([style], tf.unstack(size))) + for_network
            return tf.concat([tf.reshape(leaf, [batch, -1]) for leaf in leaves], axis=1)

        spec = tf.TensorSpec([None, None])
        codes = tf.map_fn(at_scale, sizes, fn_output_signature=spec, parallel_iterations=1)
        return tf.ensure_shape(tf.transpose(codes, [1, 0, 2]), [None, None, self.length])

    def unpack(self, code: tf.Tensor) -> Nest:
        """The targets at one scale, from its code [B, N]."""
        lengths = [math.prod(shape) for shape in self._shapes]
        *parts, _ = tf.split(code, [*lengths, self._network_length], axis=1)
        leaves = [tf.reshape(part, [-1, *shape]) for part, shape in zip(parts, self._shapes, strict=True)]
        return tf.nest.pack_sequence_as(self._structure, leaves)

    def for_network(self, code: tf.Tensor) -> tf.Tensor | None:
        """The network's code at one scale, [B, 1, N'], from the code of that scale; None if no network is used."""
        if not self._network_length:
            return None
        return code[:, tf.newaxis, -self._network_length :]

"""One graph for a single picture, and one for many."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


class ByBatch:
    """A compiled function with one graph for a single picture, where modulations go into the kernels, and one for many.

    Args:
      function: The function; its first argument is the pictures.
      specs: The batch's size (1 or None) to the input signature.
    """

    def __init__(self, function: Callable[..., tf.Tensor], specs: Callable[[int | None], list[tf.TensorSpec]]) -> None:
        self.compiled, self._function = True, function
        one, many = specs(1), specs(None)
        self._shapes = [spec.shape for spec in one]
        self._one, self._many = (tf.function(function, input_signature=each, autograph=False) for each in (one, many))

    def __call__(self, *arguments: tf.Tensor) -> tf.Tensor:
        """Calls the graph that fits the batch; uncompiled, the function itself."""
        batch = arguments[0].shape[0]
        if not self.compiled:
            return self._function(*arguments)
        if batch is not None:
            return (self._one if batch == 1 else self._many)(*arguments)
        return tf.cond(
            tf.equal(tf.shape(arguments[0])[0], 1),
            lambda: self._one(*map(tf.ensure_shape, arguments, self._shapes)),
            lambda: self._many(*arguments),
        )

"""Noise that belongs to places: a tile, or a picture elsewhere in a batch, gets the same as the whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from keras import ops

# Multipliers and shifts of a hash of 32 bits with little bias: C. Wellons, "Prospecting for Hash Functions", 2018
# (https://nullprogram.com/blog/2018/07/31/).
_ROUNDS = ((16, 0x7FEB352D), (15, 0x846CA68B - 2**32))
_LAST_SHIFT = 16
_LEVEL = 0x9E3779B9 - 2**32  # sets the planes of one seed apart
_ANYWHERE = 2**30


class Noise(NamedTuple):
    """Gaussian noise by a hash of seed and place.

    Attributes:
      seed: Int32 [1 or B].
      deviation: Its standard deviation.
      origin: (top, left) of the window in the picture, in pixels; multiples of the strides that `plane` is called with.
      period: Noise repeats after this height and width in pixels, for pictures without a seam; multiples too.
    """

    seed: Any
    deviation: float = 1.0
    origin: Any = (0, 0)
    period: Any = (_ANYWHERE, _ANYWHERE)

    def plane(self, height: Any, width: Any, stride: int) -> Any:
        """Noise for a window of `height` x `width` places, each `stride` pixels wide: float32 [1 or B, h, w, 1]."""
        rows, columns = (
            (self.origin[axis] // stride + ops.arange(length, dtype="int32")) % (self.period[axis] // stride)
            for axis, length in enumerate((height, width))
        )
        seeds = _hash(ops.cast(self.seed, "int32") + stride * ops.convert_to_tensor(_LEVEL, "int32"))
        by_row = _hash(ops.bitwise_xor(seeds[:, None], rows))
        bits = _hash(ops.bitwise_xor(by_row[:, :, None], _hash(columns)))
        uniform = (ops.cast(_shifted(bits, 9), "float32") + 0.5) / 2.0**22 - 1.0  # -1 and 1 would give infinity
        return self.deviation * 2.0**0.5 * ops.erfinv(uniform)[..., None]


def uniform(seed: Sequence[Any], number: int) -> Any:
    """Numbers in [0, 1) by a hash of integers, float32 [number]; the same on every backend and under XLA.

    Args:
      seed: Integers of any size, or int32 tensors []; other ones give other numbers.
      number: How many.
    """
    state = ops.zeros((), "int32")
    for part in seed:
        part = seed_of(part) if isinstance(part, int) else ops.cast(part, "int32")
        state = _hash(ops.bitwise_xor(state, part))
    bits = _hash(ops.bitwise_xor(state, _hash(ops.arange(number, dtype="int32"))))
    return ops.cast(_shifted(bits, 8), "float32") / 2.0**24


def seed_of(number: int) -> int:
    """A seed of 32 bits from any number; those that have 31 bits stay as they are."""
    return ((number ^ (number >> 32)) + 2**31) % 2**32 - 2**31


def _hash(x: Any) -> Any:
    for shift, factor in _ROUNDS:
        x = ops.bitwise_xor(x, _shifted(x, shift)) * ops.convert_to_tensor(factor, "int32")
    return ops.bitwise_xor(x, _shifted(x, _LAST_SHIFT))


def _shifted(x: Any, bits: int) -> Any:
    """Shifted right, with zeros coming in."""
    return ops.bitwise_and(ops.right_shift(x, bits), 2 ** (32 - bits) - 1)

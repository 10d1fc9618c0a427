"""Chooses the teacher's channels that a narrower student gets."""

from __future__ import annotations

import numpy as np

_EXHAUSTED = 1e-9  # share of a channel's energy below which the unexplained rest is only rounding


def choose_channels(gram: np.ndarray, count: int) -> np.ndarray:
    """Chooses the channels that best predict all others by linear combination.

    The choice is greedy: each time, it takes the channel that explains most of what is left of all channels, each
    relative to its own energy. Channels that are never active come last.

    Args:
      gram: Second moments of the channels' activations, [C, C].
      count: How many channels to take, 1 to C.

    Returns:
      The channels' indices, int32 [count], ascending.

    Raises:
      ValueError: `count` is out of range.

    Reference:
      Farahat, Ghodsi, Kamel, "An Efficient Greedy Method for Unsupervised Feature Selection", ICDM 2011, algorithm 1.
      https://doi.org/10.1109/ICDM.2011.22
    """
    total = len(gram)
    if not 1 <= count <= total:
        raise ValueError(f"count must be 1 to {total}, the number of channels, but {count} was given.")
    scale = 1.0 / np.sqrt(np.maximum(np.diag(gram), np.finfo(np.float64).tiny))
    rest = np.where(np.diag(gram)[:, None] > 0, gram.astype(np.float64) * scale * scale[:, None], 0.0)
    chosen: list[int] = []
    for _ in range(count):
        own = np.diag(rest)
        gains = np.where(own > _EXHAUSTED, (rest**2).sum(0) / np.maximum(own, _EXHAUSTED), -1.0)
        gains = np.where(np.diag(gram) > 0, gains, -2.0)
        gains[chosen] = -3.0
        best = int(gains.argmax())
        chosen.append(best)
        if own[best] > _EXHAUSTED:
            rest = rest - np.outer(rest[best], rest[best]) / own[best]
    return np.sort(np.array(chosen, np.int32))

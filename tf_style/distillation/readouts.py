"""Mixes a student's channels so that distances are about the same as between its teacher's channels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tf_style.types import Backbone

_RIDGE = 1e-4  # share of the mean energy of a student's channels: keeps weak ones from being amplified
_BATCH = 4


def fit_readouts(
    teacher: Backbone, student: Backbone, images: np.ndarray, mixed: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """Fits mixtures of a student's channels whose distances estimate those between all the teacher's channels.

    For each layer, A [C, K] is the least-squares estimate of the teacher's channels from the student's. Distances of
    Gram matrices, means and features between two such estimates equal those between mixtures of the student's K
    channels by M^(1/2), where M = A^T A; so K channels are as good as C. The factor (K / C)^(1/2) keeps the weights of
    losses, which count channels.

    Args:
      teacher: Picture to features by layer.
      student: Picture to features with the same names.
      images: Float32 [N, H, W, 3] in [0, 1].
      mixed: The teacher's own readouts, [C, C], by layer; its features are multiplied by them.

    Returns:
      By layer, a symmetric matrix, float32 [K, K]; features [..., K] times it are the mixtures.
    """
    own: dict[str, np.ndarray] = {}
    across: dict[str, np.ndarray] = {}
    for start in range(0, len(images), _BATCH):
        image = tf.constant(images[start : start + _BATCH])
        wanted, found = teacher(image), student(image)
        for layer, features in found.items():
            seen, goal = (np.reshape(part, (-1, part.shape[-1])) for part in (features, wanted[layer]))
            own[layer] = own.get(layer, 0.0) + seen.T.astype(np.float64) @ seen
            across[layer] = across.get(layer, 0.0) + goal.T.astype(np.float64) @ seen
    for layer, readout in (mixed or {}).items():
        if layer in across:
            across[layer] = readout.T @ across[layer]
    return {layer: _readout(own[layer], across[layer]) for layer in own}


def _readout(own: np.ndarray, across: np.ndarray) -> np.ndarray:
    """A readout, from the second moments of a student's channels, [K, K], and with its teacher's channels, [C, K]."""
    channels = len(own)
    ridge = _RIDGE * max(np.trace(own) / channels, np.finfo(np.float64).tiny)
    estimate = np.linalg.solve(own + ridge * np.eye(channels), across.T).T
    values, vectors = np.linalg.eigh(estimate.T @ estimate * channels / len(across))
    return (vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T).astype(np.float32)

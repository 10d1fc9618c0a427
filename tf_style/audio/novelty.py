"""Where music changes: how unlike what follows is to what came before."""

from __future__ import annotations

import numpy as np
from scipy import signal

_STEP = 0.25  # seconds; coarser than most beats' details
_KERNEL = 8.0  # seconds that are compared, half before and half after
_AT_ONCE = 1024  # places; bounds the memory
_QUIET = 1.0  # nats: bands that stray less from their mean are taken as that mean
_LEAST = 0.2  # of what a change to the opposite would be
_APART = 4.0  # seconds between sections at least


def novelty_of(logs: np.ndarray, rate: float) -> np.ndarray:
    """Novelty, by a checkerboard kernel on the similarity of spectra.

    Args:
      logs: Logarithms of the power in bands, [N, bands].
      rate: Rows a second.

    Returns:
      [N], in [0, 1]: 1 is a change to the opposite, from one steady sound to another.

    Reference:
      J. Foote, "Automatic audio segmentation using a measure of audio novelty", ICME 2000.
    """
    step = max(1, round(_STEP * rate))
    rows = np.add.reduceat(logs, np.arange(0, len(logs), step)) / step
    rows[-1] *= step / (len(logs) - step * (len(rows) - 1))
    rows = rows - rows.mean(axis=0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _QUIET * np.sqrt(rows.shape[1]))
    half = round(_KERNEL / _STEP / 2)
    sides = np.repeat([-1.0, 1.0], half) * signal.windows.gaussian(2 * half, half / 2)
    kernel = np.outer(sides, sides) / np.abs(np.outer(sides, sides)).sum()
    padded = np.pad(rows, ((half, half), (0, 0)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half, axis=0)  # [places, bands, times]
    values = np.concatenate(
        [
            np.einsum("nbs,nbt,st->n", part, part, kernel, optimize=True)
            for part in np.array_split(windows, 1 + len(windows) // _AT_ONCE)
        ]
    )[: len(rows)]
    return np.interp(np.arange(len(logs)), np.arange(len(rows)) * step, np.clip(values, 0, 1))


def find_sections(novelty: np.ndarray, rate: float) -> np.ndarray:
    """The seconds at which novelty has its peaks, at least 4 s apart."""
    places, _ = signal.find_peaks(novelty, height=_LEAST, distance=max(1, round(_APART * rate)))
    return places / rate


def snapped(times: np.ndarray, to: np.ndarray, within: float) -> np.ndarray:
    """Each time, or the nearest of `to` if it is so near."""
    if not len(to) or not len(times):
        return times
    nearest = to[np.abs(times[:, np.newaxis] - to).argmin(axis=1)]
    return np.where(np.abs(nearest - times) <= within, nearest, times)

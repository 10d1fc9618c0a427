"""Beats: the tempo from the autocorrelation of onsets, then the beats that fit it best."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_SLOWEST, _FASTEST, _USUAL = 40.0, 240.0, 120.0  # beats a minute
_SPREAD = 0.9  # octaves around the usual tempo
_TIGHTNESS = 100.0  # how evenly beats follow each other


def find_beats(flux: np.ndarray, rate: float, bpm: float = 0.0) -> np.ndarray:
    """Finds beats that are evenly spaced and fall on onsets.

    Args:
      flux: How strongly something begins, [N].
      rate: Values per second.
      bpm: Beats a minute; 0: it is found. It is often half or twice what people tap.

    Returns:
      Seconds, increasing.

    Reference:
      D. Ellis, "Beat tracking by dynamic programming", Journal of New Music Research 36(1), 2007.
    """
    peaks = ndimage.gaussian_filter1d((flux - flux.mean()) / (flux.std() + 1e-9), 0.03 * rate)
    period = rate * 60 / (bpm or find_tempo(flux, rate))
    scores, origins = peaks.copy(), np.full(len(peaks), -1)
    lags = np.arange(max(1, round(period / 2)), round(2 * period) + 1)
    costs = -_TIGHTNESS * np.log(lags / period) ** 2
    for place in range(lags[0], len(peaks)):
        known = lags[: place + 1 - lags[0]]
        values = scores[place - known] + costs[: len(known)]
        best = int(values.argmax())
        if values[best] > 0:
            scores[place] += values[best]
            origins[place] = place - known[best]
    last = len(scores) - 1 - int(scores[::-1][: round(2 * period)].argmax())
    found = [last]
    while origins[found[-1]] >= 0:
        found.append(int(origins[found[-1]]))
    return np.array(found[::-1]) / rate


def find_tempo(flux: np.ndarray, rate: float) -> float:
    """Beats a minute, by autocorrelation; tempi near 120 are preferred, so octave errors are common."""
    lags = np.arange(max(1, round(rate * 60 / _FASTEST)), round(rate * 60 / _SLOWEST) + 1)
    lags = lags[lags < len(flux)]
    if not len(lags):
        return _USUAL
    size = 2 * len(flux)
    power = np.abs(np.fft.rfft(flux - flux.mean(), size)) ** 2
    likeness = np.fft.irfft(power, size)[lags]
    usual = np.exp(-0.5 * (np.log2(60 * rate / lags / _USUAL) / _SPREAD) ** 2)
    return float(60 * rate / lags[int((likeness * usual).argmax())])

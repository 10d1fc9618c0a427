"""Finds cuts between shots."""

from __future__ import annotations

import collections

import numpy as np

from tf_style.motion.flow import load_cv2

_RATIO = 2.5  # a cut differs so many times more than its neighbours
_LEAST = 15.0  # and at least so much, of 255
_SHORTEST = 0.6  # seconds of a shot
_AROUND = 4  # frames on either side that a cut is compared with; a flash is shorter
_LASTING = 0.6  # share of a cut's difference that is there between all of them; a flash comes and goes
_SIDE = 128  # frames are compared at this width


class ShotDetector:
    """Says of each frame whether a shot begins with it, `delay` frames later.

    Args:
      rate: Frames per second.

    Reference:
      The measure is that of PySceneDetect's AdaptiveDetector (B. Castellano, https://www.scenedetect.com): the mean
      difference in hue, saturation and value, relative to that of the neighbours.
    """

    #: How many frames must follow before a frame is known to begin a shot.
    delay = _AROUND

    def __init__(self, rate: float) -> None:
        self._gap = max(1, round(_SHORTEST * rate))
        self._frames: collections.deque[np.ndarray] = collections.deque(maxlen=2 * _AROUND + 1)
        self._scores: collections.deque[float] = collections.deque(maxlen=2 * _AROUND + 1)
        self._place = -1
        self._last_cut = 0

    def add(self, frame: np.ndarray) -> int | None:
        """Takes the next frame; returns the number of a frame (from 0) with which a shot begins, if one is found.

        Args:
          frame: RGB, uint8 [H, W, 3].
        """
        small = _small(frame)
        score = _difference(small, self._frames[-1]) if self._frames else 0.0
        return self._next(small, score)

    def finish(self) -> list[int]:
        """The cuts among the last frames."""
        last = self._frames[-1] if self._frames else np.zeros(1)
        return [cut for cut in (self._next(last, 0.0) for _ in range(_AROUND)) if cut is not None]

    def _next(self, small: np.ndarray, score: float) -> int | None:
        self._place += 1
        self._scores.append(score)
        self._frames.append(small)
        middle = self._place - _AROUND
        if middle < 1:
            return None
        scores = list(self._scores)
        own = scores.pop(-1 - _AROUND)
        ratio = own / max(float(np.mean(scores)), 1e-3)
        before = list(self._frames)[: -1 - _AROUND]
        lasting = min(_difference(self._frames[-1], frame) for frame in before)
        if own < _LEAST or ratio < _RATIO or lasting < _LASTING * own or middle - self._last_cut < self._gap:
            return None
        self._last_cut = middle
        return middle


def _difference(small: np.ndarray, other: np.ndarray) -> float:
    return float(np.mean(np.abs(small - other)))


def _small(frame: np.ndarray) -> np.ndarray:
    cv2 = load_cv2()
    height = max(1, round(frame.shape[0] * _SIDE / frame.shape[1]))
    small = cv2.resize(frame, (_SIDE, height), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2HSV).astype(np.float32)

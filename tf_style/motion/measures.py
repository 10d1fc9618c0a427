"""How calm a painted film is, and how sharp."""

from __future__ import annotations

import collections
from collections.abc import Sequence

import numpy as np

from tf_style.motion.flow import flow_of, load_cv2, visible, warp


class WarpError:
    """How much films change along the motion of a source: root mean square over what is visible in both frames.

    Flow and visibility are those of the source, computed once for all. Beside the source's own error, it says whether a
    painting flickers. Blurring lowers it too, so look at `sharpness` as well.

    Args:
      lag: How many frames lie between the two that are compared.
      flow: A name of `FLOWS`.

    Reference:
      Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018, section 4.2 (the square of this one, with
      learned flow). https://arxiv.org/abs/1808.00449
    """

    def __init__(self, lag: int = 1, flow: str = "dis_medium") -> None:
        self._flow = flow_of(flow)
        self._before: collections.deque[tuple[np.ndarray, tuple[np.ndarray, ...]]] = collections.deque(maxlen=lag)
        self._errors: list[list[float]] = []

    def add(self, source: np.ndarray, *films: np.ndarray) -> None:
        """Takes the next frame of the source and of the films, float32 [H, W, 3] in [0, 1]."""
        levels = np.rint(255.0 * source).astype(np.uint8)
        if len(self._before) == self._before.maxlen:
            before, films_before = self._before[0]
            backward, forward = self._flow(levels, before), self._flow(before, levels)
            seen = visible(backward, forward)
            if seen.any():
                pairs = zip(films, films_before, strict=True)
                self._errors.append([float(np.mean(np.square(now - warp(old, backward))[seen])) for now, old in pairs])
        self._before.append((levels, films))

    @property
    def values(self) -> list[float]:
        """A number in [0, 1] for each film; none if there were not enough frames."""
        return [float(np.sqrt(np.mean(errors))) for errors in zip(*self._errors, strict=True)]


def warp_error(paintings: Sequence[np.ndarray], sources: Sequence[np.ndarray], lag: int = 1) -> float:
    """The `WarpError` of all frames of one film; NaN if there are not enough."""
    error = WarpError(lag)
    for painting, source in zip(paintings, sources, strict=True):
        error.add(source, painting)
    return next(iter(error.values), float("nan"))


def sharpness(frame: np.ndarray) -> float:
    """The standard deviation of the Laplacian of the luminance of a frame, float32 [H, W, 3] in [0, 1]."""
    cv2 = load_cv2()
    return float(cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std())

"""Calms a film that is painted frame by frame."""

from __future__ import annotations

import numpy as np

from tf_style.motion.confidence import look_back
from tf_style.motion.flow import flow_of, warp

_INPUT = 0.7  # most of the frame before that is mixed into a frame before it is painted


class Stabilizer:
    """Mixes each frame with the one before, moved along.

    The source's frames are mixed before painting, against grain that a network would amplify; the painted ones after
    it. Only what is visible in both frames is mixed, as far as the moved source agrees with the source. The state is
    `state`, arrays by name; it may be stored, and given back later.

    Args:
      consistency: In [0, 1]: how much of the painted frame before is mixed in, at most; 0: nothing, anywhere.
      flow: A name of `FLOWS`.

    Raises:
      MotionError: OpenCV is not installed.

    Reference:
      Flow and occlusions as in Ruder et al., GCPR 2016 (https://arxiv.org/abs/1604.08610); a filter along the motion in
      place of a temporal loss as in Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018, section 1.
    """

    def __init__(self, consistency: float, flow: str = "dis_medium") -> None:
        self._consistency = consistency
        self._flow = flow_of(flow) if consistency else None
        self.state: dict[str, np.ndarray] = {}
        self._motion: tuple[np.ndarray, np.ndarray] | None = None

    def begin_shot(self) -> None:
        """Forgets the frame before."""
        self.state = {}

    def before(self, frame: np.ndarray) -> np.ndarray:
        """The frame to paint in place of `frame`, float32 [H, W, 3] in [0, 1]."""
        if self._flow is None:
            return frame
        self._motion = None
        if "source" in self.state:
            backward, confidence = self._motion = look_back(self._flow, frame, self.state["source"])
            share = _INPUT * self._input_share() * confidence[..., np.newaxis]
            filtered = frame + share * (warp(self.state["filtered"], backward) - frame)
        else:
            filtered = frame
        self.state |= {"source": frame, "filtered": filtered}
        return filtered

    def after(self, painting: np.ndarray) -> np.ndarray:
        """The frame to show in place of `painting`, float32 [H, W, 3] in [0, 1]; call it after `before`."""
        if self._flow is None:
            return painting
        if self._motion is not None and "painting" in self.state:
            backward, confidence = self._motion
            share = self._consistency * confidence[..., np.newaxis]
            painting = painting + share * (warp(self.state["painting"], backward) - painting)
        self.state["painting"] = painting
        return painting

    def _input_share(self) -> float:
        """The input is filtered fully from a consistency of a half on."""
        return min(1.0, 2.0 * self._consistency)

"""What of a frame can be seen in one before it, and where."""

from __future__ import annotations

import numpy as np

from tf_style.motion.flow import Flow, load_cv2, visible, warp

_CONFIDENCE = 0.06  # an error of this size, in [0, 1], lowers confidence to 1 / e
_BLUR = 1.5  # pixels; of the error
_EDGE = 1  # pixels; width of the soft edges of `softened`


def look_back(flow: Flow, frame: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds a frame in one before it.

    Args:
      flow: From `flow_of`.
      frame: Float32 [H, W, 3] in [0, 1].
      before: The same shape.

    Returns:
      Where each pixel was, float32 [H, W, 2]: steps right and down in pixels. And how far it is the same, float32
      [H, W] in [0, 1]: 0 where it was hidden, less than 1 where the pictures differ.
    """
    cv2, size = load_cv2(), frame.shape[:2]
    frame, before = flow.shrunk(frame), flow.shrunk(before)
    levels, levels_before = (np.rint(255.0 * picture).astype(np.uint8) for picture in (frame, before))
    backward, forward = flow.find(levels, levels_before), flow.find(levels_before, levels)
    difference = cv2.absdiff(frame, warp(before, backward))
    error = cv2.GaussianBlur(cv2.transform(difference, np.full((1, 3), 1 / 3, np.float32)), (0, 0), _BLUR)
    confidence = visible(backward, forward) * np.exp(-np.square(error / np.float32(_CONFIDENCE)))
    return flow.enlarged(backward, size), cv2.resize(confidence, size[::-1])


def softened(confidence: np.ndarray) -> np.ndarray:
    """Confidence that rises from 0 at the edges of what was hidden, so that no edge is seen in a painting.

    Args:
      confidence: Float32 [H, W] in [0, 1], as `look_back` returns it.
    """
    cv2 = load_cv2()
    least = cv2.erode(confidence, np.ones((2 * _EDGE + 1,) * 2, np.uint8))
    return np.minimum(confidence, cv2.GaussianBlur(least, (0, 0), _EDGE))

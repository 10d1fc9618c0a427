"""How calm a painted film is, and how sharp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tf_style.motion.flow import Flow, flow_of, load_cv2, visible, warp


def warp_error(
    paintings: Sequence[np.ndarray], sources: Sequence[np.ndarray], *, lag: int = 1, flow: Flow | None = None
) -> float:
    """How much paintings change along the motion: root mean square over what is visible in both frames.

    Flow and visibility are those of the sources. Beside the sources' own error, it says whether a painting flickers.
    Blurring lowers it too, so look at `sharpness` as well.

    Args:
      paintings: Frames, float32 [H, W, 3] in [0, 1].
      sources: The film's frames, the same.
      lag: How many frames lie between the two that are compared.
      flow: Default: "dis_medium".

    Returns:
      A number in [0, 1]; NaN if there are not enough frames.

    Reference:
      Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018, section 4.2 (the square of this one, with
      learned flow). https://arxiv.org/abs/1808.00449
    """
    flow = flow or flow_of("dis_medium")
    errors = []
    for place in range(lag, len(paintings)):
        now, before = (np.rint(255.0 * sources[index]).astype(np.uint8) for index in (place, place - lag))
        backward, forward = flow(now, before), flow(before, now)
        seen = visible(backward, forward)
        if seen.any():
            moved = warp(paintings[place - lag], backward)
            errors.append(float(np.mean(np.square(paintings[place] - moved)[seen])))
    return float(np.sqrt(np.mean(errors))) if errors else float("nan")


def sharpness(frames: Sequence[np.ndarray]) -> float:
    """The standard deviation of the Laplacian of the luminance, the mean over frames, float32 [H, W, 3] in [0, 1]."""
    cv2 = load_cv2()
    luminances = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames)
    return float(np.mean([cv2.Laplacian(luminance, cv2.CV_32F).std() for luminance in luminances]))


def color_drift(frames: Sequence[np.ndarray]) -> float:
    """The largest change of a channel's mean from the first frame to the last."""
    return float(np.abs(frames[-1].mean((0, 1)) - frames[0].mean((0, 1))).max())

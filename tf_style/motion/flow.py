"""Optical flow between two frames, and what it says about occlusions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from types import ModuleType

import numpy as np

_CONSISTENT, _SLACK = 0.01, 0.5  # of forward and backward flow
_BOUNDARY, _BOUNDARY_SLACK = 0.01, 0.002  # of motion


class MotionError(ValueError):
    """Motion cannot be computed; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Flow:
    """(frame, other) -> where each pixel of `frame` is in `other`: float32 [H, W, 2], steps right and down in pixels.

    Args:
      find: The same, at the size at which it looks.
      shrink: How many times smaller that is than the frames.
    """

    find: Callable[[np.ndarray, np.ndarray], np.ndarray]
    shrink: int = 1

    def __call__(self, frame: np.ndarray, other: np.ndarray) -> np.ndarray:
        """The flow at the frames' size."""
        return self.enlarged(self.find(self.shrunk(frame), self.shrunk(other)), frame.shape[:2])

    def shrunk(self, frame: np.ndarray) -> np.ndarray:
        """The frame at the size at which it looks."""
        if self.shrink == 1:
            return frame
        cv2 = load_cv2()
        size = [max(1, side // self.shrink) for side in frame.shape[1::-1]]
        return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)

    def enlarged(self, flow: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """A flow at another size, (height, width)."""
        if flow.shape[:2] == size:
            return flow
        scale = np.array([size[1] / flow.shape[1], size[0] / flow.shape[0]], np.float32)
        return load_cv2().resize(flow * scale, size[::-1])


def load_cv2() -> ModuleType:
    """OpenCV.

    Raises:
      MotionError: It is not installed.
    """
    try:
        import cv2
    except ImportError:
        raise MotionError(
            "Motion in films needs OpenCV, which is not installed; run pip install 'tf-style[video]', or set "
            "--consistency=0."
        ) from None
    return cv2


def flow_of(name: str) -> Flow:
    """A method by its name in `FLOWS`; the frames are RGB, uint8 [H, W, 3].

    Raises:
      MotionError: OpenCV is not installed.
      ValueError: An unknown name.

    Reference:
      Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016. https://arxiv.org/abs/1603.03590
      Farneback, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003.
    """
    if name not in FLOWS:
        raise ValueError(f"Unknown flow {name!r}. Allowed: {', '.join(FLOWS)}.")
    return FLOWS[name](load_cv2())


def _dis(preset: str, shrink: int, cv2: ModuleType) -> Flow:
    method = cv2.DISOpticalFlow_create(getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{preset}"))
    return Flow(lambda frame, other: method.calc(_gray(cv2, frame), _gray(cv2, other), None), shrink)


def _farneback(cv2: ModuleType) -> Flow:
    def flow(frame: np.ndarray, other: np.ndarray) -> np.ndarray:
        return cv2.calcOpticalFlowFarneback(_gray(cv2, frame), _gray(cv2, other), None, 0.5, 4, 21, 3, 7, 1.5, 0)

    return Flow(flow)


def _gray(cv2: ModuleType, frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)


#: Name -> method.
FLOWS: dict[str, Callable[[ModuleType], Flow]] = {
    "dis_medium": functools.partial(_dis, "MEDIUM", 1),
    "dis_fast": functools.partial(_dis, "FAST", 1),
    "dis_fast_half": functools.partial(_dis, "FAST", 2),
    "farneback": _farneback,
}


def warp(image: np.ndarray, flow: np.ndarray, *, cubic: bool = True) -> np.ndarray:
    """The image seen from the frame that the flow starts at: at each pixel, what lies where the flow points.

    Args:
      image: Float32 [H, W] or [H, W, C].
      flow: Float32 [H, W, 2].
      cubic: Bicubic interpolation, clipped to [0, 1]; otherwise bilinear. Bilinear blurs each time.

    Returns:
      The same shape; beyond the edges, the pixels at the edges.
    """
    cv2 = load_cv2()
    places = _places(*flow.shape[:2]) + flow
    method = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    warped = cv2.remap(image, places, None, method, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(warped, 0.0, 1.0, out=warped) if cubic else warped


@functools.lru_cache(maxsize=2)
def _places(height: int, width: int) -> np.ndarray:
    """Column and row of each pixel, float32 [H, W, 2]."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([columns, rows], axis=-1)


def visible(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Which pixels of a frame can be seen in the one before.

    Args:
      backward: Flow from the frame to the one before, float32 [H, W, 2].
      forward: Flow from the one before to the frame.

    Returns:
      Bool [H, W]: False where something came into view, at edges of motion, and beyond the edges of the picture.

    Reference:
      Ruder, Dosovitskiy, Brox, "Artistic Style Transfer for Videos", GCPR 2016, section 4.3, eq. 6 and 7.
      https://arxiv.org/abs/1604.08610
    """
    height, width = backward.shape[:2]
    there_and_back = warp(forward, backward, cubic=False)
    difference = _squares(backward + there_and_back)
    own = _squares(backward)
    consistent = difference <= _CONSISTENT * (own + _squares(there_and_back)) + _SLACK
    steepness = _squares(np.gradient(backward, axis=0)) + _squares(np.gradient(backward, axis=1))
    smooth = steepness <= _BOUNDARY * own + _BOUNDARY_SLACK
    x, y = np.moveaxis(_places(height, width) + backward, -1, 0)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return consistent & smooth & inside


def _squares(vectors: np.ndarray) -> np.ndarray:
    return np.square(vectors[..., 0]) + np.square(vectors[..., 1])

"""A guard against flashes that could cause seizures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_SWING = 0.09  # of white's luminance; the limit is 0.1, and compression changes frames a little
_SWINGS = 3  # of the whole picture in a second
_LOCAL_SWINGS = 6  # of a part, which are three flashes
_AREA = 0.25  # of the picture, in which parts may have more of them
_PARTS = 8  # rows and columns
_REMEMBERED = _LOCAL_SWINGS + 1
_LEVELS = 4095  # of the table of luminances
_MARGIN = 1e-3  # of white's luminance, by which a frame stays away from a swing; the table is finer
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], np.float32)


def _to_linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _from_linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)


_LINEAR = _to_linear(np.linspace(0, 1, _LEVELS + 1)).astype(np.float32)


class FlashGuard:
    """Keeps a film from flashing; call it with each frame, in order, and show what it returns.

    A swing is a change of luminance by more than 10 % of white's, up or down, that opposes the one before. In any
    second, the picture as a whole has 3 swings at most: a frame whose swing would be the fourth is mixed with black or
    white, so that it is just none. A quarter of the picture at most may have more than 3 flashes, which are pairs of
    swings; that is counted in 8 x 8 parts, and a frame that would be too much is mixed with the one shown before. Both
    is done in linear light, and as little as is enough. All other frames are returned as they are. Saturated red is not
    treated apart.

    Args:
      fps: Frames per second.

    Reference:
      Web Content Accessibility Guidelines 2.2, success criterion 2.3.1, "three flashes or below threshold"
      (https://www.w3.org/TR/WCAG22/), and ITU-R BT.1702. The limit for the whole picture is stricter: half of theirs.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        places = _PARTS * _PARTS + 1
        #: All that it knows of the frames so far; it can be stored, and set to go on.
        self.state: Mapping[str, np.ndarray] = {
            "seconds": np.array(-1.0 / fps),  # of the last frame
            "shown": np.zeros((0, 0, 3), np.float32),  # the last frame
            "direction": np.zeros(places, np.int8),  # of the last swing
            "low": np.zeros(places),  # luminances since then
            "high": np.zeros(places),
            "times": np.full((places, _REMEMBERED), -np.inf),  # when the latest swings came to an end
        }

    def __call__(self, frame: np.ndarray, seconds: float | None = None) -> np.ndarray:
        """The frame to show.

        Args:
          frame: Float32 [H, W, 3] in [0, 1], sRGB.
          seconds: When it is shown; None: a frame after the last.

        Returns:
          The same array, or one of the same kind with less change.
        """
        state = dict(self.state)
        now = float(state["seconds"]) + 1 / self._fps if seconds is None else seconds
        levels, shown = _luminances(frame), state["shown"]
        if not shown.size:
            state["low"] = state["high"] = levels
        if _excess(state, levels, now)[0][-1]:
            bound = _bounds(state, levels)[-1]
            tone = np.array(bound > levels[-1], np.float32)  # black or white
            frame = _mixed(frame, tone, (bound - levels[-1]) / (tone - levels[-1]))
            levels = _luminances(frame)
        if shown.shape == frame.shape and _too_much(state, levels, now):
            frame = _mixed(frame, shown, _share_of_shown(state, levels, _luminances(shown), now))
            levels = _luminances(frame)
            if _too_much(state, levels, now):
                frame, levels = shown, _luminances(shown)
        self.state = {**_accepted(state, levels, now), "shown": frame}
        return frame


def _luminances(frame: np.ndarray) -> np.ndarray:
    """Mean luminances, linear, of the parts and of the whole, [65]."""
    indices = (frame * np.float32(_LEVELS) + np.float32(0.5)).astype(np.int32)
    plane = np.take(_LINEAR, indices, mode="clip") @ _WEIGHTS
    height, width = plane.shape
    rows, columns = (np.arange(_PARTS) * side // _PARTS for side in (height, width))
    sums = np.add.reduceat(np.add.reduceat(plane, rows, axis=0, dtype=np.float64), columns, axis=1)
    sizes = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    return np.append((sums / np.maximum(sizes, 1)).ravel(), plane.mean(dtype=np.float64))


def _swings(state: Mapping[str, np.ndarray], levels: np.ndarray) -> np.ndarray:
    """Whether these luminances would be swings: 1 up, -1 down, 0 none."""
    up = (state["direction"] <= 0) & (levels - state["low"] >= _SWING)
    down = (state["direction"] >= 0) & (state["high"] - levels >= _SWING)
    return up.astype(np.int8) - (down & ~up).astype(np.int8)


def _limits(places: int) -> np.ndarray:
    return np.where(np.arange(places) < places - 1, _LOCAL_SWINGS, _SWINGS)


def _excess(state: Mapping[str, np.ndarray], levels: np.ndarray, now: float) -> tuple[np.ndarray, np.ndarray]:
    """The places where a swing would be too much, and those where there were too many within this second anyway."""
    swings = _swings(state, levels)
    counts = (state["times"] > now - 1 - 1e-6).sum(axis=1)
    limits = _limits(len(levels))
    return (swings != 0) & (counts >= limits), counts > limits


def _too_much(state: Mapping[str, np.ndarray], levels: np.ndarray, now: float) -> bool:
    new, old = _excess(state, levels, now)
    return bool(new[-1] or (new[:-1].any() and (new | old)[:-1].mean() > _AREA))


def _bounds(state: Mapping[str, np.ndarray], levels: np.ndarray) -> np.ndarray:
    """The luminances nearest to those of swings that are none yet."""
    up = _swings(state, levels) > 0
    return np.where(up, state["low"] + _SWING - _MARGIN, state["high"] - _SWING + _MARGIN)


def _share_of_shown(state: Mapping[str, np.ndarray], levels: np.ndarray, shown: np.ndarray, now: float) -> float:
    """How much of the frame shown before must be mixed in."""
    new, old = _excess(state, levels, now)
    needed = np.where(new, (_bounds(state, levels) - levels) / np.where(new, shown - levels, 1.0), 0.0)
    parts = np.sort(np.where(old & ~new, np.inf, needed)[:-1])[::-1]
    allowed = int(_AREA * len(parts))
    local = parts[allowed] if np.isfinite(parts[allowed]) else parts[np.isfinite(parts)].max()
    return float(np.clip(max(local, needed[-1]), 0, 1))


def _accepted(state: Mapping[str, np.ndarray], levels: np.ndarray, now: float) -> dict[str, np.ndarray]:
    """The state after a frame with these luminances."""
    swings, times = _swings(state, levels), state["times"].copy()
    swung = swings != 0
    direction = np.where(swung, swings, state["direction"])
    times[swung] = np.roll(times[swung], 1, axis=1)
    onward = ((direction > 0) & (levels > state["high"])) | ((direction < 0) & (levels < state["low"]))
    times[swung | onward, 0] = now
    low = np.where(swung, levels, np.minimum(state["low"], levels))
    high = np.where(swung, levels, np.maximum(state["high"], levels))
    return {"seconds": np.array(now), "direction": direction, "low": low, "high": high, "times": times}


def _mixed(frame: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """In linear light."""
    one, other = (_to_linear(np.clip(each, 0, 1)) for each in (frame, other))
    return _from_linear((1 - share) * one + share * other).astype(np.float32)

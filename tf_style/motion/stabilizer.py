"""Calms a film that is painted frame by frame."""

from __future__ import annotations

import numpy as np

from tf_style.motion.confidence import look_back
from tf_style.motion.flow import flow_of, load_cv2, warp

_INPUT = 0.7  # most of the frame before that is mixed into a frame before it is painted
_COLORS = 0.8  # most of the colours before that are mixed into a painting; at 1, they would drift away from the film's
_STROKES = 16  # frames until strokes have become those of a later painting, at consistency 1
_RENEWAL = 0.15  # share of a later painting in a frame, where no earlier one reaches
_SURE = (0.1, 0.6)  # strokes are painted anew below the first confidence, and carried along above the second
_RADIUS = 5.0  # pixels; coarser is colour, finer is strokes; and how far "around" a pixel reaches
_RANGE = 1.75  # standard deviations from the mean: what is carried lies within them, of a new painting around it
_LEAST_DEVIATION = 0.01  # in [0, 1]
_FINE = 1.0  # pixels; what is finer than this
_GAINS = (0.8, 1.4)  # is made as strong as in a new painting, within these factors


class Stabilizer:
    """Mixes each frame with those before, moved along.

    The source's frames are mixed before painting, against grain that a network would amplify. Painted frames are mixed
    after it, fine and coarse apart. Colours are averaged with those of the frame before, so they follow the film.
    Strokes would blur, and lose their shape, if many were averaged or if they were resampled at each frame. So they are
    those of one painting, its motion added up, that dissolves slowly into a later one. What came into view takes its
    strokes from the frame before until a later painting shows it, too.

    Only what is visible in both frames is mixed, as far as the moved source agrees with the source. The state is
    `state`, arrays by name; it may be stored, and given back later.

    Args:
      consistency: In [0, 1]: how much is carried along, and how long strokes last; 0: nothing, anywhere.
      flow: A name of `FLOWS`.

    Raises:
      MotionError: OpenCV is not installed.

    Reference:
      Flow and occlusions as in Ruder et al., GCPR 2016 (https://arxiv.org/abs/1604.08610); a filter along the motion in
      place of a temporal loss as in Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018, section 1. Two
      layers that replace each other in turn: Neyret, "Advected Textures", SCA 2003. What is carried is clipped as in
      Salvi, "An Excursion in Temporal Supersampling", GDC 2016.
    """

    def __init__(self, consistency: float, flow: str = "dis_medium") -> None:
        #: May change from frame to frame.
        self.consistency = consistency
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
            share = _INPUT * self._share() * _spread(confidence)
            filtered = frame + share * (warp(self.state["filtered"], backward) - frame)
        else:
            filtered = frame
        self.state |= {"source": frame, "filtered": filtered}
        return filtered

    def after(self, painting: np.ndarray) -> np.ndarray:
        """The frame to show in place of `painting`, float32 [H, W, 3] in [0, 1]; call it after `before`."""
        if self._flow is None:
            return painting
        if self._motion is None or "mixed" not in self.state:
            self._begin_layers(painting)
            return painting
        backward, confidence = self._motion
        carried, before = self._carried(painting, backward, confidence)
        bounds = _bounds(painting)
        strokes, colors = (np.clip(image, *bounds) - painting for image in (carried, before))
        trust = _spread(confidence)
        known = 1.0 / (_blur(trust, _RADIUS) + 0.02)
        strokes -= _blur(trust * strokes, _RADIUS) * known
        colors = _blur(trust * colors, _RADIUS) * known
        mixed = painting + _COLORS * self.consistency * trust * colors + self._share() * _sure(trust) * strokes
        self.state["mixed"] = mixed = np.clip(mixed, 0.0, 1.0)
        return np.clip(_as_strong(mixed, painting), 0.0, 1.0)

    def _begin_layers(self, painting: np.ndarray) -> None:
        """Two layers, the earlier first: paintings, where each pixel of the frame was in them, and how surely."""
        height, width = painting.shape[:2]
        self.state |= {
            "mixed": painting,
            "layers": np.stack([painting, painting]),
            "moves": np.zeros((2, height, width, 2), np.float32),
            "seen": np.ones((2, height, width), np.float32),
            "age": np.zeros((), np.int32),
        }

    def _carried(
        self, painting: np.ndarray, backward: np.ndarray, confidence: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the layers show of this frame, and the mixed frame before, moved along; the layers move on.

        The earlier layer covers the frame before, and the later one covers both, more with each frame.
        """
        before = warp(self.state["mixed"], backward)
        moves = np.stack([backward + warp(old, backward, cubic=False) for old in self.state["moves"]])
        seen = np.stack([np.minimum(_sure(confidence), warp(old, backward, cubic=False)) for old in self.state["seen"]])
        (early, late) = (warp(layer, move) for layer, move in zip(self.state["layers"], moves, strict=True))
        early_seen, late_seen = map(_spread, seen)
        age = int(self.state["age"]) + 1
        period = max(1, round(_STROKES * self.consistency))
        newest = painting + late_seen * (late - painting)
        carried = before + _RENEWAL * (newest - before)
        carried += early_seen * (early - carried)
        carried += np.float32(age / period) * late_seen * (late - carried)
        self.state |= {"moves": moves, "seen": seen, "age": np.array(age, np.int32)}
        if age >= period:
            self._next_layer(painting)
        return carried, before

    def _next_layer(self, painting: np.ndarray) -> None:
        """The later layer becomes the earlier one, and this painting the later one."""
        new = {
            "layers": painting,
            "moves": np.zeros_like(self.state["moves"][1]),
            "seen": np.ones_like(self.state["seen"][1]),
        }
        self.state |= {name: np.stack([self.state[name][1], array]) for name, array in new.items()}
        self.state["age"] = np.zeros((), np.int32)

    def _share(self) -> float:
        """The input is filtered fully, and strokes are carried whole, from a consistency of a half on."""
        return min(1.0, 2.0 * self.consistency)


def _spread(mask: np.ndarray) -> np.ndarray:
    """The mask for each channel: NumPy multiplies equal shapes several times faster."""
    cv2 = load_cv2()
    return cv2.merge([mask, mask, mask])


def _sure(confidence: np.ndarray) -> np.ndarray:
    low, high = _SURE
    return np.clip((confidence - low) / (high - low), 0.0, 1.0)


def _bounds(painting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and most of a painting at and around each pixel; what lies beyond is a ghost of what has gone."""
    mean = _blur(painting, _RADIUS)
    variance = np.maximum(_blur(np.square(painting), _RADIUS) - np.square(mean), 0.0)
    reach = _RANGE * (np.sqrt(variance) + _LEAST_DEVIATION)
    return np.minimum(mean - reach, painting), np.maximum(mean + reach, painting)


def _as_strong(mixed: np.ndarray, painting: np.ndarray) -> np.ndarray:
    """With its finest detail around each pixel as strong as in the painting, on average."""
    fine = _fine(mixed)
    wanted, found = (_blur(np.square(detail), _RADIUS) + 1e-5 for detail in (_fine(painting), fine))
    return mixed + _spread((np.clip(np.sqrt(wanted / found), *_GAINS) - 1.0) * fine)


def _fine(image: np.ndarray) -> np.ndarray:
    """The finest detail of the luminance, [H, W]."""
    cv2 = load_cv2()
    luminance = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return luminance - cv2.GaussianBlur(luminance, (0, 0), _FINE)


def _blur(image: np.ndarray, deviation: float) -> np.ndarray:
    """Gaussian, found at a quarter of the size."""
    cv2 = load_cv2()
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), deviation / 4.0), (width, height))

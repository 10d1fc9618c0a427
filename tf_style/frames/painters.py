"""Painters of frames, which know the frames before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from tf_style.controls import OWN, Controls
from tf_style.motion import Stabilizer, flow_of, look_back, softened
from tf_style.ops import warp
from tf_style.stylizers import FeedForwardStylizer, FrameStylizer, PyramidStylizer, is_by_region
from tf_style.types import Features, Image, Nest

#: By name, float32 [1, H, W, N] at the frame's size; see `tf_style.types.Masks`.
MaskArrays = Mapping[str, np.ndarray]


class FramePainter(Protocol):
    """Paints frames, float32 [H, W, 3] in [0, 1], in their order.

    `state` is all that the next frame needs, arrays by name; it may be stored, and given back later.
    """

    state: dict[str, np.ndarray]

    def begin(self, frame: np.ndarray, masks: MaskArrays | None = None) -> None:
        """Prepares the styles for a film, whose first frame this is."""

    def begin_shot(self) -> None:
        """Forgets the frames before."""

    def paint(self, frame: np.ndarray, masks: MaskArrays | None = None, controls: Controls = OWN) -> np.ndarray:
        """Paints the next frame."""


class NetworkPainter:
    """Paints by a network, and calms what flickers.

    Args:
      stylizer: The network.
      styles: Pictures [1, h, w, 3 or 4], or names.
      consistency: See `Stabilizer`.
      flow: See `Stabilizer`.

    Raises:
      MotionError: OpenCV is not installed.
    """

    def __init__(
        self, stylizer: FeedForwardStylizer, styles: Sequence[Image | str], consistency: float, flow: str
    ) -> None:
        self._stylizer, self._styles, self._consistency = stylizer, styles, consistency
        self._stabilizer = Stabilizer(consistency, flow)

    @property
    def state(self) -> dict[str, np.ndarray]:
        """That of the stabilizer."""
        return self._stabilizer.state

    @state.setter
    def state(self, state: dict[str, np.ndarray]) -> None:
        """That of the stabilizer."""
        self._stabilizer.state = dict(state)

    def begin(self, frame: np.ndarray, masks: MaskArrays | None = None) -> None:
        """Encodes the styles."""
        content, regions = tf.constant(frame[np.newaxis]), _tensors(masks)
        styles = self._stylizer.prepared(self._styles, content, regions)
        self._parts = self._stylizer.parts(styles, tf.shape(content), by_region=is_by_region(regions))

    def begin_shot(self) -> None:
        """Forgets the frame before."""
        self._stabilizer.begin_shot()

    def paint(self, frame: np.ndarray, masks: MaskArrays | None = None, controls: Controls = OWN) -> np.ndarray:
        """Paints the next frame."""
        tensors = _tensors(masks)
        self._stabilizer.consistency = self._consistency if controls.consistency is None else controls.consistency
        content = tf.constant(self._stabilizer.before(frame)[np.newaxis])
        painting = self._stylizer.paint_parts(content, self._parts, tensors, controls)[0]
        calm = tf.constant(self._stabilizer.after(np.asarray(painting))[np.newaxis])
        shown = self._stylizer.shown(calm, tf.constant(frame[np.newaxis]), tensors, controls)
        return np.asarray(shown[0])


class OptimizingPainter:
    """Paints by optimisation, each frame close to those before it, moved along.

    Args:
      stylizer: What optimises.
      styles: Pictures [1, h, w, 3 or 4].
      flow: A name of `FLOWS`.
      lags: How many frames back the frames lie that a frame is kept close to; what one does not show, the next may.
        Empty: each frame is painted alone.

    Raises:
      MotionError: OpenCV is not installed.

    Reference:
      Several lags: Ruder et al., GCPR 2016, section 4.4, eq. 9 to 11. https://arxiv.org/abs/1604.08610
    """

    def __init__(
        self, stylizer: FrameStylizer, styles: Sequence[Image], flow: str = "dis_medium", lags: Sequence[int] = (1,)
    ) -> None:
        self._stylizer, self._given = stylizer, styles
        self._flow = flow_of(flow) if lags else None
        self._lags = sorted(lags)
        self._styles: Sequence[Image] = ()
        self._targets: Nest = None
        self.state: dict[str, np.ndarray] = {}

    def begin(self, frame: np.ndarray, masks: MaskArrays | None = None) -> None:
        """Prepares the styles."""
        content = tf.constant(frame[np.newaxis])
        self._styles = self._stylizer.stylizer.prepared(self._given, content, _tensors(masks))
        self._set_targets(frame, OWN)

    def _set_targets(self, frame: np.ndarray, controls: Controls) -> None:
        self._blend = controls.style_blend
        self._targets = self._stylizer.stylizer.style_targets(self._styles, frame.shape[:2], controls)

    def begin_shot(self) -> None:
        """Forgets the frames before."""
        self.state = {}

    def paint(self, frame: np.ndarray, masks: MaskArrays | None = None, controls: Controls = OWN) -> np.ndarray:
        """Paints the next frame."""
        content, tensors = tf.constant(frame[np.newaxis]), _tensors(masks)
        if self.state:
            if controls.style_blend != self._blend:
                self._set_targets(frame, controls)
            painting = self._stylizer.next(
                content, self._styles, self._moved(frame), style_targets=self._targets, masks=tensors, controls=controls
            )
        else:
            painting = self._stylizer.first(content, self._styles, masks=tensors, controls=controls)
        if self._lags:
            self._remember(frame, painting)
        return np.asarray(self._stylizer.shown(painting, content, tensors, controls)[0])

    def _remember(self, frame: np.ndarray, painting: Image) -> None:
        latest = {"frames": frame[np.newaxis], "paintings": np.asarray(painting)}
        self.state = {
            name: np.concatenate([latest[name], *([self.state[name]] if self.state else [])])[: self._lags[-1]]
            for name in latest
        }

    def _moved(self, frame: np.ndarray) -> Sequence[Features]:
        """The paintings before, seen from this frame, and how far to trust them; each shows what nearer ones do not."""
        assert self._flow is not None
        seen, found = np.zeros(frame.shape[:2], np.float32), []
        for lag in self._lags:
            if lag > len(self.state["frames"]):
                break
            backward, confidence = look_back(self._flow, frame, self.state["frames"][lag - 1])
            own = np.maximum(softened(confidence) - seen, 0.0)
            seen += own
            before = tf.constant(self.state["paintings"][lag - 1 : lag])
            moved = tf.clip_by_value(warp(before, tf.constant(backward[np.newaxis])), 0.0, 1.0)
            found.append({"image": moved, "mask": tf.constant(own[np.newaxis, :, :, np.newaxis])})
        return found


def make_painter(
    stylizer: FeedForwardStylizer | PyramidStylizer,
    styles: Sequence[Image | str],
    *,
    consistency: float,
    flow: str = "dis_medium",
    lags: Sequence[int] = (1,),
) -> FramePainter:
    """A painter for a stylizer.

    Args:
      stylizer: A network, or an optimisation.
      styles: Pictures [1, h, w, 3 or 4], or names that the network knows.
      consistency: In [0, 1]: how calm the film is; 0: each frame is painted alone.
      flow: A name of `FLOWS`.
      lags: See `OptimizingPainter`.

    Raises:
      MotionError: OpenCV is not installed, and consistency is above 0.
    """
    if isinstance(stylizer, FeedForwardStylizer):
        return NetworkPainter(stylizer, styles, consistency, flow)
    frames = FrameStylizer(stylizer, consistency)
    return OptimizingPainter(frames, styles, flow, lags if consistency else ())


def _tensors(masks: MaskArrays | None) -> dict[str, tf.Tensor]:
    return {name: tf.constant(mask) for name, mask in (masks or {}).items()}

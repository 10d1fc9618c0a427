"""Reads a film frame by frame."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tf_style.video.errors import VideoWarning, load_av
from tf_style.video.info import SCALERS_MATRICES, VideoInfo, exact_scaling, opened

_FULL = 2  # FFmpeg's number of the full range
_DEPTH = 8  # bits; deeper films are read with 16
_TOO_MUCH = 100_000  # damaged packets; a reader that fails forever must not hang


class Frame(NamedTuple):
    """A frame: RGB of 8 or 16 bits, [H, W, 3], as it is stored, and its time in the film's `time_base`."""

    pixels: np.ndarray
    time: int

    def as_floats(self) -> np.ndarray:
        """Float32 [H, W, 3] in [0, 1]."""
        return self.pixels.astype(np.float32) / np.iinfo(self.pixels.dtype).max

    def as_bytes(self) -> np.ndarray:
        """Uint8 [H, W, 3]."""
        return self.pixels if self.pixels.dtype == np.uint8 else (self.pixels >> 8).astype(np.uint8)


def read_frames(
    info: VideoInfo, *, size: tuple[int, int] | None = None, start: float = 0.0, end: float = 0.0
) -> Iterator[Frame]:
    """Yields the frames of a film; times rise strictly.

    Args:
      info: From `read_info`.
      size: (height, width) of the frames; default: as they are stored.
      start: Seconds from the film's beginning.
      end: The first second that is left out; 0: none is.

    Warns:
      VideoWarning: Parts of the file are damaged.

    Raises:
      VideoError: The file cannot be opened.
    """
    first = info.start + _ticks(start, info)
    last = info.start + _ticks(end, info) if end else None
    time = None
    with opened(info.path) as (container, stream):
        if start:
            container.seek(first, stream=stream, backward=True)
        for frame in _decoded(info.path, container, stream):
            time = _next_time(frame.pts, time, info)
            if time < first:
                continue
            if last is not None and time >= last:
                return
            yield Frame(_pixels(frame, info, size or (info.height, info.width)), time)


def _ticks(seconds: float, info: VideoInfo) -> int:
    return round(seconds / info.time_base)


def _next_time(time: int | None, before: int | None, info: VideoInfo) -> int:
    """A frame's time: its own, or where the file has none, one frame after the last; always after the last."""
    if before is None:
        return info.start if time is None else time
    if time is None:
        time = before + max(1, round(1 / (info.rate * info.time_base)))
    return max(time, before + 1)


def _decoded(path: str, container: Any, stream: Any) -> Iterator[Any]:
    """All frames; damaged packets are skipped."""
    error_kinds = load_av().error
    damaged = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            yield from packet.decode()
        except error_kinds.EOFError:
            break
        except error_kinds.FFmpegError:
            damaged += 1
            if damaged > _TOO_MUCH:
                break
    if damaged:
        warnings.warn(
            f"'{path}' is damaged: {damaged} of its packets could not be decoded and were left out.",
            VideoWarning,
            stacklevel=2,
        )


def _pixels(frame: Any, info: VideoInfo, size: tuple[int, int]) -> np.ndarray:
    """RGB in full range."""
    deep = info.bits > _DEPTH
    height, width = size
    return frame.reformat(
        width,
        height,
        format="rgb48le" if deep else "rgb24",
        src_colorspace=None if info.rgb else SCALERS_MATRICES.get(info.matrix),
        src_color_range=_FULL if info.rgb else info.range,
        dst_color_range=_FULL,
        interpolation=exact_scaling(),
    ).to_ndarray()

"""Reads films of every kind frame by frame."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tf_style.video import pictures, stills, webp
from tf_style.video.errors import VideoWarning, load_av
from tf_style.video.info import SCALERS_MATRICES, VideoInfo, describe, exact_scaling, opened
from tf_style.video.tonemapping import ToneMapper

_FULL = 2  # FFmpeg's number of the full range
_DEPTH = 8  # bits; deeper films are read with 16
_NEAR = Fraction(1, 1000)  # frames a second
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


def read_info(path: str | Path, *, fps: float = 0.0, tonemap: bool = False, still: float = 0.0) -> VideoInfo:
    """Reads what is known of a film before its frames are read.

    Args:
      path: A film, an animation, a folder of numbered pictures, or a pattern of their names such as frames/%05d.png.
      fps: Of a film: read only so many frames a second, those shown at each tick. Of pictures and a still one: how many
        are shown a second. 0: all; 25.
      tonemap: Read HDR in SDR.
      still: How many seconds to show a single picture; 0: it is refused.

    Raises:
      ImageError, VideoError: It is no film that can be read, or HDR.
    """
    exact = _exact(fps)
    if still and stills.is_still(path):
        return stills.describe(str(path), still, fps=exact)
    if Path(path).is_dir() or pictures.is_pattern(path):
        return pictures.describe(str(path), fps=exact)
    info = webp.describe(str(path)) if webp.is_webp(path) else describe(str(path), tonemap=tonemap)
    if not exact or exact >= info.rate:
        return info
    num_frames = min(info.num_frames, math.ceil(info.seconds * exact))
    return dataclasses.replace(info, fps=exact, rate=exact, num_frames=num_frames)


def _exact(fps: float) -> Fraction:
    """A number of frames a second; 23.976 and the like are 24000/1001."""
    television = Fraction(round(fps * 1.001) * 1000, 1001)
    return television if abs(television - Fraction(fps)) < _NEAR else Fraction(fps).limit_denominator(1000)


def read_frames(
    info: VideoInfo,
    *,
    size: tuple[int, int] | None = None,
    start: float = 0.0,
    end: float = 0.0,
    begin: int | None = None,
) -> Iterator[Frame]:
    """Yields the frames of a film; times rise strictly.

    Args:
      info: From `read_info`.
      size: (height, width) of the frames; default: as they are stored.
      start: Seconds from the film's beginning.
      end: The first second that is left out; 0: none is.
      begin: Begin at this time, in `time_base`, with the frames that reading from `start` on would come to.

    Warns:
      VideoWarning: Parts of the file are damaged.

    Raises:
      VideoError: The file cannot be opened.
    """
    size = size or (info.height, info.width)
    first = info.start + round(start / info.time_base)
    last = info.start + round(end / info.time_base) if end else None
    begin = first if begin is None else max(first, begin)
    if info.kind == "still":
        yield from itertools.starmap(Frame, stills.pixels_and_times(info, size, begin, last))
        return
    frames = _timed(_DECODED[info.kind](info, begin), info, begin, last)
    if info.fps:
        frames = _at_ticks(frames, info, first)
    convert = ToneMapper(info, size) if info.hdr else functools.partial(_pixels, info=info, size=size)
    for frame, time in frames:
        yield Frame(convert(frame), time)


def _timed(frames: Iterator[Any], info: VideoInfo, first: int, last: int | None) -> Iterator[tuple[Any, int]]:
    """The frames from a time to another, and their times."""
    time = None
    for frame in frames:
        time = _next_time(frame.pts, time, info)
        if last is not None and time >= last:
            return
        if time >= first:
            yield frame, time


def _at_ticks(frames: Iterator[tuple[Any, int]], info: VideoInfo, first: int) -> Iterator[tuple[Any, int]]:
    """The frames that are shown at a tick of `info.fps`, counted from the time `first`, each at its own time."""
    held: tuple[Any, int] | None = None
    for frame, time in frames:
        if held and _tick(held[1], info, first) < _tick(time, info, first):
            yield held
        held = frame, time
    if held and _tick(held[1], info, first) < _tick(held[1] + round(info.last / info.time_base), info, first):
        yield held


def _tick(time: int, info: VideoInfo, first: int) -> int:
    """The number of the first tick at a time or after it; times may be rounded up by a unit."""
    return math.ceil((time - 1 - first) * info.time_base * info.fps)


def _next_time(time: int | None, before: int | None, info: VideoInfo) -> int:
    """A frame's time: its own, or where the file has none, one frame after the last; always after the last."""
    if before is None:
        return info.start if time is None else time
    if time is None:
        time = before + max(1, round(1 / (info.rate * info.time_base)))
    return max(time, before + 1)


def _decoded(info: VideoInfo, first: int) -> Iterator[Any]:
    """All frames of a film from about a time on; damaged packets are skipped."""
    error_kinds = load_av().error
    damaged = 0
    with opened(info.path) as (container, stream):
        if first > info.start:
            container.seek(first, stream=stream, backward=True)
        packets = container.demux(stream)
        while damaged <= _TOO_MUCH:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                yield from packet.decode()
            except error_kinds.EOFError:
                break
            except error_kinds.FFmpegError:
                damaged += 1
    if damaged:
        warnings.warn(
            f"'{info.path}' is damaged: {damaged} of its packets could not be decoded and were left out.",
            VideoWarning,
            stacklevel=2,
        )


#: Kind of film -> what yields its frames, as FFmpeg's, from about a time on.
_DECODED = {"film": _decoded, "pictures": pictures.decoded, "webp": webp.decoded}


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

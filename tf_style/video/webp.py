"""Animated WebP, which FFmpeg writes, but does not read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from tf_style.video.errors import VideoError, VideoWarning, load_av
from tf_style.video.info import VideoInfo

_SRGB = (1, 1, 1, 1)  # written as BT.709 in limited range; FFmpeg's numbers
_UNIT = Fraction(1, 1000)  # of durations, in seconds
_DURATION = 12  # bytes of a frame's chunk before its duration, of 3 bytes
_SHORTEST = 11  # milliseconds; browsers show frames of less for 100
_USUAL = 100


def is_webp(path: str | Path) -> bool:
    """Whether a file is WebP, by its first bytes."""
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        start = file.read(12)
    return start[:4] == b"RIFF" and start[8:] == b"WEBP"


def describe(path: str) -> VideoInfo:
    """Reads what an animated WebP says.

    Raises:
      VideoError: It is damaged, or a single picture.
    """
    with open(path, "rb") as file:
        durations = [_read(file, place + _DURATION, 3) for place in _frames(file)]
    if not durations:
        raise VideoError(f"'{path}' is a single picture, not a film; paint it with tf-style stylize.")
    durations = [each if each >= _SHORTEST else _USUAL for each in durations]
    try:
        with Image.open(path) as image:
            (width, height), plays = image.size, image.info.get("loop", 0)
    except (OSError, ValueError, Image.DecompressionBombError):
        raise VideoError(f"'{path}' cannot be read as WebP; it may be damaged: give another file.") from None
    return VideoInfo(
        path=path,
        width=width,
        height=height,
        rate=Fraction(len(durations)) / (sum(durations) * _UNIT),
        time_base=_UNIT,
        start=0,
        num_frames=len(durations),
        seconds=float(sum(durations) * _UNIT),
        rotation=0,
        bits=8,
        pixel_aspect=Fraction(1),
        tags=_SRGB,
        rgb=True,
        kind="webp",
        last=durations[-1] * _UNIT,
        plays=plays,
    )


def decoded(info: VideoInfo, first: int) -> Iterator[Any]:
    """All frames, as FFmpeg's; those before the time `first` are read as well.

    Warns:
      VideoWarning: The file is damaged, so it ends early.
    """
    frame_of, time = load_av().VideoFrame.from_ndarray, 0
    with Image.open(info.path) as image:
        for number in range(info.num_frames):
            try:
                image.seek(number)
                pixels = np.asarray(image.convert("RGB"))
            except (EOFError, OSError):
                warnings.warn(f"'{info.path}' is damaged and ends after {number} frames.", VideoWarning, stacklevel=2)
                return
            frame = frame_of(pixels, format="rgb24")
            frame.pts = time
            yield frame
            duration = image.info["duration"]
            time += duration if duration >= _SHORTEST else _USUAL


def set_last_duration(path: str | Path, seconds: Fraction) -> None:
    """Says in an animated WebP how long its last frame is shown; libwebp takes the mean of the others."""
    with open(path, "r+b") as file:
        for place in [*_frames(file)][-1:]:
            file.seek(place + _DURATION)
            file.write(max(1, round(seconds / _UNIT)).to_bytes(3, "little"))


def _frames(file: BinaryIO) -> Iterator[int]:
    """Where the contents of the frames' chunks begin (ANMF; developers.google.com/speed/webp/docs/riff_container)."""
    end, place = file.seek(0, os.SEEK_END), 12
    while place + 8 <= end:
        file.seek(place)
        if file.read(4) == b"ANMF":
            yield place + 8
        size = _read(file, place + 4, 4)
        place += 8 + size + size % 2


def _read(file: BinaryIO, place: int, size: int) -> int:
    file.seek(place)
    return int.from_bytes(file.read(size), "little")

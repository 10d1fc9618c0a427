"""Films of a single picture, which is shown as long as a song lasts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from tf_style import images
from tf_style.video.animations import ANIMATIONS
from tf_style.video.info import VideoInfo
from tf_style.video.pictures import RATE, SRGB


def is_still(path: str | Path) -> bool:
    """Whether a file is a picture that does not move."""
    suffix = Path(path).suffix.lower()
    if suffix not in images.READABLE_SUFFIXES or not Path(path).is_file():
        return False
    if suffix not in ANIMATIONS:
        return True
    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1) == 1
    except OSError:
        return False


def describe(path: str, seconds: float, *, fps: Fraction = Fraction(0)) -> VideoInfo:
    """A film of a picture.

    Args:
      path: The picture.
      seconds: How long it is shown.
      fps: Frames a second; 0: 25.

    Raises:
      ImageError: It cannot be read.
    """
    picture, rate = images.read_visible(path, min_side=1), fps or RATE
    return VideoInfo(
        path=path,
        width=picture.size[1],
        height=picture.size[0],
        rate=rate,
        time_base=1 / rate,
        start=0,
        num_frames=max(1, math.ceil(round(seconds * rate, 3))),
        seconds=seconds,
        rotation=0,
        bits=picture.bit_depth,
        pixel_aspect=Fraction(1),
        tags=SRGB,
        rgb=True,
        kind="still",
        last=1 / rate,
        sounds=1,
    )


def pixels_and_times(
    info: VideoInfo, size: tuple[int, int], first: int, last: int | None
) -> Iterator[tuple[np.ndarray, int]]:
    """The picture at a size (height, width), and the time of each frame, from `first` to before `last`."""
    picture = images.resize(images.read_visible(info.path, min_side=1), size)
    pixels = (images.to_uint16 if info.bits > 8 else images.to_uint8)(picture.pixels)
    end = info.num_frames if last is None else min(last, info.num_frames)
    yield from ((pixels, time) for time in range(first, end))

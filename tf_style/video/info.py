"""What a film's file says about it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from tf_style.video.errors import VideoError, load_av

# FFmpeg's numbers (pixfmt.h)
_UNSPECIFIED = 2
_BT709, _SMPTE170M = 1, 6  # matrices
_LIMITED, _FULL = 1, 2  # ranges
_HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics
_HD_HEIGHT = 720  # without a tag, players take BT.709 from this height on, BT.601 below
_STILLS = ("image2", "_pipe")  # parts of the names of formats of single pictures
#: FFmpeg's numbers of matrices -> its scaler's.
SCALERS_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}


@dataclasses.dataclass(frozen=True)
class VideoInfo:
    """A film, as its file describes it.

    Attributes:
      path: The file.
      width, height: Of the frames as they are stored.
      rate: Frames per second, on average.
      time_base: The unit of the frames' times, in seconds.
      start: When the film begins, in `time_base`.
      num_frames: How many frames there are, as far as the file says; 0: unknown.
      seconds: How long it is; 0: unknown.
      rotation: By how many degrees a player turns the frames, counterclockwise.
      bits: Per channel.
      pixel_aspect: Width of a pixel relative to its height.
      tags: Range, primaries, transfer and matrix of the colours, in FFmpeg's numbers; for RGB, those to write with.
      rgb: Whether the frames are RGB, as in GIF and APNG, and not YCbCr.
    """

    path: str
    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    start: int
    num_frames: int
    seconds: float
    rotation: int
    bits: int
    pixel_aspect: Fraction
    tags: tuple[int, int, int, int]
    rgb: bool = False

    @property
    def matrix(self) -> int:
        """The matrix between RGB and YCbCr; where the file has no tag, the one that players assume."""
        return self.tags[3] if self.tags[3] != _UNSPECIFIED else _usual_matrix(self.height)

    @property
    def range(self) -> int:
        """Limited (1) or full (2) range."""
        return self.tags[0] or _LIMITED


def exact_scaling() -> Any:
    """Conversion without shortcuts."""
    kinds = load_av().video.reformatter.Interpolation
    return kinds.BICUBIC | kinds.ACCURATE_RND | kinds.FULL_CHR_H_INT | kinds.FULL_CHR_H_INP


def read_info(path: str | Path) -> VideoInfo:
    """Reads what a film's file says, and its first frame.

    Raises:
      VideoError: It is no film that can be read, or HDR.
    """
    with opened(path) as (container, stream):
        return describe(str(path), container, stream)


def describe(path: str, container: Any, stream: Any) -> VideoInfo:
    """The facts about an open film; reads its first frame, so the film has to be opened again to be read whole."""
    context = stream.codec_context
    rotation, still = 0, any(part in container.format.name for part in _STILLS)
    av = load_av()
    first = None
    with contextlib.suppress(av.error.FFmpegError):
        first = next(container.decode(stream), None)
    if first is None:
        raise VideoError(f"'{path}' holds no frame that can be decoded; it may be damaged or empty: give another file.")
    if still:
        raise VideoError(f"'{path}' is a single picture, not a film; paint it with tf-style stylize.")
    rotation = int(first.rotation)
    full = context.pix_fmt.startswith("yuvj") or int(context.color_range) == _FULL
    tags = (
        _FULL if full else int(context.color_range), int(context.color_primaries), int(context.color_trc),
        int(context.colorspace),
    )  # fmt: skip
    rgb = bool(first.format.is_rgb)
    if rgb:
        tags = _LIMITED, tags[1], tags[2], _usual_matrix(first.height)
    if tags[2] in _HDR:
        raise VideoError(
            f"'{path}' is HDR ({_HDR[tags[2]]}), but films are painted in SDR; convert it first, for example with "
            "FFmpeg's filters zscale and tonemap."
        )
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    seconds = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6
    return VideoInfo(
        path=path,
        width=first.width,
        height=first.height,
        rate=Fraction(rate),
        time_base=Fraction(stream.time_base),
        start=stream.start_time or 0,
        num_frames=stream.frames or round(seconds * rate),
        seconds=seconds,
        rotation=rotation,
        bits=max(component.bits for component in first.format.components),
        pixel_aspect=Fraction(stream.sample_aspect_ratio or 1),
        tags=tags,
        rgb=rgb,
    )


def _usual_matrix(height: int) -> int:
    return _BT709 if height >= _HD_HEIGHT else _SMPTE170M


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[tuple[Any, Any]]:
    """An open film and its first video stream.

    Raises:
      VideoError: The file is missing, is no film, or has only sound.
    """
    av = load_av()
    if not Path(path).exists():
        raise VideoError(f"There is no film '{path}'; check the path.")
    try:
        container = av.open(str(path), metadata_errors="ignore")
    except (av.error.FFmpegError, OSError) as error:
        raise VideoError(
            f"'{path}' is not a film that can be read ({error.strerror or error}); give another file, such as MP4, "
            "MOV, MKV or WebM."
        ) from None
    with container:
        streams = [each for each in container.streams.video if not each.disposition & each.disposition.attached_pic]
        if not streams:
            raise VideoError(f"'{path}' holds no moving pictures; give a film.")
        streams[0].thread_type = "AUTO"
        yield container, streams[0]

"""What a film's file says about it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

from tf_style.video.errors import VideoError, load_av

# FFmpeg's numbers (pixfmt.h)
_UNSPECIFIED = 2
_BT709, _SMPTE170M = 1, 6  # matrices
_LIMITED, _FULL = 1, 2  # ranges
_HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics
_HD_HEIGHT = 720  # without a tag, players take BT.709 from this height on, BT.601 below
_ANIMATIONS = ("gif", "apng")  # names of formats
_ONCE = -1  # a GIF that says nothing is shown once
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
      kind: "film" for what FFmpeg reads, "webp", "pictures" for numbered ones, or "still" for one that is held.
      pictures: The numbers of numbered pictures, and their files.
      last: How long the last frame is shown, in seconds.
      plays: How often an animation is shown; 0: forever.
      sounds: How many sound tracks there are.
      fps: Read only so many frames a second; 0: all.
      hdr: Of a film that is read in SDR: the tags of its file.
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
    kind: str = "film"
    pictures: tuple[tuple[int, str], ...] = ()
    last: Fraction = Fraction(0)
    plays: int = 0
    sounds: int = 0
    fps: Fraction = Fraction(0)
    hdr: tuple[int, int, int, int] | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The file, or all of them."""
        return tuple(path for _, path in self.pictures) or (self.path,)

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


def describe(path: str, *, tonemap: bool = False) -> VideoInfo:
    """Reads what a film's file says, and its first frame.

    Args:
      path: The file.
      tonemap: Whether HDR will be read in SDR.

    Raises:
      VideoError: It is no film that can be read, or HDR.
    """
    with opened(path) as (container, stream):
        info, name = _facts(path, container, stream), container.format.name
    if info.tags[2] in _HDR:
        if not tonemap:
            raise VideoError(
                f"'{path}' is HDR ({_HDR[info.tags[2]]}), but films are painted in SDR; add --tonemap to convert it."
            )
        info = dataclasses.replace(info, bits=8, tags=(_LIMITED, _BT709, _BT709, _BT709), hdr=info.tags)
    return _with_durations(info, name) if name in _ANIMATIONS else info


def _with_durations(info: VideoInfo, name: str) -> VideoInfo:
    """Of an animation: its length, and how often it is shown, which FFmpeg does not say."""
    with opened(info.path) as (container, stream), Image.open(info.path) as image:
        times = [packet.duration for packet in container.demux(stream) if packet.pts is not None]
        plays = image.info.get("loop", _ONCE)
    if name == "gif" and plays and plays != _ONCE:
        plays += 1  # there, it is the number of repetitions
    return dataclasses.replace(
        info,
        num_frames=len(times),
        seconds=float(sum(times) * info.time_base),
        last=times[-1] * info.time_base,
        plays=abs(plays),
    )


def _facts(path: str, container: Any, stream: Any) -> VideoInfo:
    context = stream.codec_context
    still = any(part in container.format.name for part in _STILLS)
    av = load_av()
    first = None
    with contextlib.suppress(av.error.FFmpegError):
        first = next(container.decode(stream), None)
    if first is None:
        raise VideoError(f"'{path}' holds no frame that can be decoded; it may be damaged or empty: give another file.")
    if still:
        raise VideoError(
            f"'{path}' is a single picture, not a film; paint it with tf-style stylize, or add a song to make it one, "
            "as in --audio=song.mp3."
        )
    full = context.pix_fmt.startswith("yuvj") or int(context.color_range) == _FULL
    tags = (
        _FULL if full else int(context.color_range), int(context.color_primaries), int(context.color_trc),
        int(context.colorspace),
    )  # fmt: skip
    rgb = bool(first.format.is_rgb)
    if rgb:
        tags = _LIMITED, tags[1], tags[2], _usual_matrix(first.height)
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
        rotation=int(first.rotation),
        bits=max(component.bits for component in first.format.components),
        pixel_aspect=Fraction(stream.sample_aspect_ratio or 1),
        tags=tags,
        rgb=rgb,
        last=1 / Fraction(rate),
        sounds=len(container.streams.audio),
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

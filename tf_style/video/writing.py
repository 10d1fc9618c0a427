"""Writes the frames of a film, in parts and without sound."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np

from tf_style.video.errors import VideoError, load_av, refusals
from tf_style.video.info import SCALERS_MATRICES, VideoInfo, exact_scaling

_FULL = 2  # FFmpeg's number of the full range


class _Codec(NamedTuple):
    """FFmpeg's name of an encoder, its pixel formats for 8 bits and more, its default quality, and its options."""

    encoder: str
    formats: tuple[str, str]
    crf: int | None
    options: dict[str, str]


class Encoding(NamedTuple):
    """How to encode: a name of `CODECS`, and the quality (smaller is better; None: the codec has none)."""

    codec: str
    crf: int | None


#: Codec -> how to encode with it. Default qualities are near the eye's limit.
CODECS = {
    # Without its parameter, x264 reads memory that it has not written, and its bytes differ now and then (AVX-512).
    "h264": _Codec("libx264", ("yuv420p", "yuv420p10le"), 18, {"preset": "medium", "x264-params": "cpu-independent=1"}),
    "h265": _Codec("libx265", ("yuv420p", "yuv420p10le"), 20, {"preset": "medium", "x265-params": "log-level=error"}),
    "av1": _Codec("libsvtav1", ("yuv420p", "yuv420p10le"), 26, {"preset": "8"}),
    "vp9": _Codec("libvpx-vp9", ("yuv420p", "yuv420p10le"), 24, {"b": "0", "deadline": "good", "cpu-used": "4"}),
    "prores": _Codec("prores_ks", ("yuv422p10le", "yuv422p10le"), None, {"profile": "hq"}),
    "ffv1": _Codec("ffv1", ("yuv444p", "yuv444p16le"), None, {"level": "3", "slices": "4"}),
}
#: How the parts of animations are stored.
LOSSLESS = Encoding("rgb", None)
_LOSSLESS = _Codec("ffv1", ("bgr0", "bgr0"), None, {"level": "3", "slices": "4"})
#: Suffix -> the codecs that it may hold, the first by default.
CONTAINERS = {
    ".mp4": ("h264", "h265", "av1", "vp9"),
    ".mov": ("h264", "h265", "prores"),
    ".mkv": ("h264", "h265", "av1", "vp9", "prores", "ffv1"),
    ".webm": ("vp9", "av1"),
}


def choose_encoding(output: str | Path, codec: str = "auto", crf: int = -1) -> Encoding:
    """The encoding for an output file.

    Args:
      output: Its suffix decides which codecs are possible.
      codec: One of `CODECS`, or "auto".
      crf: The quality; -1: the codec's default.

    Raises:
      VideoError: The file cannot hold the codec, or the codec has no such quality.
    """
    suffix = Path(output).suffix.lower()
    if suffix not in CONTAINERS:
        raise VideoError(f"--output={output} must end in {', '.join(CONTAINERS)}; choose one of them.")
    possible = CONTAINERS[suffix]
    if codec != "auto" and codec not in possible:
        raise VideoError(
            f"A {suffix} file cannot hold {codec}; it may hold {', '.join(possible)}. Choose one of them, or another "
            "suffix."
        )
    name = possible[0] if codec == "auto" else codec
    default = CODECS[name].crf
    if default is None and crf >= 0:
        raise VideoError(f"crf is a quality of {', '.join(k for k, v in CODECS.items() if v.crf)}, not of {name}.")
    return Encoding(name, default if crf < 0 else crf)


class VideoWriter:
    """A part of a film, of frames only. Colours and the shape of pixels are those of the source.

    Its times count from its first frame, because a film that begins later loses the last digits of its times in MP4;
    `join` puts it in its place.

    Args:
      path: The file.
      info: The source.
      encoding: From `choose_encoding`.
      size: (height, width) of the frames; even numbers.

    Raises:
      WriteError: The file cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        info: VideoInfo,
        encoding: Encoding,
        size: tuple[int, int],
    ) -> None:
        av = self._av = load_av()
        codec = CODECS.get(encoding.codec, _LOSSLESS)
        self._info = info
        self._first: int | None = None
        self._format = codec.formats[info.bits > 8]
        self._range = _FULL if codec is _LOSSLESS else info.range
        quality = {} if encoding.crf is None else {"crf": str(encoding.crf)}
        self._path = path
        os.environ.setdefault("SVT_LOG", "1")  # errors only; the AV1 encoder talks otherwise
        with refusals(self._path):
            self._container = av.open(str(path), "w", format="mov" if encoding.codec == "prores" else "mp4")
        self._stream = self._container.add_stream(codec.encoder, rate=info.rate, options={**codec.options, **quality})
        context = self._stream.codec_context
        context.height, context.width = size
        context.pix_fmt = self._format
        context.time_base = info.time_base
        context.sample_aspect_ratio = info.pixel_aspect
        context.color_range, context.color_primaries = self._range, info.tags[1]
        context.color_trc, context.colorspace = info.tags[2:]

    def add(self, pixels: np.ndarray, time: int) -> None:
        """Adds a frame.

        Args:
          pixels: RGB, uint8 or uint16 [H, W, 3].
          time: In the source's `time_base`; after the last one's.
        """
        self._first = time if self._first is None else self._first
        deep = pixels.dtype == np.uint16
        frame = self._av.VideoFrame.from_ndarray(pixels, format="rgb48le" if deep else "rgb24")
        frame = frame.reformat(
            format=self._format,
            dst_colorspace=SCALERS_MATRICES.get(self._info.matrix),
            src_color_range=_FULL,
            dst_color_range=self._range,
            interpolation=exact_scaling(),
        )
        frame.pts, frame.time_base = time - self._first, self._info.time_base
        with refusals(self._path):
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Writes what is left."""
        with refusals(self._path):
            self._container.mux(self._stream.encode())
            self._container.close()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            with contextlib.suppress(self._av.error.FFmpegError, OSError):
                self._container.close()

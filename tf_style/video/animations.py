"""Writes the parts of a painted film as an animated GIF, WebP or PNG."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from tf_style.images import replacing
from tf_style.video import webp
from tf_style.video.errors import VideoError, load_av, refusals
from tf_style.video.info import VideoInfo
from tf_style.video.joining import Part

_LOOKED_AT = 64  # frames, from which a GIF's colours are chosen
# Their colours are counted in 64 steps a channel, which bounds time and memory; black and white stay as they are.
_COUNTED = ":".join(f"{channel}=round(round(val*63/255)*255/63)" for channel in "rgb")
_DITHER = "dither=sierra2_4a:diff_mode=rectangle"


class _Kind(NamedTuple):
    """FFmpeg's names of format, encoder and pixels, the encoder's options, and what the format can hold."""

    name: str
    encoder: str
    pixels: str
    options: dict[str, str]
    unit: Fraction | None  # of times, in seconds; None: any
    plays: Callable[[int], dict[str, str]]  # how often it is shown (0: forever) -> the format's options
    most_side: int = 2**31
    most_pixels: float = float("inf")
    most_rate: float = float("inf")


_APNG = _Kind("apng", "apng", "rgb24", {}, None, lambda plays: {"plays": str(plays)})
#: Suffix -> how to write it. libwebp holds an animation in memory, compressed. Browsers slow faster GIFs down.
ANIMATIONS = {
    ".gif": _Kind(
        "gif", "gif", "pal8", {}, Fraction(1, 100),
        lambda plays: {"loop": str(plays - 1 or -1 if plays else 0)}, most_side=2**16 - 1, most_rate=50,
    ),
    ".webp": _Kind(
        "webp", "libwebp_anim", "bgra", {"quality": "85"}, Fraction(1, 1000),
        lambda plays: {"loop": str(plays)}, most_side=2**14 - 1, most_pixels=4e9,
    ),
    ".png": _APNG,
    ".apng": _APNG,
}  # fmt: skip


def check_animation(output: str | Path, info: VideoInfo, size: tuple[int, int], num_frames: int) -> None:
    """Refuses what an animation cannot hold.

    Args:
      output: The file; its suffix decides.
      info: The source.
      size: (height, width) of the frames.
      num_frames: How many there will be.

    Raises:
      VideoError: There are too many frames a second, or too many pixels.
    """
    suffix, (height, width) = Path(output).suffix.lower(), size
    kind = ANIMATIONS[suffix]
    if info.rate > kind.most_rate:
        raise VideoError(
            f"A {suffix} file shows at most {kind.most_rate} frames a second, but the film has {float(info.rate):.5g}; "
            "add --fps=25."
        )
    if max(size) > kind.most_side:
        raise VideoError(
            f"A {suffix} file has at most {kind.most_side} pixels a side, but the film has {width}x{height}; "
            "give --size."
        )
    if height * width * num_frames > kind.most_pixels:
        raise VideoError(
            f"A {suffix} file is held in memory, so all frames may have {kind.most_pixels / 1e6:.0f} million pixels, "
            f"but there are {height * width * num_frames / 1e6:.0f}; give --size, --fps or --end, or choose .mp4."
        )


def write_animation(parts: Sequence[Part], info: VideoInfo, output: str | Path, *, end: float = 0.0) -> None:
    """Writes an animation, which appears whole or not at all.

    Args:
      parts: In their order, as `VideoWriter` stores them without loss.
      info: The source.
      output: The file; its suffix decides the kind.
      end: The second of the source at which the last frame ends; 0: it is shown as long as the source's last one.

    Raises:
      WriteError: The disk refuses.
    """
    kind = ANIMATIONS[Path(output).suffix.lower()]
    unit = kind.unit or info.time_base
    with refusals(output), replacing(output) as temporary:
        times = list(_times(parts, info, unit))
        last = _last_duration(parts, info, end)
        options = {**kind.plays(info.plays), **_final_delay(kind.name, last)}
        frames = _in_few_colors(parts, len(times)) if kind.pixels == "pal8" else _read(parts)
        _write(kind, str(temporary), zip(frames, times, strict=True), unit, options)
        if kind.name == "webp":
            webp.set_last_duration(temporary, last)


def _write(kind: _Kind, path: str, frames: Iterable[tuple[Any, int]], unit: Fraction, options: dict[str, str]) -> None:
    stream: Any = None
    with load_av().open(path, "w", format=kind.name, options=options) as container:
        for frame, time in frames:
            if stream is None:
                stream = container.add_stream(kind.encoder, rate=round(1 / unit), options=kind.options)
                context = stream.codec_context
                context.width, context.height = frame.width, frame.height
                context.pix_fmt, context.time_base = kind.pixels, unit
            frame = frame.reformat(format=kind.pixels)
            frame.pts, frame.time_base = time, unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _read(parts: Sequence[Part]) -> Iterator[Any]:
    for part in parts:
        with load_av().open(str(part.path)) as container:
            yield from container.decode(video=0)


def _source_times(parts: Sequence[Part], info: VideoInfo) -> Iterator[int]:
    """The times of all frames, in the source's `time_base`."""
    for part in parts:
        with load_av().open(str(part.path)) as container:
            for packet in container.demux(video=0):
                if packet.pts is not None:
                    yield part.start + round(packet.pts * packet.time_base / info.time_base)


def _times(parts: Sequence[Part], info: VideoInfo, unit: Fraction) -> Iterator[int]:
    """The times of all frames from the first one on, strictly rising."""
    begin, before = parts[0].start, -1
    for time in _source_times(parts, info):
        before = max(before + 1, round((time - begin) * info.time_base / unit))
        yield before


def _last_duration(parts: Sequence[Part], info: VideoInfo, end: float) -> Fraction:
    """How long the last frame is shown, in seconds."""
    longest = max(info.last, 1 / info.fps) if info.fps else info.last
    if not end:
        return longest
    *_, time = _source_times(parts[-1:], info)
    left = Fraction(end).limit_denominator(10**6) - (time - info.start) * info.time_base
    return min(left, max(longest, 1 / info.rate))


def _final_delay(name: str, seconds: Fraction) -> dict[str, str]:
    """The option of FFmpeg's formats that says it."""
    if name == "gif":
        return {"final_delay": str(max(1, round(seconds * 100)))}
    exact = seconds.limit_denominator(10**4)
    return {"final_delay": f"{exact.numerator}/{exact.denominator}"} if name == "apng" else {}


# --- the colours of GIF -----------------------------------------------------------------------------------------------


def _in_few_colors(parts: Sequence[Part], num_frames: int) -> Iterator[Any]:
    """All frames in 256 colours, the same ones for the whole film, so that what stands still does not flicker."""
    first = next(_read(parts))
    counting = _Filters(first, ("lutrgb", _COUNTED), ("palettegen", "stats_mode=full"))
    for number, frame in enumerate(itertools.islice(_read(parts), 0, None, max(1, num_frames // _LOOKED_AT))):
        counting.push(frame, number)
    counting.source.push(None)
    drawing = _Filters(first, ("paletteuse", _DITHER), palette=counting.sink.pull())
    for number, frame in enumerate(_read(parts)):
        drawing.push(frame, number)
        yield drawing.sink.pull()


class _Filters:
    """FFmpeg's filters one after the other, for frames like the one given."""

    def __init__(self, frame: Any, *steps: tuple[str, str], palette: Any = None) -> None:
        self._graph = load_av().filter.Graph()
        self.source, self.sink = self._input(frame), self._graph.add("buffersink")
        filters = [self.source, *itertools.starmap(self._graph.add, steps), self.sink]
        for one, other in itertools.pairwise(filters):
            one.link_to(other)
        if palette is None:
            self._graph.configure()
            return
        colors = self._input(palette)
        colors.link_to(filters[1], 0, 1)
        self._graph.configure()
        palette.pts = 0
        colors.push(palette)
        colors.push(None)

    def push(self, frame: Any, time: int) -> None:
        """Takes a frame."""
        frame.pts = time
        self.source.push(frame)

    def _input(self, frame: Any) -> Any:
        form = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}"
        return self._graph.add("buffer", f"{form}:time_base=1/1:pixel_aspect=1/1")

"""Joins the parts of a painted film, and copies what is not painted: sound, subtitles, chapters, titles."""

from __future__ import annotations

import contextlib
import heapq
import operator
import warnings
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from tf_style.images import replacing
from tf_style.video.errors import VideoWarning, load_av, refusals
from tf_style.video.info import VideoInfo, opened
from tf_style.video.soundtrack import Timed, is_whole, opened_sound, sound_packets, try_header

_RANDOM = (".mkv", ".webm")  # FFmpeg numbers their tracks by chance, unless told not to
_COPIED = ("audio", "subtitle")


class Part(NamedTuple):
    """A file of `VideoWriter`, and the time of its first frame, in the source's `time_base`."""

    path: str | Path
    start: int


def join(
    parts: Sequence[Part],
    info: VideoInfo,
    output: str | Path,
    *,
    start: float = 0.0,
    end: float = 0.0,
    sound: str = "",
) -> None:
    """Writes parts one after the other, with all sound and subtitles of the source, packet by packet.

    The file appears whole or not at all.

    Args:
      parts: In their order, all of one encoding.
      info: The source.
      output: The film.
      start: Seconds of the source at which the film begins; its times then count from there.
      end: The first second of the source that is left out; 0: none is.
      sound: A file whose sound takes the place of the source's, from `start` to `end`, which must be given.

    Warns:
      VideoWarning: A stream of the source cannot be copied into such a file, or its sound is damaged.

    Raises:
      WriteError: The disk refuses.
    """
    output = Path(output)
    with refusals(output), replacing(output) as temporary:
        _write(parts, info, str(temporary), output, start, end, sound)


def _write(
    parts: Sequence[Part], info: VideoInfo, temporary: str, output: Path, start: float, end: float, sound: str
) -> None:
    av = load_av()
    options = {"fflags": "bitexact"} if output.suffix.lower() in _RANDOM else {}
    other = opened_sound(sound) if sound else contextlib.nullcontext()
    with _opened(info) as source, other as song, av.open(temporary, "w", options=options) as target:
        with av.open(str(parts[0].path)) as first:
            video = target.add_stream_from_template(first.streams.video[0], opaque=True)
        video.time_base = info.time_base
        if info.rotation:
            video.set_display_rotation(info.rotation)
        streams = {}
        if source is not None:
            streams = _copied_streams(source, target, output, ("subtitle",) if sound else _COPIED)
            target.metadata.update(source.metadata)
            chapters = source.chapters()
            if chapters and not (start or end):
                target.set_chapters(chapters)
        tracks = [_packets(source, streams, info, start, end), _pictures(av, parts, info, start, video)]
        if song is not None:
            begin = Fraction(0) if start else info.start * info.time_base
            tracks.append(sound_packets(song, target, output, begin, start, end))
        damaged = 0
        for _, packet, whole in heapq.merge(*tracks, key=operator.itemgetter(0)):
            try:
                target.mux_one(packet)
            except ValueError:  # FFmpeg's, of a packet that makes no sense
                if packet.stream is video:
                    raise
                whole = False
            damaged += not whole
    if damaged:
        warnings.warn(
            f"The sound of '{sound or info.path}' is damaged: {damaged} of its packets cannot be played; the rest "
            "is as it was.",
            VideoWarning,
            stacklevel=2,
        )


@contextlib.contextmanager
def _opened(info: VideoInfo) -> Iterator[Any]:
    """The source's container; None: it is pictures only."""
    if info.kind != "film":
        yield None
        return
    with opened(info.path) as (container, _):
        yield container


def _pictures(av: Any, parts: Sequence[Part], info: VideoInfo, start: float, stream: Any) -> Iterator[Timed]:
    """The packets of all parts, in their order."""
    shift = Fraction(0)
    if start:
        shift = info.start * info.time_base + Fraction(start).limit_denominator(10**6)
    before = None
    for part in parts:
        with av.open(str(part.path)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.dts is None:
                    continue
                _shift(packet, shift - part.start * info.time_base)
                # A part that begins with a long frame would be decoded from before the end of the last part on.
                packet.dts = before = packet.dts if before is None else max(packet.dts, before + 1)
                packet.stream = stream
                yield Timed(packet.dts * packet.time_base, packet, True)


def _packets(source: Any, streams: dict[int, Any], info: VideoInfo, start: float, end: float) -> Iterator[Timed]:
    """The packets to copy, those of the time from `start` to `end`."""
    if not streams:
        return
    begin = info.start * info.time_base
    shift = begin + Fraction(start).limit_denominator(10**6) if start else Fraction(0)
    if start:
        source.seek(int((begin + Fraction(start)) * 1_000_000), backward=True)
    for packet in source.demux([each for each in source.streams if each.index in streams]):
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None or packet.size == 0:
            continue
        packet.dts = time if packet.dts is None else packet.dts
        seconds = time * packet.time_base - begin
        if (start and seconds < start) or (end and seconds >= end):
            continue
        whole = is_whole(packet)
        _shift(packet, shift)
        packet.stream = streams[packet.stream.index]
        yield Timed(packet.dts * packet.time_base, packet, whole)


def _shift(packet: Any, seconds: Fraction) -> None:
    if seconds:
        ticks = round(seconds / packet.time_base)
        packet.dts -= ticks
        if packet.pts is not None:
            packet.pts -= ticks


def _copied_streams(source: Any, target: Any, output: Path, kinds: Sequence[str]) -> dict[int, Any]:
    """The source's streams that the target takes: their index, and the target's stream."""
    found = {}
    for stream in source.streams:
        if stream.type not in kinds:
            continue
        name = stream.codec_context.name if stream.codec_context else "unknown"
        try:
            if stream.codec_context.codec.canonical_name not in target.supported_codecs:
                raise ValueError
            try_header(stream, target.format.name)
            copy = target.add_stream_from_template(stream, opaque=True)
        except (ValueError, AttributeError):  # FFmpeg's refusals are ValueErrors, too
            warnings.warn(
                f"The {stream.type} track {stream.index} ({name}) cannot be stored in a {output.suffix} file and is "
                "left out; choose .mkv to keep it.",
                VideoWarning,
                stacklevel=2,
            )
            continue
        copy.time_base = stream.time_base
        copy.metadata.update(stream.metadata)
        found[stream.index] = copy
    return found

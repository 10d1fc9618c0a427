"""Sound for a painted film from another file than its source: a song, or another film."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tf_style.video.errors import VideoError, load_av

_ENCODERS = {".webm": "libopus"}  # suffix -> the encoder for sounds that such a file cannot hold; others: AAC
_BIT_RATE = 192_000
_RATE = 48000  # samples a second of what is encoded
_NEAR = 0.02  # seconds; files round the times of their frames
_LONGEST_GAP = 600.0  # seconds; a clock that leaps farther is damaged
#: What players take in such a file; FFmpeg writes more. A file of another suffix may hold all that FFmpeg writes.
_PLAYED = {
    ".mp4": ("aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"),
    ".mov": ("aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le"),
}


class Timed(NamedTuple):
    """A packet, its time in seconds, and whether it can be decoded."""

    seconds: Fraction
    packet: Any
    whole: bool


@contextlib.contextmanager
def opened_sound(path: str | Path) -> Iterator[Any]:
    """An open file with sound.

    Raises:
      VideoError: The file is missing, cannot be read, or holds no sound.
    """
    av = load_av()
    if not Path(path).is_file():
        raise VideoError(f"There is no sound '{path}'; check the path.")
    try:
        container = av.open(str(path), metadata_errors="ignore")
    except (av.error.FFmpegError, OSError) as error:
        raise VideoError(
            f"The sound '{path}' cannot be read ({getattr(error, 'strerror', None) or error}); give another file, such "
            "as MP3, OGG, FLAC or WAV."
        ) from None
    with container:
        if not container.streams.audio:
            raise VideoError(f"'{path}' has no sound; give a song, or a film with sound.")
        yield container


def sound_seconds(path: str | Path) -> float:
    """How long a sound is, in seconds.

    Raises:
      VideoError: The file is missing, cannot be read, or holds no sound.
    """
    with opened_sound(path) as container:
        ends = [
            (packet.pts + (packet.duration or 0)) * packet.time_base
            for packet in container.demux(container.streams.audio[0])
            if packet.pts is not None
        ]
        seconds = float(max(ends, default=Fraction(0)) - _origin(container))
    if seconds <= 0:
        raise VideoError(f"The sound '{path}' is empty; give another file.")
    return seconds


def sound_packets(
    container: Any, target: Any, output: Path, begin: Fraction, start: float, end: float
) -> Iterator[Timed]:
    """Adds a track for a file's first sound to a film, and returns its packets, copied if the film can hold them.

    Args:
      container: From `opened_sound`.
      target: The open film, before its first packet.
      output: The film's name.
      begin: The time in the film of what is heard at `start`, in seconds.
      start: Seconds of the sound to leave out at its beginning.
      end: The first second of the sound that is left out.
    """
    stream = container.streams.audio[0]
    origin = _origin(container)
    if can_hold(target, output.suffix.lower(), stream):
        copy = target.add_stream_from_template(stream, opaque=True)
        copy.time_base = stream.time_base
        return _copied(container, copy, origin, begin, start, end)
    encoder = _ENCODERS.get(output.suffix.lower(), "aac")
    track = target.add_stream(encoder, rate=_RATE)
    track.codec_context.layout = "mono" if stream.codec_context.channels == 1 else "stereo"
    track.codec_context.bit_rate = _BIT_RATE
    return _encoded(container, track, origin, begin, start, end)


def can_hold(target: Any, suffix: str, stream: Any) -> bool:
    """Whether a film of this suffix takes a track as it is, and players play it."""
    try:
        name = stream.codec_context.codec.canonical_name
        if name not in _PLAYED.get(suffix, (name,)) or name not in target.supported_codecs:
            return False
        try_header(stream, target.format.name)
    except (ValueError, AttributeError):  # FFmpeg's refusals are ValueErrors, too
        return False
    return True


def try_header(stream: Any, format_name: str) -> None:
    """Raises ValueError if a format refuses a stream; MOV does so only when its header is written."""
    with load_av().open(io.BytesIO(), "w", format=format_name) as trial:
        trial.add_stream_from_template(stream, opaque=True)
        trial.start_encoding()


def is_whole(packet: Any) -> bool:
    """Whether a packet of sound can be decoded."""
    try:
        if packet.stream.type == "audio":
            packet.decode()
    except load_av().error.FFmpegError:
        return False
    return True


def _origin(container: Any) -> Fraction:
    """When the file begins: with its first picture, if it has moving ones, or its first sample."""
    films = [each for each in container.streams.video if not each.disposition & each.disposition.attached_pic]
    stream = (films or container.streams.audio)[0]
    return (stream.start_time or 0) * Fraction(stream.time_base)


def _copied(container: Any, track: Any, origin: Fraction, begin: Fraction, start: float, end: float) -> Iterator[Timed]:
    stream = container.streams.audio[0]
    shift = begin - Fraction(start).limit_denominator(10**6) - origin
    for packet in container.demux(stream):
        if packet.pts is None or packet.size == 0:
            continue
        seconds = packet.pts * packet.time_base - origin
        if (start and seconds < start) or seconds >= end:
            continue
        whole = is_whole(packet)
        packet.pts += round(shift / packet.time_base)
        packet.dts, packet.stream = packet.pts, track
        yield Timed(packet.pts * packet.time_base, packet, whole)


def _encoded(
    container: Any, track: Any, origin: Fraction, begin: Fraction, start: float, end: float
) -> Iterator[Timed]:
    av = load_av()
    form, layout = "fltp", track.codec_context.layout.name
    first, last = round(start * _RATE), round(end * _RATE)
    place: int | None = None
    for frame in _frames(container, form, layout):
        own = place or 0
        if frame.pts is not None:
            own = round((Fraction(frame.pts) * frame.time_base - origin) * _RATE)
        place = own if place is None else place
        gap = own - place if _NEAR * _RATE < own - place < _LONGEST_GAP * _RATE else 0
        samples = np.pad(frame.to_ndarray(), ((0, 0), (gap, 0)))
        at, after = max(place, first), place + samples.shape[1]
        samples, place = samples[:, max(0, first - place) : max(0, last - place)], after
        if samples.shape[1]:
            kept = av.AudioFrame.from_ndarray(samples.copy(), format=form, layout=layout)
            kept.sample_rate, kept.time_base, kept.pts = _RATE, Fraction(1, _RATE), at - first + round(begin * _RATE)
            yield from _timed(track.encode(kept))
    yield from _timed(track.encode())


def _frames(container: Any, form: str, layout: str) -> Iterator[Any]:
    """The decoded sound, resampled, whose format may change on the way; damaged packets are left out."""
    av = load_av()
    resampler: Any = None
    before = None
    for packet in container.demux(container.streams.audio[0]):
        with contextlib.suppress(av.error.FFmpegError):
            for frame in packet.decode():
                own = (frame.format.name, frame.layout.name, frame.sample_rate)
                if own != before:
                    yield from resampler.resample(None) if resampler else ()
                    resampler, before = av.AudioResampler(format=form, layout=layout, rate=_RATE), own
                yield from resampler.resample(frame)
    yield from resampler.resample(None) if resampler else ()


def _timed(packets: Any) -> Iterator[Timed]:
    for packet in packets:
        yield Timed(packet.dts * packet.time_base, packet, True)

"""Reads the sound of songs and films, whatever FFmpeg can decode."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tf_style.video import VideoError
from tf_style.video.errors import load_av

RATE = 22050  # samples a second of all that is analysed
_NEAR = 0.02  # seconds; files round the times of their frames
_LONGEST_GAP = 600.0  # seconds; a clock that leaps farther is damaged
_LOUDEST = 1e6  # times full scale; the power of damaged samples beyond would be infinite
_TOO_MUCH = 100_000  # damaged packets; a reader that fails forever must not hang


class AudioError(ValueError):
    """A sound or a reaction to it cannot be used; the message says what to do."""


class Sound(NamedTuple):
    """Samples, float32 [N] in about [-1, 1], and how many there are a second."""

    samples: np.ndarray
    rate: int = RATE

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate


def read_sound(path: str | os.PathLike[str], start: float = 0.0, end: float = 0.0) -> Sound:
    """Reads the first sound track of a file, as the mean of its channels.

    Args:
      path: A song, or a film with sound.
      start: Seconds from the file's beginning; that of a film is its first frame.
      end: The first second that is left out; 0: none is.

    Returns:
      The sound at 22,050 Hz. Where the track begins late or has a gap, it is silent; it is empty if the track ends
      before `start`.

    Raises:
      AudioError: There is no such file, it holds no sound or none that can be decoded, or PyAV is not installed.
    """
    if not os.path.isfile(path):
        what = "is a folder" if os.path.isdir(path) else "does not exist"
        raise AudioError(f"The sound '{path}' {what}; give a song, or a film with sound.")
    if start < 0 or (end and end <= start):
        raise AudioError(f"A sound must begin at 0 s or later, before it ends, but {start:g} to {end:g} s was given.")
    try:
        av = load_av()
    except VideoError:
        raise AudioError("Sounds need PyAV, which is not installed; run pip install 'tf-style[video]'.") from None
    try:
        with av.open(str(Path(path)), metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise AudioError(f"'{path}' has no sound; give a song, or a film with sound.")
            pieces = list(_between(_placed(container), round(start * RATE), round(end * RATE) if end else None))
    except (av.error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"The sound of '{path}' cannot be read ({reason}); give another file.") from None
    if not pieces:
        raise AudioError(f"The sound of '{path}' cannot be decoded; convert it, for instance to .ogg or .wav.")
    return Sound(np.concatenate(pieces), RATE)


def _between(pieces: Iterator[tuple[int, np.ndarray]], first: int, last: int | None) -> Iterator[np.ndarray]:
    """Samples from `first` to before `last`, without gaps; pieces come with their places."""
    place, begun = first, False
    for begin, samples in pieces:
        if (begun and abs(begin - place) < _NEAR * RATE) or begin - place > _LONGEST_GAP * RATE:
            begin = place
        if last is not None and begin >= last:
            yield np.zeros(last - place, np.float32)
            return
        kept = samples[max(0, place - begin) : None if last is None else last - begin]
        if not len(kept):
            yield kept
            continue
        yield np.zeros(max(0, begin - place), np.float32)
        yield kept
        place, begun = max(place, begin) + len(kept), True


def _placed(container: Any) -> Iterator[tuple[int, np.ndarray]]:
    """Samples at `RATE`, the mean of all channels, and the place of the first of them."""
    origin, place = _origin(container), 0
    for frame in _resampled(_decoded(container)):
        samples = np.nan_to_num(frame.to_ndarray().mean(axis=0, dtype=np.float32), posinf=1.0, neginf=-1.0)
        samples = np.clip(samples, -_LOUDEST, _LOUDEST)
        place = place if frame.time is None else round((frame.time - origin) * RATE)
        yield place, samples
        place += len(samples)


def _origin(container: Any) -> float:
    """When the file begins, in seconds: with its first picture, if it has moving ones, or its first sample."""
    av = load_av()
    films = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    stream = (films or container.streams.audio)[0]
    return float((stream.start_time or 0) * stream.time_base)


def _decoded(container: Any) -> Iterator[Any]:
    """Frames of the first track; damaged packets are left out."""
    damaged = 0
    for packet in container.demux(container.streams.audio[0]):
        try:
            yield from packet.decode()
        except load_av().error.FFmpegError:
            damaged += 1
            if damaged > _TOO_MUCH:
                return


def _resampled(frames: Iterator[Any]) -> Iterator[Any]:
    """Frames of floats at `RATE`, with the channels they had."""
    av = load_av()
    resampler: Any = None
    before = None
    for frame in frames:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != before:
            yield from resampler.resample(None) if resampler else ()
            resampler, before = av.AudioResampler(format="fltp", rate=RATE), form
        yield from resampler.resample(frame)
    yield from resampler.resample(None) if resampler else ()

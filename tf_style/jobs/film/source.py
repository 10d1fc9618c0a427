"""The film to paint: its size, and its frames in shots."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_style import images
from tf_style.config import ConfigError, VideoFiles
from tf_style.jobs.film.sections import Section
from tf_style.jobs.film.shots import Shot, read_shots
from tf_style.motion import ShotDetector
from tf_style.video import CONTAINERS, FilmOutput, Frame, VideoError, VideoInfo, read_frames, read_info, sound_seconds

_AHEAD = 16  # frames; no codec shows a frame further from where it is stored


class Source:
    """A film, as it is to be painted.

    Args:
      files: All options of the film.
      output: What will be written.

    Raises:
      ConfigError, ImageError, VideoError: It cannot be used, or not be written so.
    """

    def __init__(self, files: VideoFiles, output: FilmOutput) -> None:
        self._files, self._output = files, output
        still = sound_seconds(files.audio) if files.audio else 0.0
        self.info = read_info(files.content, fps=files.fps, tonemap=files.tonemap, still=still)
        #: (height, width) to paint at, as frames are stored.
        self.size = _painting_size(self.info, files, even=output.is_film)
        output.check(self.info, self.written_size, self.num_frames)
        #: All that are known before the film is looked at.
        self.shots = read_shots(files)
        #: The number of the shot that `frames` has come to, from 1.
        self.shot = 1
        #: The seconds at which shots begin, as far as `frames` has found them.
        self.found: list[float] = []
        _check_times(self.shots, self.info)

    @property
    def written_size(self) -> tuple[int, int]:
        """(height, width) of the frames that are written; only films are turned by players."""
        return self.size if self._output.is_film else self.upright_size

    @property
    def is_still(self) -> bool:
        """Whether all frames are the same picture."""
        return self.info.kind == "still"

    @property
    def num_frames(self) -> int:
        """How many frames there will be, as far as is known; at least 1."""
        seconds = (self._files.end or self.info.seconds) - self._files.start
        whole = not (self._files.start or self._files.end) and self.info.num_frames
        return max(1, whole or round(seconds * self.info.rate))

    @property
    def upright_size(self) -> tuple[int, int]:
        """(height, width) of the frames as players turn them."""
        height, width = self.size
        return (width, height) if self.info.rotation % 180 else (height, width)

    def seconds(self, time: float) -> float:
        """The seconds of a time since the film's beginning."""
        return float((time - self.info.start) * self.info.time_base)

    def remarks(self) -> Iterator[str]:
        """What the user should know about the size, the sound, and what words chose."""
        info, (height, width) = self.info, self.size
        yield from (f"Words: {shot.words}" for shot in self.shots if shot.words)
        if self._output.is_film and self.size != (info.height, info.width) and (info.height % 2 or info.width % 2):
            yield f"Films have even sides, so this one of {info.width}x{info.height} becomes {width}x{height}."
        if (info.sounds or self._files.audio) and not self._output.is_film:
            yield "The sound is left out, because pictures hold none."

    def upright(self, frame: np.ndarray) -> np.ndarray:
        """A frame as players turn it."""
        return np.ascontiguousarray(np.rot90(frame, self.info.rotation // 90))

    def as_written(self, frame: np.ndarray) -> np.ndarray:
        """An upright frame as it is written."""
        if not self._output.is_film:
            return frame
        return np.ascontiguousarray(np.rot90(frame, -self.info.rotation // 90))

    def frames(self) -> Iterator[tuple[Frame, bool, Shot]]:
        """The frames, whether a shot begins with each, and how it is painted."""
        frames = self._read()
        if self._files.lists_shots:
            for frame, begins, shot in self._as_listed(frames):
                self.shot += begins
                yield frame, begins, shot
            return
        for frame, begins in self._as_found(frames):
            self.shot += begins
            if begins or not self.found:
                self.found.append(self.seconds(frame.time))
            yield frame, begins, self.shots[0]

    def first(self) -> Frame:
        """The first frame.

        Raises:
          VideoError: There is none.
        """
        frame = next(self._read(), None)
        if frame is None:
            raise self.has_no_frame()
        return frame

    def has_no_frame(self) -> VideoError:
        """The error that there is none."""
        return VideoError(
            f"There is no frame from --start={self._files.start:g} on, as '{self._files.content}' "
            f"has {self.info.seconds:.1f} seconds; give an earlier second."
        )

    def frames_of(self, section: Section) -> Iterator[tuple[Frame, bool, Shot]]:
        """The frames of a section, as `frames` yields them.

        Raises:
          VideoError: It has other frames than were found before.
        """
        begin = None
        if self.info.kind == "pictures" or Path(self.info.path).suffix.lower() in CONTAINERS:  # these have an index
            begin = section.start - round(_AHEAD / (self.info.rate * self.info.time_base))
        frames = self._from(section.start, begin)
        first = next(frames, None)
        if begin is not None and (first is None or first.time != section.start):  # its times depend on those before
            frames = self._from(section.start, None)
            first = next(frames, None)
        found = itertools.islice(itertools.chain([first] if first else [], frames), section.num_frames)
        number = 0
        for number, frame in enumerate(found, 1):
            if number == 1 and frame.time != section.start:
                break
            yield frame, number == 1, section.shot
        if number != section.num_frames:
            raise VideoError(
                f"'{self.info.path}' is not read as it was when its shots were found; see that all machines have the "
                "same version of av, and that the film does not change."
            )

    def _read(self, begin: int | None = None) -> Iterator[Frame]:
        return read_frames(self.info, size=self.size, start=self._files.start, end=self._files.end, begin=begin)

    def _from(self, start: int, begin: int | None) -> Iterator[Frame]:
        """The frames from a time on; reading may begin earlier."""
        return itertools.dropwhile(lambda frame: frame.time < start, self._read(begin))

    def _as_listed(self, frames: Iterator[Frame]) -> Iterator[tuple[Frame, bool, Shot]]:
        """A shot begins with the frame that is nearest to its time."""
        ahead = collections.deque(self.shots)
        shot = ahead.popleft()
        following = 1 / (self.info.rate * self.info.time_base)  # behind the last frame
        for frame, after in _pairs(frames):
            time = frame.time + ((after.time - frame.time) if after else following) / 2
            begins = False
            while ahead and ahead[0].start <= self.seconds(time):
                begins, shot = True, ahead.popleft()
            yield frame, begins, shot

    def _as_found(self, frames: Iterator[Frame]) -> Iterator[tuple[Frame, bool]]:
        if self._files.shots == "none" or self.is_still or not (self._files.consistency or self._files.shots_output):
            yield from ((frame, False) for frame in frames)
            return
        detector = ShotDetector(float(self.info.rate))
        waiting: list[Frame] = []
        number, cuts = 0, set()
        for frame in frames:
            cuts.add(detector.add(frame.as_bytes()))
            waiting.append(frame)
            if len(waiting) > ShotDetector.delay:
                yield waiting.pop(0), number in cuts
                number += 1
        cuts.update(detector.finish())
        for frame in waiting:
            yield frame, number in cuts
            number += 1


def _pairs(frames: Iterator[Frame]) -> Iterator[tuple[Frame, Frame | None]]:
    """Each frame and the next."""
    frame = next(frames, None)
    while frame is not None:
        after = next(frames, None)
        yield frame, after
        frame = after


def _check_times(shots: list[Shot], info: VideoInfo) -> None:
    if info.seconds and shots[-1].start > info.seconds:
        raise ConfigError(
            f"{shots[-1].place}: this shot begins at {shots[-1].start:g} s, but the film ends at {info.seconds:g} s; "
            "give the file of this film."
        )


def _painting_size(info: VideoInfo, files: VideoFiles, *, even: bool) -> tuple[int, int]:
    """The size to paint at."""
    height, width = images.painting_size((info.height, info.width), files.size)
    if height * width > files.max_pixels:
        raise ConfigError(
            f"The film would have {height * width} pixels, above max_pixels={files.max_pixels}; lower --size."
        )
    return (height - height % 2, width - width % 2) if even else (height, width)

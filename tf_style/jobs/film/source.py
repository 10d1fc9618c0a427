"""The film to paint: its size, and its frames in shots."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tf_style import images
from tf_style.config import ConfigError, VideoFiles
from tf_style.motion import ShotDetector
from tf_style.video import Frame, VideoInfo, read_frames, read_info


class Source:
    """A film, as it is to be painted.

    Args:
      files: All options of the film.

    Raises:
      ConfigError, VideoError: It cannot be used.
    """

    def __init__(self, files: VideoFiles) -> None:
        self._files = files
        self.info = read_info(files.content)
        #: (height, width) to paint at, as frames are stored.
        self.size = _painting_size(self.info, files)

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

    def seconds(self, frame: Frame) -> float:
        """The time of a frame since the film's beginning."""
        return float((frame.time - self.info.start) * self.info.time_base)

    def remark(self) -> str:
        """What the user should know about the size."""
        info, (height, width) = self.info, self.size
        if self.size == (info.height, info.width) or not (info.height % 2 or info.width % 2):
            return ""
        return f"Films have even sides, so this one of {info.width}x{info.height} becomes {width}x{height}."

    def upright(self, frame: np.ndarray) -> np.ndarray:
        """A frame as players turn it."""
        return np.ascontiguousarray(np.rot90(frame, self.info.rotation // 90))

    def as_stored(self, frame: np.ndarray) -> np.ndarray:
        """An upright frame as it is stored."""
        return np.ascontiguousarray(np.rot90(frame, -self.info.rotation // 90))

    def frames(self) -> Iterator[tuple[Frame, bool]]:
        """The frames, and whether a shot begins with each."""
        frames = read_frames(self.info, size=self.size, start=self._files.start, end=self._files.end)
        if self._files.shots == "none" or not self._files.consistency:
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


def _painting_size(info: VideoInfo, files: VideoFiles) -> tuple[int, int]:
    """The size to paint at, with even sides."""
    height, width = images.painting_size((info.height, info.width), files.size)
    if height * width > files.max_pixels:
        raise ConfigError(
            f"The film would have {height * width} pixels, above max_pixels={files.max_pixels}; lower --size."
        )
    return height - height % 2, width - width % 2

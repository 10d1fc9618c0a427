"""The masks of a film: pictures, which stay, or films, whose frames go along with those that are painted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_style import images
from tf_style.config import VideoFiles
from tf_style.images import READABLE_SUFFIXES
from tf_style.video import read_frames, read_info


class FilmMasks:
    """All masks of a film.

    Args:
      files: All options of the film.
      size: (height, width) of the upright frames.

    Raises:
      ImageError, VideoError: A mask cannot be read, has another aspect, or selects nothing.
    """

    def __init__(self, files: VideoFiles, size: tuple[int, int]) -> None:
        self._files, self._size = files, size

        def open_all(option: str, *paths: str) -> list[_Still | _Moving]:
            return [_open(option, path, size, files) for path in paths if path]

        self._content = open_all("content_mask", files.content_mask)
        self._styles = open_all("style_masks", *files.style_masks)
        self._keep = open_all("keep_mask", files.keep_mask)
        masks = (*self._content, *self._styles, *self._keep)
        self._made = None if any(isinstance(mask, _Moving) for mask in masks) else self._make(0.0)

    @property
    def moving(self) -> bool:
        """Whether they differ from frame to frame."""
        return self._made is None

    @property
    def num_regions(self) -> int:
        """See `Guides`."""
        return len(self._styles) or len(self._content)

    @property
    def keep(self) -> bool:
        """Whether there is a mask of what stays recognizable."""
        return bool(self._keep)

    def at_first(self) -> dict[str, np.ndarray]:
        """The masks to prepare the styles with: those of the first frame, or all of it if nothing of it is painted."""
        found = self.at(self._files.start)
        if "regions" in found and not found["regions"].any():
            found["regions"] = np.full_like(found["regions"], 1.0 / self.num_regions)
        return found

    def at(self, seconds: float) -> dict[str, np.ndarray]:
        """The masks for the frame at a time since the film's beginning, by name, [1, H, W, N]; times must rise."""
        return self._make(seconds) if self._made is None else dict(self._made)

    def _make(self, seconds: float) -> dict[str, np.ndarray]:
        contents, styles, keeps = (
            [mask.at(seconds) for mask in masks] for masks in (self._content, self._styles, self._keep)
        )
        moving = any(isinstance(mask, _Moving) for mask in (*self._content, *self._styles))
        return images.make_masks(
            images.Picture(np.broadcast_to(np.float32(0.0), (*self._size, 3))),
            content_mask=contents[0] if contents else None,
            style_masks=styles,
            keep_mask=keeps[0] if keeps else None,
            feather=self._files.feather,
            may_be_empty=moving,
        ).arrays()


class _Still:
    """A mask from a picture."""

    def __init__(self, mask: np.ndarray) -> None:
        self._mask = mask

    def at(self, seconds: float) -> np.ndarray:
        """The mask, float32 [H, W]."""
        del seconds
        return self._mask


class _Moving:
    """A mask from a film; after its end, its last frame stays."""

    def __init__(self, option: str, path: str, size: tuple[int, int], files: VideoFiles) -> None:
        self._info = read_info(path)
        height, width = self._info.height, self._info.width
        own = (width, height) if self._info.rotation % 180 else (height, width)
        images.check_mask(option, f"'{path}'", own, size)
        self._size, self._start = size, files.start
        self._frames = self._seconds_and_frames()
        self._next: tuple[float, np.ndarray] | None = next(self._frames, None)
        self._shown = np.zeros(size, np.float32)

    def at(self, seconds: float) -> np.ndarray:
        """The mask at a time, float32 [H, W]."""
        latest = None
        while self._next is not None and self._next[0] <= seconds + 0.5 / float(self._info.rate):
            latest, self._next = self._next[1], next(self._frames, None)
        if latest is not None:
            grey = images.grey_of(np.ascontiguousarray(np.rot90(latest, self._info.rotation // 90)))
            self._shown = images.without_rest(images.resize_plane(grey, self._size))
        return self._shown

    def _seconds_and_frames(self) -> Iterator[tuple[float, np.ndarray]]:
        for frame in read_frames(self._info, start=self._start):
            yield float((frame.time - self._info.start) * self._info.time_base), frame.as_floats()


def _open(option: str, path: str, size: tuple[int, int], files: VideoFiles) -> _Still | _Moving:
    if Path(path).suffix.lower() in READABLE_SUFFIXES and Path(path).suffix.lower() != ".gif":
        return _Still(images.read_mask(option, path, size, max_pixels=files.max_pixels))
    return _Moving(option, path, size, files)

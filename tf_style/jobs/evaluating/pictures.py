"""Reads the pictures of an evaluation and resizes them to compare them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tf_style import images
from tf_style.images import ImageError, Picture
from tf_style.jobs.evaluating.pairs import Pair

_KEPT = 8  # pictures that the next paintings may need again
_SAME_SHAPE = 0.05  # width to height may differ by this share, as when a method rounds to multiples of 8


class Pictures(NamedTuple):
    """A painting, its content at the same size, and its style; `note` warns of a different aspect."""

    painting: Picture
    content: Picture
    style: Picture
    note: str = ""


class PictureReader:
    """Reads pairs; caches the last contents and styles, which several paintings may share.

    Args:
      size: Long side of paintings in pixels; styles are reduced to it, but never enlarged or stretched.
      max_pixels: Refuse larger pictures.
    """

    def __init__(self, size: int, max_pixels: int) -> None:
        self._size, self._max_pixels = size, max_pixels
        self._content = functools.lru_cache(_KEPT)(self._read_content)
        self._style = functools.lru_cache(_KEPT)(self._read_style)

    def read(self, pair: Pair) -> Pictures:
        """The pictures of a pair.

        Raises:
          ImageError: One of the pictures cannot be used.
        """
        painting = self._resized(pair.painting, self._size)
        content, own = self._content(pair.content, painting.size)
        return Pictures(painting, content, self._style(pair.style), _note(pair, painting.size, own))

    def try_each(self, pairs: list[Pair]) -> Iterator[tuple[Pair, Pictures | ImageError]]:
        """Yields each pair's pictures, or why they cannot be used; pairs with a missing file come first."""
        for pair in sorted(pairs, key=_exists):
            try:
                pictures: Pictures | ImageError = self.read(pair)
            except ImageError as error:
                pictures = error
            yield pair, pictures

    def _read_content(self, path: str, size: tuple[int, int]) -> tuple[Picture, tuple[int, int]]:
        content = images.read_image(path, max_pixels=self._max_pixels)
        return images.resize(content, size), content.size

    def _read_style(self, path: str) -> Picture:
        return self._resized(path, self._size, enlarge=False)

    def _resized(self, path: str, long_side: int, *, enlarge: bool = True) -> Picture:
        picture = images.read_image(path, max_pixels=self._max_pixels)
        height, width = images.fit_size(picture.size, long_side if enlarge else min(long_side, max(picture.size)))
        came = f"'{path}' would be {width} x {height} pixels at --size={long_side}"
        if min(height, width) < images.MIN_SIDE:
            raise ImageError(f"{came}, but each side must have at least {images.MIN_SIDE}; raise --size.")
        if height * width > self._max_pixels:
            raise ImageError(f"{came}, above --max_pixels={self._max_pixels}; lower --size or raise --max_pixels.")
        return images.resize(picture, (height, width))


def _exists(pair: Pair) -> bool:
    return all(Path(name).is_file() for name in pair)


def _note(pair: Pair, painting: tuple[int, int], content: tuple[int, int]) -> str:
    ratio = (painting[1] * content[0]) / (painting[0] * content[1])
    if max(ratio, 1.0 / ratio) <= 1.0 + _SAME_SHAPE:
        return ""
    return f"{pair.painting} has another aspect than {pair.content}, so the content was stretched to compare them."

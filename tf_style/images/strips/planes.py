"""Raw pictures on the disk, of which only the parts in use are in memory."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tf_style.images.picture import WriteError, one_line

if TYPE_CHECKING:
    import pyvips

#: The filters with which `resized` makes no rings beside edges: for enlarging, and for reducing.
LINEAR = ("bilinear", "linear")

_KINDS = {"float32": "float", "uint8": "uchar", "uint16": "ushort"}  # NumPy's names and libvips's


@dataclasses.dataclass(frozen=True)
class Plane:
    """A raw picture in a file, row by row; each access maps only what it needs.

    Args:
      path: The file.
      size: (height, width).
      channels: Values per pixel.
      dtype: Type of a value.
    """

    path: Path
    size: tuple[int, int]
    channels: int = 3
    dtype: str = "float32"

    def create(self) -> Plane:
        """Creates the file, filled with zeros."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(self.path, "wb") as file:
                if hasattr(os, "posix_fallocate"):  # a full disk fails here, not with a signal later
                    os.posix_fallocate(file.fileno(), 0, self.num_bytes)
                else:
                    file.truncate(self.num_bytes)
        except OSError as error:
            raise _no_room(self, error) from None
        return self

    @property
    def num_bytes(self) -> int:
        """The size of the file in bytes."""
        return self.size[0] * self.size[1] * self.channels * np.dtype(self.dtype).itemsize

    def read(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        """Copies some rows and columns, [h, w, C]."""
        return np.array(self._rows(top, bottom, "r")[:, left:right])

    def write(self, top: int, left: int, values: np.ndarray) -> None:
        """Replaces some rows and columns with [h, w, C]."""
        height, width = values.shape[:2]
        rows = self._rows(top, top + height, "r+")
        rows[:, left : left + width] = values

    def add(self, top: int, left: int, values: np.ndarray) -> None:
        """Adds [h, w, C] to some rows and columns."""
        height, width = values.shape[:2]
        rows = self._rows(top, top + height, "r+")
        rows[:, left : left + width] += values

    def strips(self, pixels: int = 2_000_000) -> Iterator[tuple[int, int]]:
        """Yields (top, bottom) of strips of about `pixels` pixels."""
        step = max(1, pixels // self.size[1])
        for top in range(0, self.size[0], step):
            yield top, min(top + step, self.size[0])

    def _rows(self, top: int, bottom: int, mode: Any) -> np.memmap:
        itemsize = np.dtype(self.dtype).itemsize
        row = self.size[1] * self.channels * itemsize
        shape = (bottom - top, self.size[1], self.channels)
        return np.memmap(self.path, self.dtype, mode, top * row, shape)

    def as_vips(self) -> pyvips.Image:
        """The plane as an image of libvips, which reads it on demand."""
        height, width = self.size
        return vips().Image.rawload(str(self.path), width, height, self.channels, format=_KINDS[self.dtype])


def remove_planes(*planes: Plane) -> None:
    """Deletes the planes' files, if they exist."""
    for plane in planes:
        with suppress(FileNotFoundError):
            plane.path.unlink()


def resized(
    image: pyvips.Image, size: tuple[int, int], interpolation: str = "bicubic", kernel: str = "lanczos3"
) -> pyvips.Image:
    """Resizes an image, antialiased, and keeps the pixels' centres aligned.

    Args:
      image: An image of any size.
      size: (height, width).
      interpolation: How to enlarge.
      kernel: How to reduce.
    """
    height, width = size
    across, down = width / image.width, height / image.height
    if (across, down) == (1.0, 1.0):
        return image
    if across < 1.0 or down < 1.0:
        image = image.resize(min(across, 1.0), vscale=min(down, 1.0), kernel=kernel)
        across, down = width / image.width, height / image.height
        if (across, down) == (1.0, 1.0):
            return image
    return image.affine(
        (across, 0, 0, down),
        interpolate=vips().Interpolate.new(interpolation),
        oarea=[0, 0, width, height],
        odx=0.5 * across - 0.5,
        ody=0.5 * down - 0.5,
        extend="copy",
    )


def save_plane(image: pyvips.Image, target: Plane) -> None:
    """Computes an image of libvips into a plane, piece by piece."""
    target.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        image.cast(_KINDS[target.dtype]).rawsave(str(target.path))
    except vips().Error as error:
        if target.path.exists() and shutil.disk_usage(target.path.parent).free < target.num_bytes:
            raise _no_room(target, error) from None
        raise  # the error is about the file being read


def _no_room(plane: Plane, error: object) -> WriteError:
    return WriteError(
        f"'{plane.path}' cannot be written ({one_line(error)}): it takes {plane.num_bytes / 1e9:.1f} GB; free disk "
        "space, or give a --checkpoint_dir on another disk"
    )


def vips() -> Any:
    """pyvips, imported when first needed."""
    import pyvips

    pyvips.cache_set_max(0)  # its cache would mistake a rewritten file for the old one
    return pyvips

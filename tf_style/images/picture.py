"""A picture in memory, and the errors of this package."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
FloatArray: TypeAlias = npt.NDArray[np.float32]

DEFAULT_MAX_PIXELS = 100_000_000  # about 1.2 GB as float32 RGB
MIN_SIDE = 32  # pixels; VGG halves a picture five times before its last layer


class ImageError(ValueError):
    """A picture, file or array was refused; the message is one sentence on one line, for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message.replace("\n", "\\n").replace("\r", "\\r"))  # a path may hold them


class WriteError(ImageError):
    """A file could not be written although its name was fine, for example because the disk is full."""


class PictureWarning(UserWarning):
    """Something about a picture that the user may not expect; the message is one sentence on one line."""

    def __init__(self, message: str) -> None:
        super().__init__(message.replace("\n", "\\n").replace("\r", "\\r"))


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory, upright and in sRGB.

    Attributes:
      pixels: float32 [H, W, 3], sRGB (gamma-encoded, not linear light) in [0, 1], not premultiplied by alpha.
      alpha: float32 [H, W] in [0, 1], 0 is transparent; None if the source has no transparency.
      bit_depth: 8 or 16, the bits per sample in the source file; anything finer than 8 bits counts as 16.
      dpi: pixels per inch, horizontally and vertically; None if the source does not say.

    Example:
      picture = read_image("photo.jpg")
      height, width = picture.size
    """

    pixels: FloatArray
    alpha: FloatArray | None = None
    bit_depth: int = 8
    dpi: tuple[float, float] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        height, width = self.pixels.shape[:2]
        return height, width


def one_line(text: object, limit: int = 120) -> str:
    """Puts another library's error text on one line, cut to `limit` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."

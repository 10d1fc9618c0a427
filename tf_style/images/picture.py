"""What a picture is in memory, and the one error of this package."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
FloatArray: TypeAlias = npt.NDArray[np.float32]

DEFAULT_MAX_PIXELS = 100_000_000  # about 1.2 GB as float32 RGB
MIN_SIDE = 32  # pixels; VGG halves a picture five times before its last layer


class ImageError(ValueError):
    """A picture, a file or an array was refused; the message is one sentence, on one line, meant for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message.replace("\n", "\\n").replace("\r", "\\r"))  # a path may hold them


class WriteError(ImageError):
    """A file that could not be written, though its name was fine: a full disk, say."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory, upright and in sRGB.

    Attributes:
      pixels: float32 [H, W, 3], sRGB (gamma-encoded, not linear light) in [0, 1], not premultiplied by alpha.
      alpha: float32 [H, W] in [0, 1], 0 is transparent; None where the source has no transparency.
      bit_depth: 8 or 16, what the source file held for each sample; anything finer than 8 bits counts as 16.
      dpi: pixels per inch, horizontally and vertically, where the source says; None elsewhere.

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
    """A foreign error text on one line, cut to `limit` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."

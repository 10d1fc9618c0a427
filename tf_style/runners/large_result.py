"""From a painting on the disk to a picture file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tf_style import images
from tf_style.config import StylizeFiles
from tf_style.images.planes import Plane, remove_planes
from tf_style.images.streams import decode_to_plane, encode_plane, holds_alpha
from tf_style.runners.large_inputs import LargeInputs

Rows = tuple[int, int, int, int]  # top, left, bottom, right


def write_result(
    files: StylizeFiles,
    inputs: LargeInputs,
    painting: Plane,
    finish: Callable[[np.ndarray, np.ndarray, Rows], np.ndarray],
) -> None:
    """Writes the output with the content's alpha, RGB profile and pixels per inch.

    Args:
      files: Where to, and how.
      inputs: The content and the size.
      painting: At that size, not yet finished; files beside it are used on the way.
      finish: (rows of the painting, those of the content, which ones) -> rows as they are shown.
    """
    size, folder = inputs.size, painting.path.parent
    content = Plane(folder / "result_content.f32", size)
    alpha = Plane(folder / "result_alpha.f32", size, channels=1)
    source = decode_to_plane(inputs.content, content, alpha)
    keeps = source.has_alpha and holds_alpha(files.output)
    deep = files.bit_depth == 16
    levels = Plane(folder / "result.raw", size, 4 if keeps else 3, "uint16" if deep else "uint8").create()
    for top, bottom in levels.strips():
        rows = (top, 0, bottom, size[1])
        pixels = finish(painting.read(*rows), content.read(*rows), rows)
        if source.has_alpha:
            opacity = alpha.read(*rows)
            pixels = np.concatenate([pixels, opacity], -1) if keeps else pixels * opacity + 1.0 - opacity
        levels.write(top, 0, images.to_uint16(pixels) if deep else images.to_uint8(pixels))
    encode_plane(files.output, levels, profile=source.profile, dpi=source.dpi, quality=files.quality)
    remove_planes(content, alpha, levels)

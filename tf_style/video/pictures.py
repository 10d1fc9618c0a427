"""Films whose frames are numbered pictures: a folder of them, or a pattern of names such as frames/%05d.png."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from tf_style import images
from tf_style.video.errors import VideoError, VideoWarning, load_av
from tf_style.video.info import VideoInfo

_PLACE = re.compile(r"%(?:0\d+)?d")  # of the number, in a pattern of names
_NUMBER = re.compile(r"(\d+)\D*$")  # the last one in a name
RATE = Fraction(25)  # frames a second, as FFmpeg takes them
SRGB = (1, 1, 1, 1)  # written as BT.709 in limited range; FFmpeg's numbers


def is_pattern(path: str | Path) -> bool:
    """Whether a path is a pattern of names, such as frames/%05d.png."""
    return bool(_PLACE.search(Path(path).name)) and not Path(path).exists()


def number_by(pattern: str | Path, path: str | Path) -> int | None:
    """The number of a file by a pattern of names; None: it has another name, or lies in another folder."""
    pattern, path = Path(pattern), Path(path)
    before, *rest = _PLACE.split(pattern.name)
    if len(rest) != 1 or pattern.parent.resolve() != path.parent.resolve():
        return None
    found = re.fullmatch(f"{re.escape(before)}(\\d+){re.escape(rest[0])}", path.name)
    number = int(found[1]) if found else None
    return number if number is not None and pattern.name % number == path.name else None


def describe(path: str, *, fps: Fraction = Fraction(0)) -> VideoInfo:
    """Finds numbered pictures, and reads their headers.

    Args:
      path: A folder, or a pattern of names.
      fps: How many are shown a second; 0: 25.

    Raises:
      ImageError, VideoError: There are none, one has no number, two have the same, or the sizes differ.
    """
    pictures = _by_pattern(path) if is_pattern(path) else _in_folder(path)
    first = images.read_visible(pictures[0][1], min_side=1)
    for _, name in pictures:
        size = images.read_size(name)
        if size not in (None, first.size):
            raise VideoError(
                f"'{name}' has {size[1]}x{size[0]} pixels, but '{pictures[0][1]}' has {first.size[1]}x{first.size[0]}; "
                "frames must have one size."
            )
    rate = fps or RATE
    return VideoInfo(
        path=path,
        width=first.size[1],
        height=first.size[0],
        rate=rate,
        time_base=1 / rate,
        start=0,
        num_frames=len(pictures),
        seconds=float(len(pictures) / rate),
        rotation=0,
        bits=first.bit_depth,
        pixel_aspect=Fraction(1),
        tags=SRGB,
        rgb=True,
        kind="pictures",
        pictures=pictures,
        last=1 / rate,
    )


def _in_folder(folder: str) -> tuple[tuple[int, str], ...]:
    files = [
        path
        for path in Path(folder).iterdir()
        if path.suffix.lower() in images.READABLE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not files:
        raise VideoError(f"The folder '{folder}' holds no pictures; give one with numbered pictures, or a film.")
    found: dict[int, str] = {}
    for path in sorted(files):
        number = _NUMBER.search(path.stem)
        if number is None:
            raise VideoError(f"'{path}' has no number in its name, so it has no place; rename it, or move it away.")
        other = found.setdefault(int(number[1]), str(path))
        if other != str(path):
            raise VideoError(
                f"'{other}' and '{path}' have the same number; choose with a pattern, such as "
                f"--content={path.with_name('frame_%05d.png')}."
            )
    return tuple(sorted(found.items()))


def _by_pattern(pattern: str) -> tuple[tuple[int, str], ...]:
    folder = Path(pattern).parent
    files = list(folder.iterdir()) if folder.is_dir() else []
    numbers = {number: str(path) for path in files if (number := number_by(pattern, path)) is not None}
    if not numbers:
        example = folder / (Path(pattern).name % 1)
        raise VideoError(f"No file has a name as in '{pattern}', such as '{example}'; check the folder and the names.")
    return tuple(sorted(numbers.items()))


def decoded(info: VideoInfo, first: int) -> Iterator[Any]:
    """All pictures from a time on, as FFmpeg's frames; damaged ones are left out.

    Warns:
      VideoWarning: Some are damaged.

    Raises:
      VideoError: One has another size than its header says.
    """
    frame_of = load_av().VideoFrame.from_ndarray
    damaged: list[str] = []
    for time, (_, path) in enumerate(info.pictures):
        if time < first:
            continue
        try:
            picture = images.read_visible(path, min_side=1)
        except images.ImageError as error:
            damaged.append(str(error))
            continue
        if picture.size != (info.height, info.width):
            raise VideoError(f"'{path}' has another size than the first picture; frames must have one size.")
        if info.bits > 8:
            frame = frame_of(images.to_uint16(picture.pixels), format="rgb48le")
        else:
            frame = frame_of(images.to_uint8(picture.pixels), format="rgb24")
        frame.pts = time
        yield frame
    if damaged:
        warnings.warn(
            f"{len(damaged)} of the pictures of '{info.path}' cannot be read and are left out: {damaged[0]}.",
            VideoWarning,
            stacklevel=2,
        )


class PictureWriter:
    """Writes frames as numbered pictures, each whole or not at all, in as many bits as the source if the format can.

    Args:
      pattern: The names, such as frames/%05d.png.
      info: The source; of numbered pictures, the numbers are kept.
      begin: How many frames were written before.
    """

    def __init__(self, pattern: str | Path, info: VideoInfo, begin: int) -> None:
        self._pattern, self._info, self._written = Path(pattern), info, begin
        self._bits = 16 if info.bits > 8 and can_be_deep(pattern) else 8

    def add(self, pixels: Any, time: int) -> None:
        """Writes a frame: RGB, uint8 or uint16 [H, W, 3], at a time in the source's `time_base`."""
        self._written += 1
        number = self._info.pictures[time][0] if self._info.pictures else self._written
        path = self._pattern.with_name(self._pattern.name % number)
        images.write_image(path, images.to_float(pixels), bit_depth=self._bits)

    def __enter__(self) -> PictureWriter:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def can_be_deep(path: str | Path) -> bool:
    """Whether pictures of this suffix can have 16 bits."""
    try:
        images.check_output_path(path, bit_depth=16)
    except images.ImageError:
        return False
    return True

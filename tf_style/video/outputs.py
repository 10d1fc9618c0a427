"""What a painted film can be written as: a film, an animation, or numbered pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tf_style import images
from tf_style.video.animations import ANIMATIONS, check_animation, write_animation
from tf_style.video.errors import VideoError
from tf_style.video.info import VideoInfo
from tf_style.video.joining import Part, join
from tf_style.video.pictures import PictureWriter, is_pattern, number_by
from tf_style.video.writing import CONTAINERS, LOSSLESS, Encoding, VideoWriter, choose_encoding


class FrameWriter(Protocol):
    """Writes a part; a context."""

    def add(self, pixels: np.ndarray, time: int) -> None:
        """Adds a frame: RGB, uint8 or uint16 [H, W, 3], at a time in the source's `time_base`."""

    def __enter__(self) -> FrameWriter: ...

    def __exit__(self, *error: Any) -> None: ...


class FilmOutput:
    """A film. Its frames are stored as the source's are, even if players turn them, and have even sides.

    Args:
      path: The file.
      encoding: From `choose_encoding`.
    """

    is_film = True

    def __init__(self, path: str, encoding: Encoding) -> None:
        self.path, self.encoding = path, encoding

    def check(self, info: VideoInfo, size: tuple[int, int], num_frames: int) -> None:
        """Raises VideoError if it cannot hold so many frames of the size (height, width)."""

    def writer(self, part: Path, info: VideoInfo, size: tuple[int, int], begin: int) -> FrameWriter:
        """Writes a part of frames of the size (height, width) that begins after so many frames."""
        return VideoWriter(part, info, self.encoding, size)

    def join(self, parts: Sequence[Part], info: VideoInfo, *, start: float, end: float, sound: str = "") -> None:
        """Writes the output of its parts, with the sound of the source, or of the file `sound`."""
        join(parts, info, self.path, start=start, end=end, sound=sound)


class AnimationOutput(FilmOutput):
    """An animated GIF, WebP or PNG: upright frames, without sound. Its parts are stored without loss."""

    is_film = False

    def check(self, info: VideoInfo, size: tuple[int, int], num_frames: int) -> None:
        """Raises VideoError if it cannot hold so many frames of the size (height, width)."""
        check_animation(self.path, info, size, num_frames)

    def writer(self, part: Path, info: VideoInfo, size: tuple[int, int], begin: int) -> FrameWriter:
        """Writes a part of frames of the size (height, width) that begins after so many frames."""
        return VideoWriter(part, info, LOSSLESS, size)

    def join(self, parts: Sequence[Part], info: VideoInfo, *, start: float, end: float, sound: str = "") -> None:
        """Writes the output of its parts."""
        write_animation(parts, info, self.path, end=end)


class PicturesOutput(FilmOutput):
    """Numbered pictures: upright frames, without sound. They are written as they come; parts are empty."""

    is_film = False

    def check(self, info: VideoInfo, size: tuple[int, int], num_frames: int) -> None:
        """Raises VideoError if pictures of the source would be overwritten."""
        folder = Path(self.path).parent.resolve()
        if info.kind == "pictures" and Path(info.path).resolve() == folder:
            raise VideoError(
                f"--output={self.path} would mix with the pictures of --content={info.path}; choose another folder."
            )
        for path in info.files:
            if number_by(self.path, path) is not None:
                raise VideoError(f"--output={self.path} would overwrite '{path}'; choose another folder or name.")

    def writer(self, part: Path, info: VideoInfo, size: tuple[int, int], begin: int) -> FrameWriter:
        """Writes a part of frames that begins after so many frames."""
        return PictureWriter(self.path, info, begin)

    def join(self, parts: Sequence[Part], info: VideoInfo, *, start: float, end: float, sound: str = "") -> None:
        """They are there."""


def choose_output(path: str, codec: str = "auto", crf: int = -1) -> FilmOutput:
    """What to write a painted film as.

    Args:
      path: A file, whose suffix decides, or a pattern of names such as frames/%05d.png.
      codec: One of `CODECS`, or "auto".
      crf: The quality; -1: the codec's default.

    Raises:
      ImageError, VideoError: There is no such output, or the codec or quality does not fit.
    """
    suffix = Path(path).suffix.lower()
    if not is_pattern(path) and suffix in CONTAINERS:
        return FilmOutput(path, choose_encoding(path, codec, crf))
    if is_pattern(path):
        images.check_output_path(Path(path).with_name(Path(path).name % 1))
        kind: type[FilmOutput] = PicturesOutput
    elif suffix in ANIMATIONS:
        kind = AnimationOutput
    else:
        raise VideoError(
            f"--output={path} must end in {', '.join((*CONTAINERS, *ANIMATIONS))}, or be numbered pictures such as "
            f"{Path(path).parent / 'frames' / '%05d.png'}; choose one of them."
        )
    if codec != "auto" or crf >= 0:
        raise VideoError(
            f"--codec and --crf are for {', '.join(CONTAINERS)}, but --output={path} is none of them; leave them out."
        )
    return kind(path, Encoding(suffix.removeprefix("."), None))

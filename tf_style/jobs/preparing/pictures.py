"""Makes pictures ready for training: finds, checks, reduces and encodes them."""

from __future__ import annotations

import itertools
import mimetypes
import os
import random
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tf_style import images
from tf_style.config import PrepareConfig
from tf_style.jobs.preparing.shards import RECORD_SUFFIXES

_MIN_SIDE = 64  # pixels
_MAX_THREADS = 4  # each may hold a picture of --max_pixels, at 12 bytes a pixel or more


class Prepared(NamedTuple):
    """A picture for training, as a JPEG file with its (height, width), or the reason it is left out."""

    name: str
    image: bytes = b""
    size: tuple[int, int] = (0, 0)
    refusal: str = ""


def shuffled_pictures(source: Path, seed: int) -> list[str]:
    """Relative paths of the files below a folder that may be pictures, by their names; hidden files are skipped."""
    kinds = mimetypes.MimeTypes()  # Python's own table, the same everywhere

    def may_be_picture(path: Path) -> bool:
        kind = kinds.guess_type(path.name)[0]
        return (kind is None or kind.startswith("image/")) and path.suffix.lower() not in RECORD_SUFFIXES

    files = (path for path in source.rglob("*") if path.is_file() and may_be_picture(path))
    names = sorted(path.relative_to(source).as_posix() for path in files)
    names = [name for name in names if not any(part.startswith(".") for part in name.split("/"))]
    random.Random(seed).shuffle(names)
    return names


def prepare_pictures(source: Path, names: list[str], config: PrepareConfig) -> Iterator[Prepared]:
    """Prepares pictures, a few at a time; yields them in order. Arguments as for `prepare_picture`."""
    threads = min(_MAX_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[Prepared]] = deque()
    try:
        rest = iter(names)
        for name in itertools.islice(rest, 2 * threads):
            waiting.append(pool.submit(prepare_picture, source, name, config))
        while waiting:
            yield waiting.popleft().result()
            for name in itertools.islice(rest, 1):
                waiting.append(pool.submit(prepare_picture, source, name, config))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def prepare_picture(source: Path, name: str, config: PrepareConfig) -> Prepared:
    """Reads a picture, reduces it to the configured short side (never enlarges it), lays it on white and encodes it.

    Args:
      source: The folder.
      name: The file's path in it.
      config: Short side, quality and limits.
    """
    try:
        picture = images.read_image(source / name, max_pixels=config.max_pixels, min_side=_MIN_SIDE)
        short = min(picture.size)
        if short > config.short_side:
            height, width = ((2 * side * config.short_side + short) // (2 * short) for side in picture.size)
            picture = images.resize(picture, (height, width))
        pixels = picture.pixels
        if picture.alpha is not None:
            pixels = pixels * picture.alpha[..., None] + (1.0 - picture.alpha[..., None])
        return Prepared(name, images.encode_jpeg(images.to_uint8(pixels), quality=config.quality), picture.size)
    except images.ImageError as error:
        return Prepared(name, refusal=str(error))
    except MemoryError:
        return Prepared(name, refusal=f"'{source / name}' does not fit in memory; shrink it, or lower --max_pixels")

"""What can go wrong with a film."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from tf_style.images import WriteError


class VideoError(ValueError):
    """A film that cannot be read or written; the message says why and what to do."""


class VideoWarning(UserWarning):
    """Something about a film that the user should know."""


def load_av() -> ModuleType:
    """PyAV.

    Raises:
      VideoError: It is not installed.
    """
    try:
        import av
    except ImportError:
        raise VideoError("Films need PyAV, which is not installed; run pip install 'tf-style[video]'.") from None
    av.logging.set_level(None)  # its errors come as exceptions; the rest is chatter
    return av


@contextlib.contextmanager
def refusals(path: str | Path) -> Iterator[None]:
    """Turns what the disk says while a file is written into one sentence.

    Raises:
      WriteError: The disk refuses.
    """
    try:
        yield
    except (load_av().error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WriteError(f"'{path}' cannot be written ({reason}); check the disk and the folder.") from None

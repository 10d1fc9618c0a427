"""What can go wrong with a film."""

from __future__ import annotations

from types import ModuleType


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

"""Keeps two runs from going on from the same folder at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tf_style.config import ConfigError

_LOCK = ".tf_style.lock"


@contextlib.contextmanager
def reserved(option: str, folder: str) -> Iterator[None]:
    """Reserves the folder of a run's state while the block runs; a process that is killed gives it free.

    Args:
      option: The option that names the folder.
      folder: The folder; it is created if it is missing. Empty: nothing is reserved.

    Raises:
      ConfigError: Another run uses the folder.
    """
    if not folder:
        yield
        return
    place = Path(folder)
    is_new = not place.exists()
    place.mkdir(parents=True, exist_ok=True)
    with open(place / _LOCK, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            gone = os.fstat(file.fileno()).st_nlink == 0  # another run removed it just now
        except BlockingIOError:
            gone = True
        except OSError:  # some network disks have no locks
            gone = False
        if gone:
            raise ConfigError(
                f"--{option}={folder} is in use by another run; wait until that ends, or give another folder."
            )
        try:
            yield
        finally:
            (place / _LOCK).unlink(missing_ok=True)
            if is_new:
                with contextlib.suppress(OSError):  # it holds the state of the run
                    place.rmdir()

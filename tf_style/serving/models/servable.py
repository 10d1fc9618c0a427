"""One loaded version of a model, and the requests that run on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tf_style.serving.models.session import Session
from tf_style.serving.models.warm_up import warm_up


class Loading(NamedTuple):
    """How to load versions."""

    tags: tuple[str, ...] = ("serve",)
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    gpu_memory_fraction: float = 0.0
    warm_up_iterations: int = 1  # 0: no warm-up


class Servable:
    """A version that answers requests until it is closed."""

    def __init__(self, name: str, version: int, session: Session) -> None:
        self.name = name
        self.version = version
        self.session = session
        self._users = 0
        self._changed = threading.Condition()

    @contextmanager
    def in_use(self) -> Iterator[Servable]:
        """Keeps the version from being closed."""
        with self._changed:
            self._users += 1
        try:
            yield self
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Waits until the last request is answered, then frees the model."""
        with self._changed:
            self._changed.wait_for(lambda: not self._users)
        self.session.close()


Loader = Callable[[str, int, str], Servable]


def load_servable(name: str, version: int, path: str, loading: Loading) -> Servable:
    """Loads a version and runs its warm-up requests.

    Args:
      name: The model's name.
      version: Its number.
      path: The folder of the SavedModel.
      loading: How to load it.

    Raises:
      ServingError: It cannot be loaded, or a warm-up request failed.
    """
    session = Session.load(
        path,
        loading.tags,
        intra_op_threads=loading.intra_op_threads,
        inter_op_threads=loading.inter_op_threads,
        gpu_memory_fraction=loading.gpu_memory_fraction,
    )
    try:
        if loading.warm_up_iterations:
            warm_up(session, Path(path), loading.warm_up_iterations)
    except BaseException:
        session.close()
        raise
    return Servable(name, version, session)

"""One model: the versions wanted, the versions that serve, and the thread that loads and unloads them."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from tf_style.serving.models.servable import Loader, Servable
from tf_style.serving.wire.status import Code, ServingError

_TURN_SECONDS = 0.5


class State(enum.IntEnum):
    """State of a version, with TensorFlow Serving's numbers."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class VersionStatus(NamedTuple):
    """State of a version; `error` says why it could not be loaded."""

    state: State
    error: ServingError | None = None


class Retries(NamedTuple):
    """How often to retry a failed load, and the seconds between."""

    tries: int
    seconds: float


class Model:
    """A model under one name. A new version serves before an old one goes. If the new one fails, the old one stays.

    Args:
      name: The model's name.
      load: Loads a version.
      retries: For failed loads.
      report: Called with a line for each version that is loading, available, failed or unloaded.
    """

    def __init__(self, name: str, load: Loader, retries: Retries, report: Callable[[str], None]) -> None:
        self.name = name
        self._load, self._retries, self._report = load, retries, report
        self._changed = threading.Condition()
        self._aspired: dict[int, str] = {}
        self._servables: dict[int, Servable] = {}
        self._states: dict[int, VersionStatus] = {}
        self._failed: set[int] = set()
        self._stopping = False
        self._worker = threading.Thread(target=self._work, name=f"model-{name}", daemon=True)
        self._worker.start()

    def aspire(self, versions: Mapping[int, str]) -> None:
        """Sets the versions that should serve (number -> folder). The thread loads and unloads in the background."""
        with self._changed:
            for version in versions.keys() - self._aspired.keys() - self._servables.keys():
                self._states[version] = VersionStatus(State.START)
            self._aspired = dict(versions)
            self._failed &= versions.keys()  # a version that was gone is tried again
            self._changed.notify_all()

    @contextmanager
    def acquire(self, version: int | None) -> Iterator[Servable]:
        """Keeps an available version loaded for one request; None takes the highest.

        Raises:
          ServingError: NOT_FOUND.
        """
        with ExitStack() as stack:
            with self._changed:
                number = max(self._servables, default=None) if version is None else version
                if number is None or number not in self._servables:
                    raise not_found(self.name, version)
                servable = stack.enter_context(self._servables[number].in_use())
            yield servable

    def statuses(self) -> dict[int, VersionStatus]:
        """Every version ever wanted, the highest first."""
        with self._changed:
            return dict(sorted(self._states.items(), reverse=True))

    def wait(self) -> bool:
        """Waits until a version is available (True), or all have failed or the model has stopped (False)."""
        with self._changed:
            # With timeouts, so that the main thread sees a signal that another thread took.
            while not self._changed.wait_for(self._is_decided, timeout=_TURN_SECONDS):
                pass
            return bool(self._servables)

    def stop(self) -> None:
        """Ends the thread, and frees each version after its last request."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._worker.join()
        for version in list(self._servables):
            self._unload(version)

    def _is_decided(self) -> bool:
        has_failed = bool(self._aspired) and self._failed >= self._aspired.keys()
        return bool(self._servables) or self._stopping or has_failed

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._next() is not None)
                step = self._next()
                if self._stopping or step is None:
                    return
            step()

    def _next(self) -> Callable[[], None] | None:
        """The next step. An old version goes once a wanted one serves, or when none is wanted."""
        serving, aspired = self._servables.keys(), self._aspired.keys()
        old, new = serving - aspired, aspired - serving - self._failed
        if old and (not aspired or serving & aspired):
            return lambda: self._unload(min(old))
        if new:
            return lambda: self._try_to_load(max(new))
        return None

    def _try_to_load(self, version: int) -> None:
        path = self._aspired.get(version, "")
        self._set(version, State.LOADING)
        for attempt in range(self._retries.tries + 1):
            self._report(f"Loading version {version} of model {self.name} from {path}.")
            error = self._load_once(version, path)
            if error is None:
                return
            again = attempt < self._retries.tries and version in self._aspired and not self._stopping
            hint = f" Next try in {self._retries.seconds:g} s." if again else ""
            self._report(f"Version {version} of model {self.name} could not be loaded: {error}.{hint}")
            if not again:
                break
            with self._changed:
                self._changed.wait_for(
                    lambda: self._stopping or version not in self._aspired, timeout=self._retries.seconds
                )
        with self._changed:
            self._failed.add(version)
        self._set(version, State.END, error)

    def _load_once(self, version: int, path: str) -> ServingError | None:
        try:
            servable = self._load(self.name, version, path)
        except ServingError as error:
            return error
        except Exception as error:  # whatever is wrong with one version, the server goes on with the others
            return ServingError(Code.INTERNAL, f"{type(error).__name__}: {error}")
        self._report(f"Version {version} of model {self.name} is available.")
        with self._changed:
            self._servables[version] = servable
        self._set(version, State.AVAILABLE)
        return None

    def _unload(self, version: int) -> None:
        self._set(version, State.UNLOADING)
        with self._changed:
            servable = self._servables.pop(version)
        servable.close()
        self._set(version, State.END)
        self._report(f"Version {version} of model {self.name} is unloaded.")

    def _set(self, version: int, state: State, error: ServingError | None = None) -> None:
        with self._changed:
            self._states[version] = VersionStatus(state, error)
            self._changed.notify_all()


def not_found(name: str, version: int | None) -> ServingError:
    """The error for a version that does not serve; None: the latest."""
    asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return ServingError(Code.NOT_FOUND, f"Servable not found for request: {asked}")

"""All models of a server, their configuration and version labels; it watches their folders."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from tensorflow_serving.apis import model_pb2
from tensorflow_serving.config import model_server_config_pb2

from tf_style.serving.models.config import check_models, platform_of
from tf_style.serving.models.model import Model, Retries, State, VersionStatus, not_found
from tf_style.serving.models.servable import Loader, Servable
from tf_style.serving.models.versions import aspired_versions
from tf_style.serving.wire.status import Code, ServingError, invalid

ModelServerConfig: TypeAlias = model_server_config_pb2.ModelServerConfig
ModelConfig: TypeAlias = model_server_config_pb2.ModelConfig
_SUPPORTED_PLATFORM = "tensorflow"


class Watching(NamedTuple):
    """How often to poll folders, how to retry loads, and whether labels may name versions not loaded yet."""

    poll_seconds: float = 1.0  # 0: once, negative: never
    retries: Retries = Retries(5, 60.0)
    labels_for_unavailable: bool = False


class ModelManager:
    """The configured models, each with its versions.

    Args:
      load: Loads a version.
      watching: How to poll folders and retry failures.
      report: Called with a line for each event.
    """

    def __init__(self, load: Loader, watching: Watching, report: Callable[[str], None]) -> None:
        self._load, self._watching, self._report = load, watching, report
        self._models: dict[str, Model] = {}  # removed ones too, because their versions stay listed
        self._config: dict[str, ModelConfig] = {}
        self._labels: dict[str, dict[str, int]] | None = None
        self._reloading, self._polling = threading.Lock(), threading.Lock()
        self._stopped = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="poll-versions", daemon=True)
        self._said: set[str] = set()

    def start(self, config: ModelServerConfig) -> None:
        """Loads the first models, starts to watch the folders, and waits until each model has an available version.

        Raises:
          ServingError: The configuration is not allowed, or models failed to load.
        """
        self._apply(config)
        if self._watching.poll_seconds > 0:
            self._poller.start()
            # A folder that is empty at first is waited for: the poller finds its versions.
        self._await(list(self._config), "servable")

    def reload(self, config: ModelServerConfig) -> None:
        """Replaces the configuration: unloads models that are not in it, and waits for new ones.

        Raises:
          ServingError: The configuration is not allowed, or new models failed to load.
        """
        with self._reloading:
            old = set(self._config)
            self._apply(config)
            self._await([name for name in self._config if name not in old], "model")

    @contextmanager
    def acquire(self, spec: model_pb2.ModelSpec) -> Iterator[Servable]:
        """Keeps the version that a request asks for loaded while the block runs.

        Raises:
          ServingError: The name is missing, the label unknown, or the version not available.
        """
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        choice = spec.WhichOneof("version_choice")
        version = None
        if choice == "version":
            version = spec.version.value
        elif choice == "version_label":
            version = self._version_of(spec.name, spec.version_label)
        model = self._models.get(spec.name)
        if model is None:
            raise not_found(spec.name, version)
        with model.acquire(version) as servable:
            yield servable

    def statuses(self, name: str) -> dict[int, VersionStatus]:
        """Every version of a model ever wanted, the highest first; empty for an unknown model."""
        model = self._models.get(name)
        return model.statuses() if model else {}

    def stop(self) -> None:
        """Ends the watch, and frees each version after its last request."""
        self._stopped.set()
        if self._poller.is_alive():
            self._poller.join()
        for model in list(self._models.values()):
            model.stop()

    def _apply(self, config: ModelServerConfig) -> None:
        new = check_models(config.model_config_list.config, self._config)
        labels = self._checked_labels(new)
        for name, settings in new.items():
            platform = platform_of(settings)
            if platform != _SUPPORTED_PLATFORM:
                raise invalid(f"Model {name} requests unsupported platform {platform}")
        with self._polling:
            self._labels = labels
            removed = self._config.keys() - new.keys()
            self._config = new
            for name in new.keys() - self._models.keys():
                self._models[name] = Model(name, self._load, self._watching.retries, self._report)
            for name in removed:
                self._models[name].aspire({})
        if self._watching.poll_seconds >= 0:
            self._poll_once()

    def _await(self, names: list[str], kind: str) -> None:
        failed = [name for name in names if not self._models[name].wait()]
        if not failed or self._stopped.is_set():
            return
        texts = []
        for name in failed:
            for version, status in sorted(self._models[name].statuses().items()):
                if status.state == State.END:
                    reason = f" due to error: {status.error}" if status.error else ""
                    texts.append(f"{{{{name: {name} version: {version}}}{reason}}}, ")
        raise ServingError(Code.UNKNOWN, f"{len(texts)} {kind}(s) did not become available: {{{''.join(texts)}}}")

    def _checked_labels(self, new: dict[str, ModelConfig]) -> dict[str, dict[str, int]]:
        for name, settings in new.items():
            statuses = self.statuses(name)
            for label, version in settings.version_labels.items():
                now = (self._labels or {}).get(name, {}).get(label, version)
                if self._watching.labels_for_unavailable and now == version:
                    continue
                if version not in statuses or statuses[version].state != State.AVAILABLE:
                    raise ServingError(
                        Code.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {name}, which is not currently "
                        "available for inference",
                    )
        return {name: dict(settings.version_labels) for name, settings in new.items()}

    def _version_of(self, name: str, label: str) -> int:
        if self._labels is None:
            raise ServingError(Code.UNAVAILABLE, f"Model labels does not init yet.{label}")
        version = self._labels.get(name, {}).get(label)
        if version is None:
            raise invalid(f"Unrecognized servable version label: {label}")
        return version

    def _poll(self) -> None:
        while not self._stopped.wait(self._watching.poll_seconds):
            self._poll_once()

    def _poll_once(self) -> None:
        """Reads all folders. If one cannot be read, nothing changes, as in TensorFlow Serving."""
        said: set[str] = set()
        with self._polling:
            try:
                found = {
                    name: aspired_versions(name, settings.base_path, settings.model_version_policy, said.add)
                    for name, settings in self._config.items()
                }
            except ServingError as error:
                said.add(f"The folders could not be polled: {error.message}")
                found = {}
            for name, versions in found.items():
                self._models[name].aspire(versions)
        for text in sorted(said - self._said):  # only what is new since the last poll
            self._report(text)
        self._said = said

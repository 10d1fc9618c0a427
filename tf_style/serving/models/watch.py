"""Reads the list of models from its file again every few seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from tensorflow_serving.config import model_server_config_pb2

from tf_style.config import ConfigError
from tf_style.serving.models.config import read_config
from tf_style.serving.wire.status import ServingError

ModelServerConfig: TypeAlias = model_server_config_pb2.ModelServerConfig


class ConfigWatch:
    """Applies the file at each turn. If that fails, the models stay as they are.

    Args:
      path: The file.
      seconds: Between two turns.
      apply: Called with each configuration.
      report: Called with the reason why a file cannot be applied, once per reason.
    """

    def __init__(
        self, path: str, seconds: float, apply: Callable[[ModelServerConfig], None], report: Callable[[str], None]
    ) -> None:
        self._path, self._seconds = path, seconds
        self._apply, self._report = apply, report
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="poll-config", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch."""
        self._stopped.set()

    def _watch(self) -> None:
        said = ""
        while not self._stopped.wait(self._seconds):
            problem = ""
            try:
                config = read_config(self._path, ModelServerConfig)
                if config.WhichOneof("config") == "model_config_list":
                    self._apply(config)
            except (ConfigError, ServingError) as error:
                problem = f"The models stay as they are: {error}"
            if problem and problem != said:
                self._report(problem)
            said = problem

"""The local server: its models and ports, and how it starts and stops.

A stand-in for TensorFlow Serving where there is no Docker, for development and tests.
"""

from __future__ import annotations

import concurrent.futures
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import grpc

from tf_style.config import ConfigError, ServeOptions
from tf_style.serving.models.config import read_config, single_model
from tf_style.serving.models.manager import ModelManager, ModelServerConfig, Watching
from tf_style.serving.models.model import Retries
from tf_style.serving.models.servable import Loading, Servable, load_servable
from tf_style.serving.models.watch import ConfigWatch
from tf_style.serving.server.calls import Calls
from tf_style.serving.server.grpc_services import add_services
from tf_style.serving.server.http import METRICS_PATH, HttpOptions, HttpServer
from tf_style.serving.server.metrics import Metrics
from tf_style.serving.server.rest import RestApi
from tf_style.serving.wire.messages import MonitoringConfig, SSLConfig
from tf_style.serving.wire.status import ServingError

Report = Callable[[str], None]
_MAX_MESSAGE = 2**31 - 1
_THREADS_A_CORE = 4
_SIGNAL_SECONDS = 0.2


class Server:
    """A server of models. Start and stop it once.

    Args:
      options: What to serve, and where.
      report: Called with a line for each event.

    Raises:
      ConfigError: A configuration file cannot be read.

    Example:
      server = Server(ServeOptions(model_base_path="models/starry", port=0, rest_api_port=-1), print)
      server.start()
      print(server.port, server.rest_api_port)
      server.stop()
    """

    def __init__(self, options: ServeOptions, report: Report) -> None:
        self._options, self._report = options, report
        self._config = _model_config(options)
        self._credentials = _credentials(options)
        self._metrics_path = _metrics_path(options)
        self._metrics = Metrics()
        seconds = max(options.load_retry_interval_micros, 0) / 1e6
        watching = Watching(
            options.file_system_poll_wait_seconds,
            Retries(options.max_num_load_retries, seconds),
            options.allow_version_labels_for_unavailable_models,
        )
        self._manager = ModelManager(self._load, watching, report)
        self._calls = Calls(
            self._manager,
            self._metrics,
            as_content=options.enable_serialization_as_tensor_content,
            check_method=options.enable_signature_method_name_check,
        )
        self._grpc: grpc.Server | None = None
        self._http: HttpServer | None = None
        self._watch: ConfigWatch | None = None
        #: The ports it listens on, once started; 0 for none.
        self.port = self.rest_api_port = 0

    def start(self) -> None:
        """Loads the models, then opens the ports.

        Raises:
          ServingError: The configuration is not allowed, or models do not load.
          OSError: A port is not available.
        """
        self._manager.start(self._config)
        self._open_grpc()
        if self._options.rest_api_port:
            self._open_http()
        if self._options.model_config_file and self._options.model_config_file_poll_wait_seconds:
            self._watch = ConfigWatch(
                self._options.model_config_file,
                self._options.model_config_file_poll_wait_seconds,
                self._manager.reload,
                self._report,
            )

    def stop(self) -> bool:
        """Takes no more requests, waits for running ones, and frees the models.

        Returns:
          Whether all requests were answered within the grace period.
        """
        deadline = time.monotonic() + self._options.grace_seconds
        if self._watch:
            self._watch.stop()
        stopped = self._grpc.stop(self._options.grace_seconds) if self._grpc else None
        answered = self._http.stop(self._options.grace_seconds) if self._http else True
        if stopped:
            stopped.wait()
        self._grpc = None
        answered = answered and time.monotonic() < deadline
        if answered:
            self._manager.stop()
        return answered

    def _load(self, name: str, version: int, path: str) -> Servable:
        options, start, ok = self._options, time.perf_counter(), False
        both = options.tensorflow_session_parallelism
        loading = Loading(
            options.saved_model_tags,
            options.tensorflow_intra_op_parallelism or both,
            options.tensorflow_inter_op_parallelism or both,
            options.per_process_gpu_memory_fraction,
            options.num_request_iterations_for_warmup if options.enable_model_warmup else 0,
        )
        try:
            servable = load_servable(name, version, path, loading)
            ok = True
            return servable
        finally:
            self._metrics.load(path, ok, time.perf_counter() - start)

    def _open_grpc(self) -> None:
        options = self._options
        arguments: list[tuple[str, int | str]] = [
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
            ("grpc.so_reuseport", 0),  # a second server on the same port is a mistake
        ]
        for argument in options.grpc_channel_arguments:
            name, _, value = argument.partition("=")
            arguments.append((name, int(value) if value.lstrip("-").isdigit() else value))
        pool = concurrent.futures.ThreadPoolExecutor(options.grpc_max_threads or _threads(), "grpc")
        self._grpc = grpc.server(pool, options=arguments)
        add_services(self._grpc, self._calls, health=options.enable_grpc_healthcheck_service)
        host = f"[{options.host}]" if ":" in options.host else options.host
        try:
            self.port = self._bind(f"{host}:{options.port}")
            if options.grpc_socket_path:
                self._bind(f"unix:{options.grpc_socket_path}")
        except RuntimeError:
            where = f"{host}:{options.port}"
            raise OSError(
                f"gRPC cannot listen on {where}: it is in use or not allowed; choose another --port."
            ) from None
        self._grpc.start()
        self._report(f"gRPC listens on {host}:{self.port}.")

    def _bind(self, address: str) -> int:
        assert self._grpc is not None
        if self._credentials:
            return self._grpc.add_secure_port(address, self._credentials)
        return self._grpc.add_insecure_port(address)

    def _open_http(self) -> None:
        options = self._options
        settings = HttpOptions(
            options.rest_api_num_threads or _threads(), options.rest_api_enable_cors_support, self._metrics_path
        )
        api = RestApi(self._calls, options.rest_api_timeout_in_ms)
        try:
            self._http = HttpServer((options.host, max(options.rest_api_port, 0)), api, self._metrics, settings)
        except OSError as error:
            where = f"{options.host}:{options.rest_api_port}"
            raise OSError(f"REST cannot listen on {where}: {error.strerror}; choose another --rest_api_port.") from None
        self._http.start()
        self.rest_api_port = self._http.port
        self._report(f"REST listens on http://{options.host}:{self.rest_api_port}/v1/models.")
        if self._metrics_path is not None:
            self._report(f"Metrics are at http://{options.host}:{self.rest_api_port}{self._metrics_path}.")


def serve(options: ServeOptions, report: Report) -> int:
    """Serves until SIGTERM or Ctrl-C, then finishes running requests. A second signal ends the process at once.

    Args:
      options: What to serve, and where.
      report: Called with a line for each event.

    Returns:
      The exit status: 0 after a stop, 1 if the server could not start or requests had to be cut off.

    Raises:
      ConfigError: A configuration file cannot be read.
    """
    server = Server(options, report)
    asked: list[int] = []
    started = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if not started:  # later an exception might be raised, and lost, in somebody's clean-up
            raise KeyboardInterrupt

    handlers = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    status = 0
    try:
        server.start()
        started = True
        while not asked:
            time.sleep(_SIGNAL_SECONDS)
        report("Stopping: finishing running requests.")
    except KeyboardInterrupt:
        report("Stopping.")
    except (ServingError, OSError) as error:
        report(f"Failed to start server. Error: {error}")
        status = 1
    for number in handlers:
        signal.signal(number, signal.SIG_DFL)
    if not server.stop():
        report(f"Some requests were still running after {options.grace_seconds:g} s and were cut off.")
        os._exit(1)  # the interpreter would wait for their threads
    for number, handler in handlers.items():
        signal.signal(number, handler)
    report("Stopped.")
    return status


def _threads() -> int:
    return _THREADS_A_CORE * (os.cpu_count() or 1)


def _model_config(options: ServeOptions) -> ModelServerConfig:
    if not options.model_config_file:
        # A relative path is a convenience of the command line; configuration files need absolute ones.
        return single_model(options.model_name, str(Path(options.model_base_path).absolute()))
    config = read_config(options.model_config_file, ModelServerConfig)
    if config.WhichOneof("config") == "custom_model_config":
        raise ConfigError(f"ModelServer does not yet support custom model config. (in {options.model_config_file})")
    return config


def _credentials(options: ServeOptions) -> grpc.ServerCredentials | None:
    if not options.ssl_config_file:
        return None
    config = read_config(options.ssl_config_file, SSLConfig)
    root = config.custom_ca.encode() or None
    if config.client_verify and root is None:
        raise ConfigError(f"client_verify needs custom_ca, the authority for clients. (in {options.ssl_config_file})")
    pair = (config.server_key.encode(), config.server_cert.encode())
    return grpc.ssl_server_credentials([pair], root, config.client_verify)


def _metrics_path(options: ServeOptions) -> str | None:
    if not options.monitoring_config_file:
        return None
    config = read_config(options.monitoring_config_file, MonitoringConfig).prometheus_config
    return (config.path or METRICS_PATH) if config.enable else None

"""The options of `tf-style serve` and `tf-style request`."""

from __future__ import annotations

import dataclasses
import re

from tf_style.config.options import ConfigError, Options, option, size_option
from tf_style.config.stylize import StylizeFiles

#: The name under which a server knows the model.
DEFAULT_MODEL_NAME = "tf_style"

_MAX_PORT = 65535
_SIGNATURES = ("stylize", "serving_default", "stylize_bytes", "stylize_encoded", "stylize_text")
_OF_FILES = ("stylize_bytes", "stylize_text")  # these take files, and no options


@dataclasses.dataclass(frozen=True)
class RequestOptions(Options):
    """The options of `tf-style request`.

    Raises:
      ConfigError: A value, or values together, that are not allowed.
    """

    content: str = option("", "the picture to paint", "files")
    style: tuple[str, ...] = option((), "the painting whose style to use; for networks for any style several", "files")
    style_name: str = option("", "instead of --style: a style the served network knows by name", "files")
    output: str = option("", "where to write the painting; its suffix sets the format", "files")
    quality: int = option(StylizeFiles.quality, "JPEG, WebP and AVIF quality, 1 to 100", "files", minimum=1)
    max_pixels: int = option(StylizeFiles.max_pixels, "refuse input pictures with more pixels", "files", minimum=1)

    server: str = option("", "host:port of the server; by default gRPC uses 8500 and REST 8501", "server")
    model_name: str = option(DEFAULT_MODEL_NAME, "name of the model on the server", "server")
    model_version: int = option(0, "version of the model; 0: the latest", "server", minimum=0)
    version_label: str = option("", "instead of a version, one of the server's labels, such as stable", "server")
    signature: str = option("stylize", "signature to call, without --advance_every", "server", _SIGNATURES)
    rest: bool = option(False, "use REST; it calls stylize_bytes, which takes no painting options", "server")
    deadline: float = option(
        0.0,
        "time limit in seconds for the whole request, or for each call without --advance_every; past it, the status "
        "is 1 and the picture so far is kept; 0: no limit",
        "server",
        minimum=0,
    )
    tls: bool = option(False, "connect with TLS", "server")
    ca_file: str = option("", "PEM file of the certificate authority", "server")
    cert_file: str = option("", "PEM file of this client's certificate", "server")
    key_file: str = option("", "PEM file of its private key", "server")

    style_text: str = option(
        "", "instead of --style: words; finds and mixes paintings here, or on the server with --signature=stylize_text",
        "words",
    )  # fmt: skip
    size: int | str = size_option(512, "long side of the picture to send; 0: its own size", "painting")
    style_blend: tuple[float, ...] = option((), "share of each style; default: equal shares", "painting", minimum=0)
    num_steps: int = option(0, "steps at each scale; 0: as exported", "painting", minimum=0)
    seed: int = option(-1, "seed of the noise start; -1: as exported", "painting", minimum=-1)
    content_weight: float = option(-1.0, "weight of the content loss; -1: as exported", "painting", minimum=-1)
    style_weight: float = option(-1.0, "weight of the style loss; -1: as exported", "painting", minimum=-1)
    style_strength: float = option(
        -1.0, "for networks: 0 keeps the content, 1 is the full style; -1: as exported", "painting", minimum=-1
    )

    advance_every: int = option(
        0,
        "paint in calls of N steps and show progress; Ctrl-C keeps the picture so far; 0: one call",
        "report",
        minimum=0,
    )
    previews: bool = option(
        False, "with --advance_every: write the picture so far to --output after each call", "report"
    )
    quiet: bool = option(False, "print errors only", "report")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(
            ("server", "content", self._style_option, "output"),
            "tf-style request --server=localhost:8500 --content=photo.jpg --style=painting.jpg --output=result.png",
        )
        for name in ("content_weight", "style_weight", "style_strength"):
            value = getattr(self, name)
            if -1 < value < 0:
                raise ConfigError(f"{name} must be at least 0, or -1 for the model's own, but {value:g} was given.")
        self._check_share("style_strength")
        self._check_styles()
        self._check_server()
        self._check_tls()
        if self.rest:
            self._check_rest()
        self._check_signature()

    @property
    def given(self) -> dict[str, float]:
        """The painting options to send."""
        fields = {field.name: field.default for field in dataclasses.fields(self)}
        names = ("num_steps", "seed", "content_weight", "style_weight", "style_strength")
        return {name: getattr(self, name) for name in names if getattr(self, name) != fields[name]}

    @property
    def _style_option(self) -> str:
        return next((name for name in ("style_name", "style_text") if getattr(self, name)), "style")

    @property
    def _given_flags(self) -> str:
        return ", ".join(f"--{name}" for name in self.given)

    def _check_styles(self) -> None:
        given = [f"--{name}" for name in ("style", "style_name", "style_text") if getattr(self, name)]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} were both given; give one of them.")
        if (self.signature == "stylize_text") != bool(self.style_text):
            raise ConfigError("--signature=stylize_text sends --style_text, and nothing else does; give both.")
        if len(self.style) > 1 and (self.rest or self.advance_every or self.signature in _OF_FILES):
            raise ConfigError(
                "Several styles are for networks for any style, through gRPC in one call; leave --rest, "
                f"--advance_every and --signature={self.signature} out, or give one style."
            )
        for name, used in (("style_name", self.style_name), ("style_strength", "style_strength" in self.given)):
            if used and self.advance_every:
                raise ConfigError(
                    f"--{name} cannot be used with --advance_every: it is for networks, which paint in one pass; leave "
                    "one of them out."
                )

    def _check_server(self) -> None:
        is_url = re.match(r"https?://", self.server)
        if is_url and not self.rest:
            raise ConfigError(
                f"--server={self.server} is an HTTP address; add --rest, or give the host:port of the gRPC port."
            )
        if not is_url and "/" not in self.server and not re.search(r"[^:]:\d+$", self.server):
            port = 8501 if self.rest else 8500
            raise ConfigError(
                f"--server={self.server} names no port; give host:port, such as {_host(self.server)}:{port}."
            )
        if self.model_version and self.version_label:
            raise ConfigError("--model_version and --version_label were both given; give one of them.")

    def _check_tls(self) -> None:
        files = [f"--{name}" for name in ("ca_file", "cert_file", "key_file") if getattr(self, name)]
        if files and not self.tls:
            raise ConfigError(f"{', '.join(files)} can only be used with --tls; add it, or leave the files out.")
        if self.tls and self.server.startswith("http://"):
            raise ConfigError(f"--tls cannot be used with --server={self.server}; write https://, or leave --tls out.")

    def _check_rest(self) -> None:
        if self.advance_every:
            raise ConfigError(
                "--advance_every cannot be used with --rest: the state sent with each call would be many megabytes of "
                "JSON; leave one of them out."
            )
        if self.given:
            raise ConfigError(
                f"{self._given_flags} cannot be sent with --rest: its stylize_bytes takes two pictures and no options; "
                "leave one of them out."
            )
        if self.signature not in ("stylize", *_OF_FILES):
            raise ConfigError(
                f"--signature={self.signature} cannot be used with --rest, which calls stylize_bytes or stylize_text; "
                "leave one of them out."
            )

    def _check_signature(self) -> None:
        if self.advance_every and self.signature not in ("stylize", "serving_default"):
            raise ConfigError(
                f"--signature={self.signature} cannot be used with --advance_every, which calls start and advance; "
                f"leave one of them out."
            )
        if self.signature in _OF_FILES and self.given:
            raise ConfigError(
                f"{self._given_flags} cannot be sent to {self.signature}, which takes no options; use "
                f"--signature=stylize."
            )
        if self.previews and not self.advance_every:
            raise ConfigError("--previews needs --advance_every; add it, for example --advance_every=20.")


def _host(server: str) -> str:
    return server.rstrip(":") or "localhost"


@dataclasses.dataclass(frozen=True)
class ServeOptions(Options):
    """The options of `tf-style serve`: TensorFlow Serving's flags and defaults, and a few for a local server.

    Raises:
      ConfigError: A value, or values together, that are not allowed.
    """

    model_base_path: str = option("", "folder that holds the model's versions as numbered folders", "models")
    model_name: str = option(DEFAULT_MODEL_NAME, "name under which clients ask for the model", "models")
    model_config_file: str = option(
        "", "ModelServerConfig as text, instead of the two above: several models, policies, labels", "models"
    )
    model_config_file_poll_wait_seconds: int = option(0, "how often to read that file; 0: once", "models", minimum=0)
    file_system_poll_wait_seconds: int = option(
        1, "how often to look for new versions; 0: once; negative: never", "models"
    )
    allow_version_labels_for_unavailable_models: bool = option(
        False, "let labels name versions that are not loaded yet (the first configuration needs it)", "models"
    )
    saved_model_tags: tuple[str, ...] = option(("serve",), "which graph of the SavedModel to load", "models")
    enable_model_warmup: bool = option(True, "run a version's recorded requests before it becomes available", "models")
    num_request_iterations_for_warmup: int = option(1, "how many times to run each of them", "models", minimum=1)
    max_num_load_retries: int = option(5, "retries after a version fails to load", "models", minimum=0)
    load_retry_interval_micros: int = option(60_000_000, "microseconds between retries; negative: none", "models")

    host: str = option("127.0.0.1", "address to listen on; 0.0.0.0 opens it to the network", "ports")
    port: int = option(8500, "gRPC port; 0: a free one", "ports", minimum=0)
    grpc_socket_path: str = option("", "also listen on this UNIX socket", "ports")
    rest_api_port: int = option(0, "REST port; 0: none; -1: a free one", "ports", minimum=-1)
    rest_api_timeout_in_ms: int = option(30_000, "time limit for a REST request", "ports", minimum=1)
    rest_api_num_threads: int = option(0, "REST requests at a time; 0: four per core", "ports", minimum=0)
    rest_api_enable_cors_support: bool = option(False, "accept requests from web pages of other origins", "ports")
    grpc_max_threads: int = option(0, "gRPC calls at a time; 0: four per core", "ports", minimum=0)
    grpc_channel_arguments: tuple[str, ...] = option((), "options of the gRPC server, name=value", "ports")
    enable_grpc_healthcheck_service: bool = option(False, "answer grpc.health.v1", "ports")
    ssl_config_file: str = option("", "SSLConfig as text: gRPC with TLS", "ports")
    monitoring_config_file: str = option("", "MonitoringConfig as text: metrics on the REST port", "ports")
    grace_seconds: float = option(
        600.0, "how long running requests may take to finish when the server stops", "ports", minimum=0
    )

    tensorflow_session_parallelism: int = option(
        0, "threads of both kinds below; 0: one per core", "session", minimum=0
    )
    tensorflow_intra_op_parallelism: int = option(0, "threads for one operation", "session", minimum=0)
    tensorflow_inter_op_parallelism: int = option(0, "operations at a time", "session", minimum=0)
    per_process_gpu_memory_fraction: float = option(
        0.0, "most of each GPU, as a share; 0: all of it", "session", minimum=0
    )
    enable_serialization_as_tensor_content: bool = option(False, "answer with raw bytes, which are smaller", "session")
    enable_signature_method_name_check: bool = option(False, "refuse signatures with an unknown method", "session")
    enable_batching: bool = option(False, "not supported by the local server", "session")
    batching_parameters_file: str = option("", "not supported by the local server", "session")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.enable_batching or self.batching_parameters_file:
            raise ConfigError(
                "The local server does not batch; leave --enable_batching and --batching_parameters_file out, or run "
                "TensorFlow Serving."
            )
        if not (self.model_base_path or self.model_config_file):
            raise ConfigError(
                "--model_base_path or --model_config_file must be given: tf-style serve --model_base_path=models/starry"
            )
        if self.port and self.rest_api_port == self.port:
            raise ConfigError(f"--rest_api_port and --port are both {self.port}; choose another port for one of them.")
        if max(self.port, self.rest_api_port) > _MAX_PORT:
            raise ConfigError(
                f"A port must be at most {_MAX_PORT}, but {max(self.port, self.rest_api_port)} was given."
            )
        if self.monitoring_config_file and not self.rest_api_port:
            raise ConfigError("--monitoring_config_file needs --rest_api_port, where the metrics are served; add it.")
        for argument in self.grpc_channel_arguments:
            if "=" not in argument:
                raise ConfigError(
                    f"grpc_channel_arguments must be name=value, separated by commas, but {argument!r} was given."
                )

"""The server's configuration files (text protocol buffers), and what a list of models may say.

The wheel of tensorflow-serving-api lacks three of the messages; they are built here from their published fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

from tf_style.config import ConfigError
from tf_style.serving.wire.status import invalid

ModelConfig: TypeAlias = model_server_config_pb2.ModelConfig
_AnyMessage = TypeVar("_AnyMessage", bound=Message)

_FieldProto = descriptor_pb2.FieldDescriptorProto
_BOOL, _INT64, _STRING = _FieldProto.TYPE_BOOL, _FieldProto.TYPE_INT64, _FieldProto.TYPE_STRING
_PACKAGE = "tensorflow.serving"
_INT64_VALUE, _BOOL_VALUE, _STRING_VALUE = (
    f".google.protobuf.{name}" for name in ("Int64Value", "BoolValue", "StringValue")
)
# Message -> field -> (number, type), a type by its name for messages; a list stands for a repeated field.
_MESSAGES: dict[str, dict[str, tuple[int, object]]] = {
    "PrometheusConfig": {"enable": (1, _BOOL), "path": (2, _STRING)},
    "MonitoringConfig": {"prometheus_config": (1, f".{_PACKAGE}.PrometheusConfig")},
    "SSLConfig": {
        "server_key": (1, _STRING),
        "server_cert": (2, _STRING),
        "custom_ca": (3, _STRING),
        "client_verify": (4, _BOOL),
    },
    "BatchingParameters": {
        "max_batch_size": (1, _INT64_VALUE),
        "batch_timeout_micros": (2, _INT64_VALUE),
        "max_enqueued_batches": (3, _INT64_VALUE),
        "num_batch_threads": (4, _INT64_VALUE),
        "thread_pool_name": (5, _STRING_VALUE),
        "allowed_batch_sizes": (6, [_INT64]),
        "pad_variable_length_inputs": (7, _BOOL),
        "enable_large_batch_splitting": (8, _BOOL_VALUE),
    },
}


def _build() -> dict[str, type[Message]]:
    file = descriptor_pb2.FileDescriptorProto(name="tf_style/serving_config.proto", package=_PACKAGE, syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            field = message.field.add(name=field_name, number=number, label=_FieldProto.LABEL_OPTIONAL)
            if isinstance(kind, list):
                field.label, kind = _FieldProto.LABEL_REPEATED, kind[0]
            if isinstance(kind, str):
                field.type, field.type_name = _FieldProto.TYPE_MESSAGE, kind
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()  # its own: the same names may be loaded from elsewhere
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


_CLASSES = _build()
MonitoringConfig = _CLASSES["MonitoringConfig"]
SSLConfig = _CLASSES["SSLConfig"]
BatchingParameters = _CLASSES["BatchingParameters"]


def read_config(path: str, kind: type[_AnyMessage]) -> _AnyMessage:
    """Reads a text protocol buffer.

    Args:
      path: The file.
      kind: Its message.

    Raises:
      ConfigError: The file cannot be read, or does not hold this message.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{path} cannot be read: {reason}; name a text protocol buffer.") from None
    try:
        return text_format.Parse(text, kind())
    except text_format.ParseError as error:
        raise ConfigError(f"Error parsing text-format {kind.DESCRIPTOR.full_name}: {error} (in {path})") from None


def single_model(name: str, base_path: str) -> model_server_config_pb2.ModelServerConfig:
    """The configuration of one model with the default policy."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform="tensorflow")
    return config


def platform_of(config: ModelConfig) -> str:
    """The platform of a model, from the field of today or from the deprecated one.

    Raises:
      ServingError: Both or neither is set, or the deprecated one says something else than TensorFlow.
    """
    if config.model_type:
        if config.model_platform:
            raise invalid(
                "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform."
            )
        if config.model_type != model_server_config_pb2.TENSORFLOW:
            raise invalid(f"ModelServerConfig::model_type choice {config.model_type} not supported.")
        return "tensorflow"
    if not config.model_platform:
        raise invalid(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            f"ModelServerConfig::model_platform, model name is {config.name}"
        )
    return config.model_platform


def check_models(configs: Iterable[ModelConfig], old: Mapping[str, ModelConfig]) -> dict[str, ModelConfig]:
    """A list of models by name.

    Args:
      configs: The new list.
      old: The models so far.

    Raises:
      ServingError: A name twice, a relative path, or another platform than before.
    """
    new: dict[str, ModelConfig] = {}
    for config in configs:
        if config.name in new:
            raise invalid(f"Illegal to list model {config.name} multiple times in config list")
        new[config.name] = config
    for config in new.values():
        if not config.base_path.startswith("/") and "://" not in config.base_path:
            raise invalid(
                f"Expected model {config.name} to have an absolute path or URI; got base_path()={config.base_path}"
            )
    for name in new.keys() & old.keys():
        before, now = platform_of(old[name]), platform_of(new[name])
        if now != before:
            raise invalid(
                f"Illegal to change a model's platform. For model {name} platform was {before} and new platform "
                f"requested is {now}"
            )
    return new

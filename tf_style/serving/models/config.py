"""Reads the server's configuration files (text protocol buffers), and checks a list of models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

from tf_style.config import ConfigError
from tf_style.serving.wire.status import invalid

ModelConfig: TypeAlias = model_server_config_pb2.ModelConfig
_AnyMessage = TypeVar("_AnyMessage", bound=Message)


def read_config(path: str, kind: type[_AnyMessage]) -> _AnyMessage:
    """Reads a text protocol buffer.

    Args:
      path: The file.
      kind: Its message.

    Raises:
      ConfigError: The file cannot be read, or holds something else.
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
    """The platform of a model, from the current field or the deprecated one.

    Raises:
      ServingError: Both or neither is set, or the deprecated one names another platform than TensorFlow.
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
    """Checks a list of models.

    Args:
      configs: The new list.
      old: The models so far.

    Returns:
      The new models by name.

    Raises:
      ServingError: A name occurs twice, a path is relative, or a model's platform has changed.
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

"""What an option is: a dataclass field with help, choices and a least value, read from text and checked."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable
from typing import Any

#: Choices that several commands share.
BACKBONES = ("auto", "vgg19", "vgg16", "compact_vgg19")
COMPUTE_DTYPES = ("auto", "float32", "bfloat16")
STYLE_STATISTICS = ("gram", "mean_std", "wasserstein")


class ConfigError(ValueError):
    """An option that does not exist or has a value that is not allowed; the message says what is."""


def option(default: Any, help: str, group: str, choices: tuple[str, ...] = (), minimum: float | None = None) -> Any:
    """A dataclass field that is an option: its default, and what `check_option`, flags and help need to know."""
    metadata = {"help": help, "group": group, "choices": choices, "minimum": minimum}
    return dataclasses.field(default=default, metadata=metadata)


def parse_value(field: dataclasses.Field, value: Any) -> Any:
    """The value of an option from a flag's or a preset's text, or from Python's own types.

    Raises:
      ConfigError: It cannot be read as the option's type.
    """
    default: Any = field.default
    try:
        if isinstance(default, tuple):
            items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
            kind = _TUPLES[str(field.type)]
            return tuple(kind(item) for item in items)
        if isinstance(default, bool):
            return _parse_bool(value)
        if isinstance(default, int):
            return _parse_int(value)
        return type(default)(value)
    except (KeyError, OverflowError, TypeError, ValueError):
        kinds = {tuple: "comma-separated values", bool: "true or false", int: "a whole number", float: "a number"}
        kind_name = kinds.get(type(default), "text")
        raise ConfigError(f"{field.name} must be {kind_name}, but {value!r} came.") from None


def _parse_int(value: Any) -> int:
    if float(value) != int(float(value)):
        raise ValueError
    return int(float(value))


def _parse_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]


def check_option(field: dataclasses.Field, value: Any) -> None:
    """Raises ConfigError unless the value is among the option's choices and not below its minimum."""
    choices, minimum = field.metadata["choices"], field.metadata["minimum"]
    items = value if isinstance(value, tuple) else (value,)
    for item in items if choices else ():
        if item not in choices:
            close = difflib.get_close_matches(str(item), choices, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ConfigError(f"{field.name} must be one of {', '.join(choices)}, but {item!r} came.{hint}")
    if minimum is not None:
        for item in items:
            if not minimum <= item < float("inf"):  # false for NaN too
                raise ConfigError(f"{field.name} must be a finite number of at least {minimum:g}, but {item:g} came.")


def check_written(bit_depth: int, quality: int) -> None:
    """Raises ConfigError unless pictures can be written so."""
    if bit_depth not in (8, 16):
        raise ConfigError(f"bit_depth must be 8 or 16, but {bit_depth} came.")
    if quality > 100:
        raise ConfigError(f"quality must be 1 to 100, but {quality} came.")


_TUPLES: dict[str, Callable[[Any], Any]] = {
    "tuple[str, ...]": str,
    "tuple[float, ...]": float,
    "tuple[int, ...]": _parse_int,
}

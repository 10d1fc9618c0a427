"""What an option is: a dataclass field with help, choices and a minimum, read from text and checked."""

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


def option(
    default: Any,
    help: str,
    group: str,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    *,
    box: bool = False,
    switch: bool = False,
) -> Any:
    """A dataclass field that is an option: its default, and what checks, flags and help need to know about it.

    Args:
      default: The default.
      help: What it is for.
      group: A heading of the help.
      choices: The values that are allowed; empty: any.
      minimum: The least number that is allowed.
      box: Whether a size may also be "WIDTHxHEIGHT".
      switch: Whether it is True, False or "auto".
    """
    metadata = {"help": help, "group": group, "choices": choices, "minimum": minimum, "box": box, "switch": switch}
    return dataclasses.field(default=default, metadata=metadata)


def backbone_option(default: str = "auto") -> Any:
    """The option `backbone`, which several commands have."""
    return option(
        default,
        "network whose features are compared; auto: vgg19 if its weights are available, else compact_vgg19",
        "backbone",
        BACKBONES,
    )


def weights_option() -> Any:
    """The option `weights`, which several commands have."""
    return option("", "weights file for the backbone (Keras's `notop` file)", "backbone")


def dtype_option(group: str = "backbone") -> Any:
    """The option `compute_dtype`, which several commands have."""
    return option(
        "auto", "type for convolutions; auto: bfloat16 if the hardware computes with it", group, COMPUTE_DTYPES
    )


def size_option(default: int, help: str, group: str = "picture") -> Any:
    """The option `size`, which several commands have: a long side in pixels, or the text "WIDTHxHEIGHT"."""
    return option(default, f"{help}; WIDTHxHEIGHT: as large as fits into this box", group, minimum=0, box=True)


@dataclasses.dataclass(frozen=True)
class Options:
    """Base class: checks every field against its choices and minimum.

    Raises:
      ConfigError: A value that is not allowed.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_option(field, getattr(self, field.name))

    def _require(self, names: tuple[str, ...], example: str) -> None:
        """Raises ConfigError unless the flags with these names were given; `example` is a command that has them."""
        missing = [f"--{name}" for name in names if not getattr(self, name)]
        if missing:
            raise ConfigError(f"{', '.join(missing)} must be given: {example}")

    def _check_share(self, name: str) -> None:
        if getattr(self, name) > 1:
            raise ConfigError(f"{name} must be 0 to 1, but {getattr(self, name):g} was given.")

    def _check_feather(self) -> None:
        feather = self.feather  # type: ignore[attr-defined]
        if feather > 0.5:
            raise ConfigError(f"feather must be 0 to 0.5 of the long side, but {feather:g} was given.")

    def _check_decay(self) -> None:
        decay = self.average_decay  # type: ignore[attr-defined]
        if decay >= 1:
            raise ConfigError(f"average_decay must be at least 0 and below 1, but {decay:g} was given.")

    def _check_layer_weights(self, name: str, layers: tuple[str, ...]) -> None:
        """Raises ConfigError unless a list of values is empty or has one for each layer."""
        values = getattr(self, name)
        if values and len(values) != len(layers):
            raise ConfigError(
                f"{name} must have one value for each of the {len(layers)} layers; values given: {len(values)}."
            )


def parse_value(field: dataclasses.Field, value: Any) -> Any:
    """The value of an option, from the text of a flag or preset, or from Python's own types.

    Raises:
      ConfigError: The value cannot be read as the option's type.
    """
    default: Any = field.default
    try:
        if isinstance(default, tuple):
            items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
            kind = _TUPLES[str(field.type)]
            return tuple(kind(item) for item in items)
        if field.metadata["switch"] and value == "auto":
            return value
        if is_switch(field):
            return _parse_bool(value)
        if field.metadata["box"] and isinstance(value, str) and "x" in value:
            return _parse_box(value)
        if isinstance(default, int):
            return _parse_int(value)
        return type(default)(value)
    except (KeyError, OverflowError, TypeError, ValueError):
        kinds = {tuple: "comma-separated values", bool: "true or false", int: "a whole number", float: "a number"}
        kind_name = kinds.get(type(default), "text")
        if field.metadata["box"]:
            kind_name += " of pixels, or a box such as 320x200"
        if field.metadata["switch"]:
            kind_name = "true, false or auto"
        raise ConfigError(f"{field.name} must be {kind_name}, but {value!r} was given.") from None


def is_switch(field: dataclasses.Field) -> bool:
    """Whether an option is on or off, so that its flag needs no value."""
    return isinstance(field.default, bool) or field.metadata["switch"]


def _parse_box(text: str) -> str:
    width, height = map(int, text.split("x"))
    if min(width, height) < 1:
        raise ValueError
    return f"{width}x{height}"


def _parse_int(value: Any) -> int:
    if isinstance(value, str):
        return int(value)  # "1e3" is refused
    if float(value) != int(float(value)):
        raise ValueError
    return int(float(value))


def _parse_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]


def _check_option(field: dataclasses.Field, value: Any) -> None:
    choices, minimum = field.metadata["choices"], field.metadata["minimum"]
    if field.metadata["box"] and isinstance(value, str):
        parse_value(field, value)
        return
    items = value if isinstance(value, tuple) else (value,)
    for item in items if choices else ():
        if item not in choices:
            close = difflib.get_close_matches(str(item), choices, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ConfigError(f"{field.name} must be one of {', '.join(choices)}, but {item!r} was given.{hint}")
    if minimum is not None:
        for item in items:
            if not minimum <= item < float("inf"):  # false for NaN as well
                raise ConfigError(
                    f"{field.name} must be a finite number of at least {minimum:g}, but {item:g} was given."
                )


def check_written(bit_depth: int, quality: int) -> None:
    """Raises ConfigError unless pictures can be written with this bit depth and quality."""
    if bit_depth not in (8, 16):
        raise ConfigError(f"bit_depth must be 8 or 16, but {bit_depth} was given.")
    if quality > 100:
        raise ConfigError(f"quality must be 1 to 100, but {quality} was given.")


_TUPLES: dict[str, Callable[[Any], Any]] = {
    "tuple[str, ...]": str,
    "tuple[float, ...]": float,
    "tuple[int, ...]": _parse_int,
}

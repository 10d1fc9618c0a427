"""Checks a client's arguments and converts them to the types of the signatures."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_style.images import to_uint8
from tf_style.serving.wire.tensors import Array

# The optional inputs of the signatures, and their types.
_OPTIONS: dict[str, npt.DTypeLike] = {
    "num_steps": np.int32,
    "seed": np.int32,
    "content_weight": np.float32,
    "style_weight": np.float32,
    "style_strength": np.float32,
    "style_blend": np.float32,
}


def check_version(model_version: int | None, version_label: str) -> None:
    """Refuses a version and a label together.

    Raises:
      ValueError: Both were given.
    """
    if model_version is not None and version_label:
        raise ValueError("model_version and version_label were both given; give one of them.")


def picture_batch(name: str, value: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Converts pictures for the signatures.

    Args:
      name: For the message.
      value: uint8, or float in [0, 1]; [H, W, 3] or [B, H, W, 3].

    Returns:
      uint8 [B, H, W, 3]; B is 1 for one picture.

    Raises:
      ValueError: The shape or type is another.
    """
    array = np.asarray(value)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or not array.size:
        raise ValueError(f"{name} has the shape {list(array.shape)}; allowed are [H, W, 3] and [B, H, W, 3].")
    if np.issubdtype(array.dtype, np.floating):
        array = to_uint8(array)
    if array.dtype != np.uint8:
        raise ValueError(f"{name} is of type {array.dtype}; allowed are uint8, and float in [0, 1].")
    return array if array.ndim == 4 else array[None]


def style_batch(style: npt.ArrayLike | str | Sequence[str]) -> Any:
    """Converts styles for the signatures: pictures, or names of styles to bytes."""
    names = [style] if isinstance(style, str) else style
    if isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names):
        return [str(name).encode() for name in names]
    return picture_batch("style", style)


def option_inputs(options: Mapping[str, Any]) -> dict[str, Array]:
    """Converts options for the signatures.

    Args:
      options: By name: a number for all pictures, [B] for one each, or None for the model's own value; `style_blend`
        holds a share for each style of a code instead.

    Returns:
      Those that are not None, [1] or [B].

    Raises:
      ValueError: An option is unknown, or its value is not a number of its type.
    """
    inputs = {}
    for name, value in options.items():
        if name not in _OPTIONS:
            close = difflib.get_close_matches(name, _OPTIONS, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"Unknown option {name!r}. There are: {', '.join(_OPTIONS)}.{hint}")
        if value is not None:
            inputs[name] = _numbers(name, value)
    return inputs


def _numbers(name: str, value: Any) -> Array:
    kind: np.dtype[Any] = np.dtype(_OPTIONS[name])
    try:
        given = np.atleast_1d(np.asarray(value, np.float64))
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, or one for each picture, but {value!r} was given.") from None
    with np.errstate(all="ignore"):  # what does not fit is found by comparing
        numbers = given.astype(kind)
    if given.ndim != 1 or (kind == np.int32 and not np.array_equal(numbers, given)):
        kind_of_number = "a whole number below 2^31" if kind == np.int32 else "a number"
        raise ValueError(f"{name} must be {kind_of_number}, or one for each picture, but {value} was given.")
    return numbers

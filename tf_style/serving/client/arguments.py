"""What a program hands to a client, checked and brought to the types of the signatures."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_style.images import to_uint8
from tf_style.serving.wire.tensors import Array

# The inputs of the signatures that may be left out, and their types.
_OPTIONS: dict[str, npt.DTypeLike] = {
    "num_steps": np.int32,
    "seed": np.int32,
    "content_weight": np.float32,
    "style_weight": np.float32,
    "style_strength": np.float32,
}


def picture_batch(name: str, value: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Pictures as the signatures take them.

    Args:
      name: For the message.
      value: uint8, or float in [0, 1]; [H, W, 3] or [B, H, W, 3].

    Returns:
      uint8 [B, H, W, 3]; B is 1 for one picture.

    Raises:
      ValueError: Another shape or type.
    """
    array = np.asarray(value)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or not array.size:
        raise ValueError(f"{name} of shape {list(array.shape)} came; allowed are [H, W, 3] and [B, H, W, 3].")
    if np.issubdtype(array.dtype, np.floating):
        array = to_uint8(array)
    if array.dtype != np.uint8:
        raise ValueError(f"{name} of type {array.dtype} came; allowed are uint8, and float in [0, 1].")
    return array if array.ndim == 4 else array[None]


def style_batch(style: npt.ArrayLike | str | Sequence[str]) -> Any:
    """Styles as the signatures take them: pictures, or the names of styles as bytes."""
    names = [style] if isinstance(style, str) else style
    if isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names):
        return [str(name).encode() for name in names]
    return picture_batch("style", style)


def option_inputs(options: Mapping[str, Any]) -> dict[str, Array]:
    """Options as the signatures take them: of their types, a value for all pictures or one for each.

    Args:
      options: By name: a number, [B], or None to leave it to the model.

    Returns:
      Those that are not None, [1] or [B].

    Raises:
      ValueError: An unknown option, or a value that is no such number.
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
        raise ValueError(f"{name} must be a number, or one for each picture, but {value!r} came.") from None
    with np.errstate(all="ignore"):  # what does not fit is found by comparing
        numbers = given.astype(kind)
    if given.ndim != 1 or (kind == np.int32 and not np.array_equal(numbers, given)):
        raise ValueError(f"{name} must be a number, whole and below 2^31 if it counts, or one a picture; {value} came.")
    return numbers

"""Predict answers in JSON, laid out as TensorFlow Serving lays them out."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import tensorflow as tf

from tf_style.serving.server.json_text import decimal, quote, to_text
from tf_style.serving.wire.status import invalid
from tf_style.serving.wire.tensor_proto import dtype_name

_INDENT = "    "
_WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint32", "uint64")
_BYTES_SUFFIX = "_bytes"
# Writes one element at a depth of so many levels.
_Writer = Callable[[object, int], str]


def rows_to_json(outputs: Mapping[str, np.ndarray]) -> str:
    """`{"predictions": [...]}`: an object an example, or the bare value of a single output.

    Raises:
      ServingError: An output without batch dimension, or of another batch size, or of a type JSON has no form for.
    """
    size = -1
    for name in sorted(outputs):
        array = outputs[name]
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size not in (-1, len(array)):
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {size}")
        size = len(array)
    writers = {name: _writer(name, outputs[name]) for name in sorted(outputs)}
    if len(outputs) == 1:
        (name,) = outputs
        body = ", ".join(_one_line(outputs[name][index], writers[name], 2) for index in range(size))
        return _document("predictions", f"[{body}\n{_INDENT}]" if size else "[]")
    rows = []
    for index in range(size):
        members = [
            f"{_INDENT * 3}{quote(name)}: {_one_line(outputs[name][index], writer, 3)}"
            for name, writer in writers.items()
        ]
        rows.append(f"\n{_INDENT * 2}{{\n" + ",\n".join(members) + f"\n{_INDENT * 2}}}")
    return _document("predictions", f"[{','.join(rows)}\n{_INDENT}]" if rows else "[]")


def columns_to_json(outputs: Mapping[str, np.ndarray]) -> str:
    """`{"outputs": ...}`: an object of all outputs, or the bare value of a single one.

    Raises:
      ServingError: An output of a type that JSON has no form for.
    """
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        return _document("outputs", _many_lines(array, _writer(name, array), 1))
    members = [
        f"{_INDENT * 2}{quote(name)}: {_many_lines(outputs[name], _writer(name, outputs[name]), 2)}"
        for name in sorted(outputs)
    ]
    return _document("outputs", "{\n" + ",\n".join(members) + f"\n{_INDENT}}}")


def _document(key: str, value: str) -> str:
    return f'{{\n{_INDENT}"{key}": {value}\n}}'


def _one_line(value: object, write: _Writer, depth: int) -> str:
    if not isinstance(value, np.ndarray):
        return write(value, depth)
    return "[" + ", ".join(_one_line(item, write, depth + 1) for item in _items(value)) + "]"


def _many_lines(value: object, write: _Writer, depth: int) -> str:
    if not isinstance(value, np.ndarray):
        return write(value, depth)
    if not value.ndim:
        return write(value[()], depth)
    if not len(value):
        return "[]"
    indent = "\n" + _INDENT * (depth + 1)
    items = ("," + indent).join(_many_lines(item, write, depth + 1) for item in _items(value))
    return f"[{indent}{items}\n{_INDENT * depth}]"


def _items(value: np.ndarray) -> Iterable:
    """Whole numbers as Python's, which are many times faster to write."""
    return value.tolist() if value.ndim == 1 and value.dtype.kind in "iu" else value


def _writer(name: str, array: np.ndarray) -> _Writer:
    kind = tf.as_dtype(array.dtype).name
    if kind == "string":
        return _write_bytes if name.endswith(_BYTES_SUFFIX) else lambda value, _: quote(to_text(bytes(value)))  # type: ignore[call-overload]
    if kind in ("float32", "float64"):
        return lambda value, _: decimal(value)  # type: ignore[arg-type]
    if kind in _WHOLE:
        return lambda value, _: str(value)
    if kind == "bool":
        return lambda value, _: "true" if value else "false"
    raise invalid(f"Failed to write JSON value for tensor type: {dtype_name(tf.as_dtype(kind).as_datatype_enum)}")


def _write_bytes(value: object, depth: int) -> str:
    text = base64.b64encode(bytes(value)).decode()  # type: ignore[call-overload]
    return f'{{\n{_INDENT * (depth + 1)}"b64": "{text}"\n{_INDENT * depth}}}'

"""Predict requests in JSON: rows (`instances`) or columns (`inputs`) to arrays, by TensorFlow Serving's rules."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from tf_style.serving.server.json_text import describe, to_bytes
from tf_style.serving.wire.status import Code, ServingError, invalid
from tf_style.serving.wire.tensor_proto import dtype_name

#: Input name -> number of its data type.
Types = Mapping[str, int]

_INT32, _INT64 = (-(2**31), 2**31 - 1), (-(2**63), 2**63 - 1)
# Bounds of what the JSON parser calls an int of this kind; narrower tensors wrap.
_BOUNDS = {
    **dict.fromkeys((types_pb2.DT_INT32, types_pb2.DT_INT16, types_pb2.DT_INT8, types_pb2.DT_UINT8), _INT32),
    types_pb2.DT_INT64: _INT64,
    types_pb2.DT_UINT32: (0, 2**32 - 1),
    types_pb2.DT_UINT64: (0, 2**64 - 1),
}
_FLOATS: dict[int, type[np.floating]] = {types_pb2.DT_FLOAT: np.float32, types_pb2.DT_DOUBLE: np.float64}
_MAX_DIMENSIONS = 64  # numpy's; TensorFlow's is 254
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*")
_KINDS = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def inputs_from_json(document: dict[str, Any], types: Types) -> tuple[dict[str, np.ndarray], bool]:
    """The inputs of a request.

    Args:
      document: The parsed body.
      types: The inputs of the signature.

    Returns:
      The inputs by name, and whether they came as rows.

    Raises:
      ServingError: The request does not fit.
    """
    rows, columns = "instances" in document, "inputs" in document
    if rows and columns:
        raise _badly_formed(
            document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if columns:
        return _from_columns(document["inputs"], types), False
    if not rows:
        raise invalid("Missing 'inputs' or 'instances' key")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise _badly_formed(document, "Excepting 'instances' to be an list/array")
    if not instances:
        raise _badly_formed(document, "No values in 'instances' array")
    return _from_rows(instances, types), True


def json_type(value: Any) -> str:
    """The name of a JSON value's type in error messages."""
    return str(value) if isinstance(value, bool) else _KINDS[type(value)]


def _badly_formed(document: Any, text: str) -> ServingError:
    return invalid(f"JSON Value: {describe(document)} {text}")


def _from_columns(value: Any, types: Types) -> dict[str, np.ndarray]:
    if not isinstance(value, dict) or _is_base64(value):
        if len(types) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        name = next(iter(types))
        return {name: _to_array(value, types[name])}
    arrays = {}
    for name in sorted(types):
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        arrays[name] = _to_array(value[name], types[name])
    return arrays


def _from_rows(instances: list, types: Types) -> dict[str, np.ndarray]:
    if not isinstance(instances[0], dict) and len(types) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    named = isinstance(instances[0], dict) and not _is_base64(instances[0])
    found: dict[str, list[np.ndarray]] = {name: [] for name in types}
    for index, element in enumerate(instances):
        is_object = isinstance(element, dict) and not _is_base64(element)
        if named and not is_object:
            raise invalid(f"Expecting object but got list at item {index} of input list")
        if is_object and not named:
            raise invalid(f"Expecting value/list but got object at item {index} of input list")
        if not named:
            _add_row(found, next(iter(types)), element, types, f"Failed to process element: {index}")
            continue
        for name, item in element.items():
            _add_row(found, name, item, types, f"Failed to process element: {index} key: {name}")
        if element.keys() != types.keys():
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object: {describe(element)} keys must "
                f"be equal to: {','.join(sorted(types))}"
            )
    return {name: np.stack(arrays) for name, arrays in found.items()}


def _add_row(found: dict[str, list[np.ndarray]], name: str, item: Any, types: Types, where: str) -> None:
    try:
        if name not in types:
            raise invalid(f"JSON object: does not have named input: {name}")
        array = _to_array(item, types[name])
        first = found[name][0] if found[name] else array
        if array.size != first.size:
            raise invalid(f"Expecting tensor size: {first.size} but got: {array.size}")
        if array.shape != first.shape:
            raise invalid(f"Expecting shape {_shape(first)} but got: {_shape(array)}")
    except ServingError as error:
        raise invalid(f"{where} of 'instances' list. Error: {error}") from None
    found[name].append(array)


def _shape(array: np.ndarray) -> str:
    return f"[{','.join(map(str, array.shape))}]"


def _to_array(value: Any, dtype: int) -> np.ndarray:
    """A value of nested lists; the first elements say the shape."""
    shape, inner = [], value
    while isinstance(inner, list):
        shape.append(len(inner))
        inner = inner[0] if inner else None
    if len(shape) > _MAX_DIMENSIONS:
        raise invalid(
            f"Lists are nested {len(shape)} levels deep, but a tensor has at most {_MAX_DIMENSIONS} dimensions."
        )
    leaves = [value]
    for size in shape:
        if not all(type(item) is list and len(item) == size for item in leaves):
            break
        leaves = list(itertools.chain.from_iterable(leaves))
    else:
        if not any(type(leaf) is list for leaf in leaves):
            return _leaves_to_array(leaves, dtype).reshape(shape)
    _find_misfit(value, 0, shape, dtype)
    raise AssertionError("a shape that does not fit, and no element that says so")


def _find_misfit(value: Any, level: int, shape: list[int], dtype: int) -> None:
    """Walks in order to the first element that is wrong and raises what is."""
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            raise invalid(
                f"JSON Value: {describe(value)} found at incorrect level: {level + 1} in the JSON DOM. Expected at "
                f"level: {rank}"
            )
        _leaves_to_array([value], dtype)
        return
    if level >= rank:
        raise invalid(f"Encountered list at unexpected level: {level} expected < {rank}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for item in value:
        _find_misfit(item, level + 1, shape, dtype)


def _leaves_to_array(leaves: list, dtype: int) -> np.ndarray:
    """All elements in order, each checked; the first wrong one is the error."""
    target = np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
    if dtype == types_pb2.DT_STRING:
        return np.array([*map(_string, leaves), b""], object)[:-1]
    types = set(map(type, leaves))
    if dtype in _BOUNDS:
        low, high = _BOUNDS[dtype]
        if types - {int} or (leaves and not low <= min(leaves) <= max(leaves) <= high):
            raise _type_error(next(leaf for leaf in leaves if type(leaf) is not int or not low <= leaf <= high), dtype)
        wide = np.uint64 if dtype == types_pb2.DT_UINT64 else np.int64
        return np.array(leaves, wide).astype(target)
    if dtype in _FLOATS:
        if types - {int, float}:
            raise _type_error(next(leaf for leaf in leaves if type(leaf) not in (int, float)), dtype)
        return _floats(leaves, _FLOATS[dtype], dtype)
    if dtype == types_pb2.DT_BOOL:
        if types - {bool}:
            raise _type_error(next(leaf for leaf in leaves if type(leaf) is not bool), dtype)
        return np.array(leaves, bool)
    if leaves:
        text = f"Conversion of JSON Value: {describe(leaves[0])} to type: {dtype_name(dtype)}"
        raise ServingError(Code.UNIMPLEMENTED, text)
    return np.array(leaves, target)


def _floats(leaves: list, target: type[np.floating], dtype: int) -> np.ndarray:
    limits = np.finfo(target)
    whole = 2 ** (limits.nmant + 1) - 1  # larger whole numbers may lose digits
    values = np.array([leaf if type(leaf) is float else float(leaf) for leaf in leaves], np.float64)
    suspects = np.flatnonzero(np.isfinite(values) & (np.abs(values) > min(whole, float(limits.max))))
    for index in suspects:
        leaf = leaves[index]
        is_int = type(leaf) is int and _INT64[0] <= leaf < 2**64  # larger ones are doubles to the parser
        if abs(leaf) > (whole if is_int else float(limits.max)):
            raise invalid(
                f"Cannot convert JSON value: {describe(leaf)} to {dtype_name(dtype)} without loss of precision."
            )
    return values.astype(target)


def _string(leaf: Any) -> bytes:
    if isinstance(leaf, str):
        return to_bytes(leaf)
    if not isinstance(leaf, dict):
        raise _type_error(leaf, types_pb2.DT_STRING)
    if not _is_base64(leaf):
        raise invalid(f"JSON Value: {describe(leaf)} not formatted correctly for base64 data")
    data = b"".join(to_bytes(leaf["b64"]).split())
    bare = data.rstrip(b"=")
    padding = len(data) - len(bare)
    if not _BASE64.fullmatch(bare) or len(bare) % 4 == 1 or padding not in (0, -len(bare) % 4):
        raise invalid("Unable to base64 decode")
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4))
    except binascii.Error:
        raise invalid("Unable to base64 decode") from None


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _type_error(value: Any, dtype: int) -> ServingError:
    return invalid(
        f"JSON Value: {describe(value)} Type: {json_type(value)} is not of expected type: {dtype_name(dtype)}"
    )

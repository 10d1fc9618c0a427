"""Predict in JSON, by TensorFlow Serving's rules: rows (`instances`) or columns (`inputs`) to arrays, and back."""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style.serving.models.session import cpp_name
from tf_style.serving.wire.status import Code, ServingError, invalid

#: Input name -> number of its data type.
Types = Mapping[str, int]

_WIDTH = 32  # bits: narrower integers wrap
_JSON_NUMBERS = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64")
_KINDS = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
_BYTES_SUFFIX = "_bytes"  # outputs with this name are base64


def parse_json(body: bytes) -> dict[str, Any]:
    """The body of a request.

    Raises:
      ServingError: It is not JSON, or not an object.
    """
    try:
        document = json.loads(body)
    except RecursionError:
        raise invalid("JSON Parse error: Lists and objects are nested too deeply.") from None
    except ValueError as error:
        reason = error if body.strip() else "The document is empty"
        raise invalid(f"JSON Parse error: {reason}") from None
    if not isinstance(document, dict):
        raise _wrong(document, "Is not object")
    if not isinstance(document.get("signature_name", ""), str):
        raise _wrong(document, "not formatted correctly. 'signature_name' key must be a string value.")
    return document


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
    if "instances" in document and "inputs" in document:
        raise _wrong(document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ")
    if "inputs" in document:
        return _from_columns(document["inputs"], types), False
    if "instances" not in document:
        raise invalid("Missing 'inputs' or 'instances' key")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise _wrong(document, "Excepting 'instances' to be an list/array")
    if not instances:
        raise _wrong(document, "No values in 'instances' array")
    return _from_rows(instances, types), True


def outputs_to_json(outputs: Mapping[str, np.ndarray], *, rows: bool) -> str:
    """The answer: `{"predictions": [...]}` in rows, `{"outputs": ...}` in columns; one output alone has no name.

    Raises:
      ServingError: An output whose type has no form in JSON; in rows also one without batch dimension, or of another
        batch size.
    """
    if rows:
        _check_batch(outputs)
    columns = {name: _to_json(name, outputs[name]) for name in sorted(outputs)}
    if rows:
        names, values = list(columns), list(zip(*columns.values(), strict=True))
        predictions = [row[0] if len(names) == 1 else dict(zip(names, row, strict=True)) for row in values]
        return json.dumps({"predictions": predictions}, ensure_ascii=False)
    (first, *others) = columns.values()
    return json.dumps({"outputs": columns if others else first}, ensure_ascii=False)


def _wrong(value: Any, text: str) -> ServingError:
    return invalid(f"JSON Value: {json.dumps(value, indent=4, ensure_ascii=False)} {text}")


def _from_columns(value: Any, types: Types) -> dict[str, np.ndarray]:
    if not isinstance(value, dict) or _is_base64(value):
        if len(types) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        return {name: _to_array(value, dtype) for name, dtype in types.items()}
    for name in sorted(types):
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: _to_array(value[name], types[name]) for name in sorted(types)}


def _from_rows(instances: list, types: Types) -> dict[str, np.ndarray]:
    named = [isinstance(row, dict) and not _is_base64(row) for row in instances]
    if not named[0] and len(types) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    found: dict[str, list[np.ndarray]] = {name: [] for name in types}
    for index, row in enumerate(instances):
        if named[index] != named[0]:
            kinds = ("object", "list") if named[0] else ("value/list", "object")
            raise invalid(f"Expecting {kinds[0]} but got {kinds[1]} at item {index} of input list")
        items = row if named[0] else {name: row for name in types}
        for name, item in items.items():
            key = f" key: {name}" if named[0] else ""
            try:
                _add(found, name, item, types)
            except ServingError as error:
                raise invalid(f"Failed to process element: {index}{key} of 'instances' list. Error: {error}") from None
        if items.keys() != types.keys():
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object: "
                f"{json.dumps(row, indent=4, ensure_ascii=False)} keys must be equal to: {','.join(sorted(types))}"
            )
    return {name: np.stack(arrays) for name, arrays in found.items()}


def _add(found: dict[str, list[np.ndarray]], name: str, item: Any, types: Types) -> None:
    if name not in types:
        raise invalid(f"JSON object: does not have named input: {name}")
    array = _to_array(item, types[name])
    found[name].append(array)
    wanted, given = (f"[{','.join(map(str, one.shape))}]" for one in (found[name][0], array))
    if given != wanted:
        raise invalid(f"Expecting shape {wanted} but got: {given}")


def _to_array(value: Any, dtype: int) -> np.ndarray:
    """A value of nested lists; the first elements give the shape."""
    shape: list[int] = []
    leaves = [value]
    while leaves and isinstance(leaves[0], list):
        size, level = len(leaves[0]), len(shape)
        for leaf in leaves:
            if not isinstance(leaf, list):
                raise _wrong(leaf, f"found at incorrect level: {level} in the JSON DOM. Expected at level: {level + 1}")
            if len(leaf) != size:
                raise invalid(
                    f"Encountered list at unexpected size: {len(leaf)} at level: {level} expected size: {size}"
                )
        leaves = list(itertools.chain.from_iterable(leaves))
        shape.append(size)
    if any(isinstance(leaf, list) for leaf in leaves):
        raise invalid(f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}")
    array = _leaves_to_array(leaves, dtype)
    try:
        return array.reshape(shape)
    except ValueError:
        raise invalid(f"Lists are nested {len(shape)} levels deep, which is too deep for a tensor.") from None


def _leaves_to_array(leaves: list, dtype: int) -> np.ndarray:
    """All elements in order, each checked."""
    target = np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
    if target.kind == "O":
        return np.array([*(_string(leaf, dtype) for leaf in leaves), b""], object)[:-1]  # else numpy guesses a shape
    if target.name not in (*_JSON_NUMBERS, "bool"):
        text = f"Conversion of JSON Value: {json.dumps(leaves[:1])[1:-1]} to type: {cpp_name(tf.as_dtype(dtype))}"
        raise ServingError(Code.UNIMPLEMENTED, text)
    allowed: tuple[type, ...] = {"b": (bool,), "f": (int, float)}.get(target.kind, (int,))
    for leaf in leaves:
        if type(leaf) not in allowed:
            raise _wrong_type(leaf, dtype)
    if target.kind in "bf":
        try:
            values = np.array(leaves, np.float64)
        except OverflowError:
            raise invalid(f"A whole number is too large for {cpp_name(tf.as_dtype(dtype))}.") from None
        with np.errstate(over="ignore"):
            array = values.astype(target)
        if target.kind == "f" and not np.array_equal(np.isfinite(values), np.isfinite(array)):
            raise invalid(f"A number is too large for {cpp_name(tf.as_dtype(dtype))}.")
        return array
    bounds = np.iinfo(target if target.itemsize * 8 >= _WIDTH else np.int32)
    for leaf in leaves:
        if not bounds.min <= leaf <= bounds.max:
            raise _wrong_type(leaf, dtype)
    return np.array(leaves, bounds.dtype).astype(target)


def _string(leaf: Any, dtype: int) -> bytes:
    if isinstance(leaf, str):
        return leaf.encode("utf-8", "replace")
    if not isinstance(leaf, dict):
        raise _wrong_type(leaf, dtype)
    if not _is_base64(leaf):
        raise _wrong(leaf, "not formatted correctly for base64 data")
    data = "".join(leaf["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _wrong_type(value: Any, dtype: int) -> ServingError:
    kind = value if isinstance(value, bool) else _KINDS[type(value)]
    return _wrong(value, f"Type: {kind} is not of expected type: {cpp_name(tf.as_dtype(dtype))}")


def _check_batch(outputs: Mapping[str, np.ndarray]) -> None:
    size = -1
    for name in sorted(outputs):
        array = outputs[name]
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size not in (-1, len(array)):
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {size}")
        size = len(array)


def _to_json(name: str, array: np.ndarray) -> Any:
    """Nested lists; float32 with no more digits than it needs."""
    if array.dtype.name == "float32":
        return array.astype(str).astype(np.float64).tolist()
    if array.dtype.kind != "O":
        if array.dtype.name not in (*_JSON_NUMBERS, "bool"):
            dtype = tf.as_dtype(array.dtype)
            raise invalid(f"Failed to write JSON value for tensor type: {cpp_name(dtype)}")
        return array.tolist()
    return np.vectorize(_base64 if name.endswith(_BYTES_SUFFIX) else _text, otypes=[object])(array).tolist()


def _base64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")

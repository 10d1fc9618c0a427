"""Converts between numpy arrays and TensorProto messages."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_style.serving.wire.messages import DataType, TensorProto

Array = npt.NDArray[Any]

# DataType -> (numpy's type, the field for the values one by one). Servers fill that field unless they were told to send
# `tensor_content`, which holds the array's own bytes.
_TYPES = {
    "DT_FLOAT": ("float32", "float_val"),
    "DT_DOUBLE": ("float64", "double_val"),
    "DT_INT32": ("int32", "int_val"),
    "DT_UINT8": ("uint8", "int_val"),
    "DT_INT16": ("int16", "int_val"),
    "DT_INT8": ("int8", "int_val"),
    "DT_STRING": ("object", "string_val"),
    "DT_COMPLEX64": ("complex64", "scomplex_val"),
    "DT_INT64": ("int64", "int64_val"),
    "DT_BOOL": ("bool", "bool_val"),
    "DT_BFLOAT16": ("bfloat16", "half_val"),
    "DT_UINT16": ("uint16", "int_val"),
    "DT_COMPLEX128": ("complex128", "dcomplex_val"),
    "DT_HALF": ("float16", "half_val"),
    "DT_UINT32": ("uint32", "uint32_val"),
    "DT_UINT64": ("uint64", "uint64_val"),
}
_BY_NUMPY = {numpy_name: name for name, (numpy_name, _) in _TYPES.items()}
_FIXED_WIDTH = ("float_val", "double_val", "scomplex_val", "dcomplex_val")  # the others are varints


def type_name(number: int) -> str:
    """Numpy's name for a DataType: "uint8" for 4, "string" for text, "type 20" for one that numpy lacks."""
    value = DataType.values_by_number.get(number)
    if value is None or value.name not in _TYPES:
        return f"type {number}"
    return _TYPES[value.name][0].replace("object", "string")


def to_tensor(value: Any, *, as_content: bool = True) -> Any:
    """Packs an array into a message.

    Args:
      value: An array, or anything numpy can turn into one: numbers, booleans, bytes and text, of any shape.
      as_content: Send numbers as `tensor_content`, the array's own bytes. Otherwise they go into the typed field, where
        TensorFlow Serving puts its answers.

    Returns:
      A TensorProto. Bytes and text (as UTF-8) are always in `string_val`.

    Raises:
      ValueError: The type has no tensor counterpart.

    Example:
      to_tensor(np.zeros((1, 64, 64, 3), np.uint8))
    """
    array = np.asarray(value)
    is_text = array.dtype.kind in "SUO"
    name = "DT_STRING" if is_text else _BY_NUMPY.get(array.dtype.name)
    if is_text:
        array = np.asarray(value, dtype=object)  # numpy's own bytes lose zeros at their end
    if name is None or not all(isinstance(item, (bytes, str)) for item in (array.flat if is_text else ())):
        raise ValueError(f"An array of type {array.dtype} cannot be sent; allowed are bytes, text and {_numeric()}.")
    tensor = TensorProto(dtype=DataType.values_by_name[name].number)
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_shape.SetInParent()
    if is_text:
        tensor.string_val.extend(item.encode() if isinstance(item, str) else item for item in array.flat)
    elif as_content:
        tensor.tensor_content = _little_endian(array)
    elif array.size:
        field = _TYPES[name][1]
        fixed = field in _FIXED_WIDTH
        getattr(tensor, field).append(_little_endian(array) if fixed else _to_varints(array.ravel()))
    return tensor


def to_array(tensor: Any) -> Array:
    """Unpacks a message into a new array.

    Values may come as `tensor_content` or one by one. One by one, the last value stands for all that are missing.

    Args:
      tensor: A TensorProto.

    Returns:
      An array; of bytes objects for text, of float32 for bfloat16 (which numpy lacks).

    Raises:
      ValueError: numpy lacks the type, the shape is unknown, or the values do not fit it.

    Example:
      to_array(to_tensor([1.5, 2.5]))  # array([1.5, 2.5])
    """
    value = DataType.values_by_number.get(tensor.dtype)
    if value is None or value.name not in _TYPES:
        raise ValueError(f"The tensor is of {type_name(tensor.dtype)}; allowed are bytes and {_numeric()}.")
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise ValueError("The tensor has no definite shape; a server must give the length of each axis.")
    numpy_name, field = _TYPES[value.name]
    values = _values(tensor, numpy_name, field, math.prod(shape))
    return _extended(values, math.prod(shape)).reshape(shape)


def _values(tensor: Any, numpy_name: str, field: str, count: int) -> Array:
    """The values in the message, in one dimension: all of them, or all but repetitions of the last."""
    stored = np.dtype("uint16" if numpy_name == "bfloat16" else numpy_name)
    if numpy_name == "object":
        texts = _split(tensor.tensor_content, count) if tensor.tensor_content else list(tensor.string_val)
        values = np.empty(len(texts), object)
        values[:] = texts
    elif tensor.tensor_content:
        if len(tensor.tensor_content) != count * stored.itemsize:
            raise ValueError(f"The tensor has {len(tensor.tensor_content)} bytes for {count} values of {numpy_name}.")
        values = np.frombuffer(tensor.tensor_content, stored.newbyteorder("<")).astype(stored)
    elif field in _FIXED_WIDTH:
        values = _fixed(b"".join(getattr(tensor, field)), stored)
    else:
        packed = b"".join(getattr(tensor, field))
        if numpy_name == "uint8" and (small := _small_varints(packed)) is not None:
            return small
        numbers = _varints(packed)
        values = numbers.astype(np.uint16).view(np.float16) if numpy_name == "float16" else numbers.astype(stored)
    if numpy_name == "bfloat16":  # the upper half of a float32
        return (values.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return values


def _little_endian(array: Array) -> bytes:
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _to_varints(values: Array) -> bytes:
    """The reverse of `_varints`; negative numbers take ten bytes."""
    if values.dtype == np.uint8:  # pictures, many times faster: from 128 on, a byte is followed by a 1
        large = values >= 128
        octets = np.ones(values.size + np.count_nonzero(large), np.uint8)
        octets[np.arange(values.size) + np.cumsum(large) - large] = values
        return octets.tobytes()
    if values.dtype.name in ("float16", "bfloat16"):
        values = values.view(np.uint16)
    numbers = (values if values.dtype.kind in "ub" else values.astype(np.int64)).astype(np.uint64)
    places = np.arange(max(1, -(-int(numbers.max()).bit_length() // 7)), dtype=np.uint64)
    rest = numbers[:, None] >> (np.uint64(7) * places)
    digits = (rest & np.uint64(127)).astype(np.uint8) | np.where(rest > 127, np.uint8(128), np.uint8(0))
    return digits[(rest > 0) | (places == 0)].tobytes()


def _fixed(packed: bytes, stored: np.dtype[Any]) -> Array:
    if len(packed) % stored.itemsize:
        raise ValueError(f"The tensor has {len(packed)} bytes, which is not a whole number of {stored.name} values.")
    return np.frombuffer(packed, stored.newbyteorder("<")).astype(stored)


def _varints(packed: bytes) -> npt.NDArray[np.uint64]:
    """Decodes varints: 7 bits per byte, lowest first; a byte of 128 or more is continued. Negative numbers wrap."""
    octets = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(octets < 128)
    if octets.size and (not ends.size or ends[-1] != octets.size - 1):
        raise ValueError("The tensor's values are cut short.")
    if ends.size == octets.size:
        return octets.astype(np.uint64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    values = (octets[starts] & 127).astype(np.uint64)
    for place in range(1, int(lengths.max())):
        longer = np.flatnonzero(lengths > place)
        values[longer] |= (octets[starts[longer] + place] & 127).astype(np.uint64) << np.uint64(7 * place)
    return values


def _small_varints(packed: bytes) -> npt.NDArray[np.uint8] | None:
    """`_varints` for pictures, many times faster: below 256 the first byte says it all. None for other numbers."""
    octets = np.frombuffer(packed, np.uint8)
    starts = np.ones(octets.size + 1, bool)
    np.less(octets, 128, out=starts[1:])
    if not starts[-1] or (~starts[1:-1] & (octets[1:] != 1)).any():
        return None
    return octets[np.flatnonzero(starts[:-1])]  # five times faster than octets[starts[:-1]]


def _split(content: bytes, count: int) -> list[bytes]:
    """Text in `tensor_content`: first all lengths, then all texts."""
    octets = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(octets < 128)[:count]
    if len(ends) < count:
        raise ValueError(f"The tensor has {len(content)} bytes, too few for {count} texts.")
    start = int(ends[-1]) + 1 if count else 0
    lengths = [int(length) for length in _varints(content[:start])]
    if start + sum(lengths) != len(content):
        raise ValueError(f"The tensor has {len(content)} bytes, but its texts need {start + sum(lengths)}.")
    bounds = np.cumsum([start, *lengths]).tolist()
    return [content[begin:end] for begin, end in zip(bounds, bounds[1:], strict=False)]


def _extended(values: Array, count: int) -> Array:
    if values.size > count:
        raise ValueError(f"The tensor has {values.size} values for a shape of {count}.")
    if values.size == count:
        return values
    missing: Any = values[-1:] if values.size else np.array([b""] if values.dtype == object else [0], values.dtype)
    return np.concatenate([values, np.repeat(missing, count - values.size)])


def _numeric() -> str:
    return ", ".join(name for name in _BY_NUMPY if name != "object")

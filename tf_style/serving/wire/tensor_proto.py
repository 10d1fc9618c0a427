"""TensorProto to numpy and back, by the rules of TensorFlow's C++ Tensor rather than those of its Python."""

from __future__ import annotations

import math
import os

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

#: The names of C++'s DataTypeString where they differ from Python's.
_CPP_NAMES = {"float32": "float", "float64": "double", "float16": "half"}
# Which repeated field holds the values, and its number.
_FIELDS = {
    types_pb2.DT_FLOAT: ("float_val", 5),
    types_pb2.DT_DOUBLE: ("double_val", 6),
    types_pb2.DT_INT32: ("int_val", 7),
    types_pb2.DT_UINT8: ("int_val", 7),
    types_pb2.DT_INT16: ("int_val", 7),
    types_pb2.DT_INT8: ("int_val", 7),
    types_pb2.DT_UINT16: ("int_val", 7),
    types_pb2.DT_STRING: ("string_val", 8),
    types_pb2.DT_COMPLEX64: ("scomplex_val", 9),
    types_pb2.DT_INT64: ("int64_val", 10),
    types_pb2.DT_BOOL: ("bool_val", 11),
    types_pb2.DT_COMPLEX128: ("dcomplex_val", 12),
    types_pb2.DT_HALF: ("half_val", 13),
    types_pb2.DT_BFLOAT16: ("half_val", 13),
    types_pb2.DT_UINT32: ("uint32_val", 16),
    types_pb2.DT_UINT64: ("uint64_val", 17),
}
_AS_BITS = (types_pb2.DT_HALF, types_pb2.DT_BFLOAT16)  # stored as the 16 bits in an int
_AS_PAIRS = (types_pb2.DT_COMPLEX64, types_pb2.DT_COMPLEX128)
_MAX_DIMENSIONS = 254
_LENGTH_DELIMITED = 2


def dtype_name(dtype: int) -> str:
    """C++'s name of a data type: `float`, `uint8`, `string`."""
    name = tf.as_dtype(dtype).name
    return _CPP_NAMES.get(name, name)


def array_from_proto(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """The value of a TensorProto: `tensor_content`, or the typed field; a short field repeats its last value.

    Raises:
      ValueError: An unknown dtype, a shape that is unknown or larger than memory, content of another size.
    """
    if proto.dtype not in _FIELDS or proto.tensor_shape.unknown_rank:
        raise ValueError("no dtype or no shape")
    dtype = np.dtype(tf.as_dtype(proto.dtype).as_numpy_dtype)
    shape = tuple(dimension.size for dimension in proto.tensor_shape.dim)
    count = math.prod(shape)
    if min(shape, default=0) < 0 or len(shape) > _MAX_DIMENSIONS or count * dtype.itemsize > _memory():
        raise ValueError("no such shape")
    if proto.tensor_content and count and proto.dtype != types_pb2.DT_STRING:
        if len(proto.tensor_content) != count * dtype.itemsize:
            raise ValueError("content of another size")
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    values = _field_values(proto, dtype)[:count]
    if not len(values):
        return np.full(shape, b"", object) if dtype.hasobject else np.zeros(shape, dtype)
    result = np.empty(count, dtype)
    result[: len(values)] = values
    result[len(values) :] = values[-1]
    return result.reshape(shape)


def _field_values(proto: tensor_pb2.TensorProto, dtype: np.dtype) -> np.ndarray:
    field = getattr(proto, _FIELDS[proto.dtype][0])
    if dtype.hasobject:
        return np.array([*field, b""], object)[:-1]  # the empty one keeps numpy from guessing a shape
    if proto.dtype in _AS_BITS:
        return np.fromiter(field, np.int64, len(field)).astype(np.uint16).view(dtype)
    if proto.dtype in _AS_PAIRS:
        return np.array(field, np.float64)[: len(field) // 2 * 2].view(np.complex128).astype(dtype)
    if dtype.kind == "u" and dtype.itemsize == 8:
        return np.fromiter(field, np.uint64, len(field))
    if dtype.kind in "iu":
        return np.fromiter(field, np.int64, len(field)).astype(dtype)  # wraps, as a C++ cast does
    return np.fromiter(field, dtype, len(field))


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def proto_from_array(
    array: np.ndarray, *, as_content: bool = False, into: tensor_pb2.TensorProto | None = None
) -> tensor_pb2.TensorProto:
    """A TensorProto with the values in the typed field, as TensorFlow Serving answers.

    Args:
      array: Values; object arrays hold bytes.
      as_content: Put the bytes of numbers into `tensor_content` instead: smaller for small integers.
      into: An empty message to fill; default: a new one.
    """
    dtype = tf.as_dtype(array.dtype).as_datatype_enum
    proto = tensor_pb2.TensorProto() if into is None else into
    proto.dtype = dtype
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    name, number = _FIELDS[dtype]
    if dtype == types_pb2.DT_STRING:
        proto.string_val.extend(array.ravel().tolist())
    elif as_content:
        proto.tensor_content = array.tobytes()
    elif array.size:
        # Written as the packed field's bytes: a million numbers one by one would take longer than the run.
        payload = _packed(array.ravel(), dtype)
        tag = number << 3 | _LENGTH_DELIMITED
        proto.MergeFromString(_varints(np.array([tag])) + _varints(np.array([len(payload)])) + payload)
    return proto


def _packed(values: np.ndarray, dtype: int) -> bytes:
    if dtype in _AS_BITS:
        return _varints(values.view(np.uint16))
    if values.dtype.kind in "fc":
        return values.tobytes()
    return _varints(values)


def _varints(values: np.ndarray) -> bytes:
    """Protocol buffers' variable-length integers; negative ones take ten bytes."""
    if values.dtype == np.uint8:
        return _byte_varints(values)
    unsigned = values.astype(np.uint64) if values.dtype.kind in "ub" else values.astype(np.int64).view(np.uint64)
    widest = max(1, -(-int(unsigned.max()).bit_length() // 7))
    lengths = np.ones(unsigned.size, np.uint8)
    columns = np.empty((unsigned.size, widest), np.uint8)
    for column in range(widest):
        rest = unsigned >> np.uint64(7 * column)
        columns[:, column] = (rest & np.uint64(0x7F)) | np.uint64(0x80)
        lengths += (rest >= 0x80).astype(np.uint8)
    columns[np.arange(unsigned.size), lengths - 1] &= 0x7F
    return columns[np.arange(widest) < lengths[:, None]].tobytes()


def _byte_varints(values: np.ndarray) -> bytes:
    """The same for pictures, many times faster: from 128 on a byte stands for itself and is followed by a 1."""
    two = (values >= 0x80).astype(np.int32)
    places = np.arange(values.size, dtype=np.int32) + np.cumsum(two, dtype=np.int32) - two
    result = np.ones(values.size + int(two.sum()), np.uint8)
    result[places] = values
    return result.tobytes()

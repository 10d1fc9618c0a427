"""TensorFlow's C API by ctypes: what loading and running a SavedModel takes, and tensors to and from numpy.

The library is the one inside the TensorFlow wheel. It is opened once and with local symbols: with global ones it would
lend its own BoringSSL to every library that is loaded later.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import sys
import threading
from ctypes import c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path

import numpy as np

_STRING = 7  # DT_STRING
_STRING_BYTES = 24  # sizeof(TF_TString)
_ALIGNMENT = 64  # of tensors' buffers
# tensorflow::DisableXlaCompilation(), which the main() of TensorFlow Serving calls unless told otherwise.
_DISABLE_XLA = "_ZN10tensorflow21DisableXlaCompilationEv"


class Output(ctypes.Structure):
    """One output of an operation: TF_Output."""

    _fields_ = [("operation", c_void_p), ("index", c_int)]


class Buffer(ctypes.Structure):
    """Bytes that the library owns: TF_Buffer."""

    _fields_ = [("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p)]


_Deallocator = ctypes.CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)
_Outputs, _Pointers = ctypes.POINTER(Output), ctypes.POINTER(c_void_p)
_FUNCTIONS = {
    "TF_NewStatus": (c_void_p, ()),
    "TF_DeleteStatus": (None, (c_void_p,)),
    "TF_GetCode": (c_int, (c_void_p,)),
    "TF_Message": (c_char_p, (c_void_p,)),
    "TF_NewBuffer": (ctypes.POINTER(Buffer), ()),
    "TF_NewBufferFromString": (ctypes.POINTER(Buffer), (c_char_p, c_size_t)),
    "TF_DeleteBuffer": (None, (ctypes.POINTER(Buffer),)),
    "TF_NewSessionOptions": (c_void_p, ()),
    "TF_SetConfig": (None, (c_void_p, c_char_p, c_size_t, c_void_p)),
    "TF_DeleteSessionOptions": (None, (c_void_p,)),
    "TF_NewGraph": (c_void_p, ()),
    "TF_DeleteGraph": (None, (c_void_p,)),
    "TF_GraphOperationByName": (c_void_p, (c_void_p, c_char_p)),
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        (c_void_p, ctypes.POINTER(Buffer), c_char_p, ctypes.POINTER(c_char_p), c_int, c_void_p)
        + (ctypes.POINTER(Buffer), c_void_p),
    ),
    "TF_SessionRun": (
        None,
        (c_void_p, ctypes.POINTER(Buffer), _Outputs, _Pointers, c_int, _Outputs, _Pointers, c_int)
        + (c_void_p, c_int, c_void_p, c_void_p),
    ),
    "TF_CloseSession": (None, (c_void_p, c_void_p)),
    "TF_DeleteSession": (None, (c_void_p, c_void_p)),
    "TF_AllocateTensor": (c_void_p, (c_int, ctypes.POINTER(c_int64), c_int, c_size_t)),
    "TF_NewTensor": (
        c_void_p,
        (c_int, ctypes.POINTER(c_int64), c_int, c_void_p, c_size_t, _Deallocator, c_void_p),
    ),
    "TF_DeleteTensor": (None, (c_void_p,)),
    "TF_TensorType": (c_int, (c_void_p,)),
    "TF_NumDims": (c_int, (c_void_p,)),
    "TF_Dim": (c_int64, (c_void_p, c_int)),
    "TF_TensorByteSize": (c_size_t, (c_void_p,)),
    "TF_TensorData": (c_void_p, (c_void_p,)),
    "TF_StringInit": (None, (c_void_p,)),
    "TF_StringCopy": (None, (c_void_p, c_char_p, c_size_t)),
    "TF_StringGetDataPointer": (c_void_p, (c_void_p,)),
    "TF_StringGetSize": (c_size_t, (c_void_p,)),
    "TF_StringDealloc": (None, (c_void_p,)),
}
_lock = threading.Lock()


def library() -> ctypes.CDLL:
    """The library, opened at the first call.

    Raises:
      RuntimeError: TensorFlow is not installed, or its wheel has no C library.
    """
    with _lock:
        return _open()


@functools.cache
def _open() -> ctypes.CDLL:
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.origin is None:
        raise RuntimeError("TensorFlow is not installed: pip install tensorflow")
    name = "libtensorflow_cc.2.dylib" if sys.platform == "darwin" else "libtensorflow_cc.so.2"
    path = Path(spec.origin).parent / name
    if not path.is_file():
        raise RuntimeError(f"This TensorFlow has no {name}, which the session needs; use a wheel for Linux or macOS.")
    opened = ctypes.CDLL(str(path), mode=ctypes.RTLD_LOCAL)
    for function, (result, arguments) in _FUNCTIONS.items():
        getattr(opened, function).restype = result
        getattr(opened, function).argtypes = arguments
    return opened


def disable_xla() -> bool:
    """Forbids XLA compilation in this process, as TensorFlow Serving does by default.

    Returns:
      Whether this TensorFlow could be told so.
    """
    function = getattr(library(), _DISABLE_XLA, None)
    if function is None:
        return False
    function.restype, function.argtypes = None, ()
    function()
    return True


def new_tensor(array: np.ndarray, dtype: int) -> int:
    """A TF_Tensor with a copy of the values; to be deleted by the caller.

    Args:
      array: Values; bytes or str where dtype is DT_STRING.
      dtype: The number of TensorFlow's data type.
    """
    dims = (c_int64 * array.ndim)(*array.shape)
    if dtype == _STRING:
        return _new_string_tensor(array, dims)
    values = np.require(array, requirements="C")
    tensor = library().TF_AllocateTensor(dtype, dims, array.ndim, values.nbytes)
    if values.nbytes:
        ctypes.memmove(library().TF_TensorData(tensor), values.ctypes.data, values.nbytes)
    return tensor


_string_storage: dict[int, ctypes.Array] = {}


@_Deallocator
def _release_strings(data: int, length: int, _: int) -> None:
    """Called by the library when the last of its references to a string tensor is gone."""
    for offset in range(0, length, _STRING_BYTES):
        _open().TF_StringDealloc(data + offset)
    _string_storage.pop(data, None)


def _new_string_tensor(array: np.ndarray, dims: ctypes.Array) -> int:
    items = [item.encode() if isinstance(item, str) else bytes(item) for item in array.ravel().tolist()]
    length = _STRING_BYTES * len(items)
    storage = ctypes.create_string_buffer(length + _ALIGNMENT)
    data = -(-ctypes.addressof(storage) // _ALIGNMENT) * _ALIGNMENT
    for index, item in enumerate(items):
        library().TF_StringInit(data + index * _STRING_BYTES)
        library().TF_StringCopy(data + index * _STRING_BYTES, item, len(item))
    _string_storage[data] = storage
    return library().TF_NewTensor(_STRING, dims, array.ndim, data, length, _release_strings, None)


def read_tensor(tensor: int, dtype: np.dtype) -> np.ndarray:
    """A copy of a TF_Tensor's values; strings become an object array of bytes."""
    opened = library()
    shape = tuple(opened.TF_Dim(tensor, axis) for axis in range(opened.TF_NumDims(tensor)))
    data = opened.TF_TensorData(tensor)
    result = np.empty(shape, dtype)
    if opened.TF_TensorType(tensor) == _STRING:
        flat = result.reshape(-1)
        for index in range(flat.size):
            item = data + index * _STRING_BYTES
            flat[index] = ctypes.string_at(opened.TF_StringGetDataPointer(item), opened.TF_StringGetSize(item))
    elif result.nbytes:
        ctypes.memmove(result.ctypes.data, data, result.nbytes)
    return result

"""A SavedModel in TensorFlow's C++ session: the loader and the session that TensorFlow Serving runs."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from types import TracebackType

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

from tf_style.serving.models import c_api
from tf_style.serving.wire.status import Code, ServingError


class SessionError(ServingError):
    """A SavedModel that does not load, or a run that failed; with TensorFlow's own code and text."""


class Session:
    """A loaded SavedModel. Any number of threads may run it at once; made by `load`.

    The session checks the dtype of what it is fed, but never the shape: a graph without its own guards may end the
    process.

    Example:
      with Session.load("model/1") as session:
          (image,) = session.run({"stylize_content:0": content}, ["StatefulPartitionedCall:0"])
    """

    def __init__(self, handle: int, graph: int, meta_graph: bytes) -> None:
        self._handle: int | None = handle
        self._graph = graph
        #: Signature name -> SignatureDef.
        self.signatures = dict(meta_graph_pb2.MetaGraphDef.FromString(meta_graph).signature_def)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        tags: Sequence[str] = ("serve",),
        *,
        intra_op_threads: int = 0,
        inter_op_threads: int = 0,
        gpu_memory_fraction: float = 0.0,
    ) -> Session:
        """Loads the graph and the variables of a SavedModel and runs its initialisation.

        Args:
          path: The folder that holds saved_model.pb.
          tags: Which of its graphs.
          intra_op_threads: Threads of one operation; 0: one a core.
          inter_op_threads: Operations at a time; 0: one a core.
          gpu_memory_fraction: Share of each GPU's memory that the process takes at its first session; 0: nearly all.

        Raises:
          SessionError: It cannot be loaded.
        """
        library = c_api.library()
        config = config_pb2.ConfigProto(
            intra_op_parallelism_threads=intra_op_threads,
            inter_op_parallelism_threads=inter_op_threads,
            use_per_session_threads=inter_op_threads > 0,  # else the first session decides for the whole process
            gpu_options=config_pb2.GPUOptions(per_process_gpu_memory_fraction=gpu_memory_fraction),
        ).SerializeToString()
        labels = (ctypes.c_char_p * len(tags))(*(tag.encode() for tag in tags))
        options, graph, meta_graph = library.TF_NewSessionOptions(), library.TF_NewGraph(), library.TF_NewBuffer()
        try:
            with _status() as status:
                library.TF_SetConfig(options, config, len(config), status)
            with _status() as status:
                handle = library.TF_LoadSessionFromSavedModel(
                    options, None, fspath(path).encode(), labels, len(tags), graph, meta_graph, status
                )
            return cls(handle, graph, ctypes.string_at(meta_graph.contents.data, meta_graph.contents.length))
        except SessionError:
            library.TF_DeleteGraph(graph)
            raise
        finally:
            library.TF_DeleteBuffer(meta_graph)
            library.TF_DeleteSessionOptions(options)

    def run(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout_ms: int = 0) -> list[np.ndarray]:
        """Runs the graph.

        Args:
          feeds: Tensor name ("content:0") -> value; strings as object arrays of bytes.
          fetches: Names of the tensors to return.
          timeout_ms: The run stops at the next operation after this many milliseconds; 0 or less: no limit.

        Returns:
          The values of `fetches`.

        Raises:
          SessionError: What the graph, the dtype check or the deadline says.
        """
        if self._handle is None:
            raise SessionError(Code.FAILED_PRECONDITION, "The session is closed.")
        library = c_api.library()
        inputs = (c_api.Output * len(feeds))(*map(self._tensor, feeds))
        outputs = (c_api.Output * len(fetches))(*map(self._tensor, fetches))
        values, results = (ctypes.c_void_p * len(feeds))(), (ctypes.c_void_p * len(fetches))()
        limit = config_pb2.RunOptions(timeout_in_ms=max(timeout_ms, 0)).SerializeToString()
        options = library.TF_NewBufferFromString(limit, len(limit))
        try:
            for index, value in enumerate(feeds.values()):
                values[index] = c_api.new_tensor(value, tf.as_dtype(_plain(value.dtype)).as_datatype_enum)
            with _status() as status:
                library.TF_SessionRun(
                    *(self._handle, options, inputs, values, len(feeds), outputs, results, len(fetches)),
                    *(None, 0, None, status),
                )
            types = (tf.as_dtype(library.TF_TensorType(result)) for result in results)
            return [
                c_api.read_tensor(result, np.dtype(dtype.as_numpy_dtype))
                for result, dtype in zip(results, types, strict=True)
            ]
        finally:
            for tensor in (*values, *results):
                if tensor:
                    library.TF_DeleteTensor(tensor)
            library.TF_DeleteBuffer(options)

    def close(self) -> None:
        """Frees the session and its variables; no run may be under way."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        library = c_api.library()
        with _status() as status:
            library.TF_CloseSession(handle, status)
        with _status() as status:
            library.TF_DeleteSession(handle, status)
        library.TF_DeleteGraph(self._graph)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tensor(self, name: str) -> c_api.Output:
        operation, _, index = name.partition(":")
        handle = c_api.library().TF_GraphOperationByName(self._graph, operation.encode())
        if not handle:
            raise SessionError(Code.INVALID_ARGUMENT, f"Tensor {name}, specified in the signature, was not found.")
        return c_api.Output(handle, int(index or 0))


def _plain(dtype: np.dtype) -> np.dtype:
    return np.dtype(object) if dtype.kind in "SU" else dtype


@contextmanager
def _status() -> Iterator[int]:
    """A TF_Status for one call; what it says when the call is over becomes a SessionError."""
    library = c_api.library()
    status = library.TF_NewStatus()
    try:
        yield status
        code = library.TF_GetCode(status)
        if code:
            raise SessionError(code, library.TF_Message(status).decode("utf-8", "replace"))
    finally:
        library.TF_DeleteStatus(status)

"""A SavedModel in TensorFlow's graph session, which runs it as TensorFlow Serving does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tf_style.serving.wire.status import Code, ServingError

_CPP_NAMES = {"float32": "float", "float64": "double", "float16": "half"}
_PREFIX = "Graph execution error:\n\n"  # Python's, before what the graph says


class SessionError(ServingError):
    """A SavedModel that does not load, or a run that failed, with TensorFlow's own code and text."""


class Session:
    """A loaded SavedModel. Any number of threads may run it at once; made by `load`.

    As in TensorFlow Serving, shapes are not checked before a run: a graph without its own guards may end the process.

    Example:
      with Session.load("model/1") as session:
          (image,) = session.run({"stylize_content:0": content}, ["StatefulPartitionedCall:0"])
    """

    def __init__(self, session: tf.compat.v1.Session) -> None:
        self._session: tf.compat.v1.Session | None = session
        self._inputs: dict[str, tf.Tensor] = {}
        #: Signature name -> SignatureDef.
        self.signatures: dict[str, meta_graph_pb2.SignatureDef] = {}

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
          tags: Which of its graphs to load.
          intra_op_threads: Threads for one operation; 0: one per core.
          inter_op_threads: Operations that run at once; 0: one per core.
          gpu_memory_fraction: Share of each GPU's memory that the process takes at its first session; 0: nearly all.

        Raises:
          SessionError: It cannot be loaded.
        """
        meta_graph = _meta_graph(Path(path), set(tags))
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=intra_op_threads,
            inter_op_parallelism_threads=inter_op_threads,
            use_per_session_threads=inter_op_threads > 0,  # else the first session decides for the whole process
            gpu_options=tf.compat.v1.GPUOptions(per_process_gpu_memory_fraction=gpu_memory_fraction),
        )
        loaded = cls(tf.compat.v1.Session(graph=tf.Graph(), config=config))
        try:
            loaded._open(meta_graph, list(tags), fspath(path))
        except tf.errors.OpError as error:
            loaded.close()
            raise SessionError(error.error_code, error.message) from None
        except BaseException:
            loaded.close()
            raise
        return loaded

    def run(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout_ms: int = 0) -> list[np.ndarray]:
        """Runs the graph.

        Args:
          feeds: Tensor name ("content:0") -> value of the tensor's own dtype; strings as object arrays of bytes.
          fetches: Names of the tensors to return.
          timeout_ms: The run stops at the next operation after this many milliseconds; 0 or less: no limit.

        Returns:
          The values of `fetches`.

        Raises:
          SessionError: The dtype of a value is wrong, or what the graph or the deadline says.
        """
        if self._session is None:
            raise SessionError(Code.FAILED_PRECONDITION, "The session is closed.")
        values = {self._inputs[name]: value for name, value in feeds.items()}
        for place, (tensor, value) in enumerate(values.items()):
            _check_dtype(place, tensor.dtype, tf.as_dtype(value.dtype))
        tensors = [name if ":" in name else f"{name}:0" for name in fetches]  # the name alone is the operation's
        try:
            return self._session.run(tensors, values, tf.compat.v1.RunOptions(timeout_in_ms=max(timeout_ms, 0)))
        except tf.errors.OpError as error:
            raise SessionError(error.error_code, error.message.removeprefix(_PREFIX)) from None
        except (KeyError, TypeError, ValueError) as error:  # Python's own checks
            raise SessionError(Code.INVALID_ARGUMENT, str(error)) from None

    def close(self) -> None:
        """Frees the session and its variables; no run may be under way."""
        if self._session is not None:
            self._session.close()
        self._session = None

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, meta_graph: meta_graph_pb2.MetaGraphDef, tags: list[str], path: str) -> None:
        """Fills the session. Inputs become placeholders of any shape, because Python refuses other shapes unrun."""
        assert self._session is not None
        self.signatures = dict(meta_graph.signature_def)
        inputs = {info.name: info for signature in self.signatures.values() for info in signature.inputs.values()}
        with self._session.graph.as_default():
            self._inputs = {name: tf.compat.v1.placeholder(info.dtype) for name, info in inputs.items()}
            tf.compat.v1.saved_model.load(self._session, tags, path, input_map=self._inputs)


def cpp_name(dtype: tf.DType) -> str:
    """TensorFlow's C++ name for a data type: `float`, `uint8`, `string`."""
    return _CPP_NAMES.get(dtype.name, dtype.name)


def _check_dtype(place: int, wanted: tf.DType, given: tf.DType) -> None:
    """Refuses what Python would convert. Only bfloat16 may be float32, as `to_array` reads it."""
    if given != wanted and (given, wanted) != (tf.float32, tf.bfloat16):
        text = f"Expects arg[{place}] to be {cpp_name(wanted)} but {cpp_name(given)} is provided"
        raise SessionError(Code.INVALID_ARGUMENT, text)


def _meta_graph(folder: Path, tags: set[str]) -> meta_graph_pb2.MetaGraphDef:
    path = folder / "saved_model.pb"
    try:
        graphs = saved_model_pb2.SavedModel.FromString(path.read_bytes()).meta_graphs
    except OSError as error:
        raise SessionError(Code.NOT_FOUND, f"Could not find SavedModel at {folder}: {error.strerror}") from None
    except DecodeError:
        raise SessionError(Code.DATA_LOSS, f"Could not parse {path}: it is damaged.") from None
    for graph in graphs:
        if set(graph.meta_info_def.tags) == tags:
            return graph
    wanted = " ".join(sorted(tags))
    raise SessionError(Code.NOT_FOUND, f"Could not find meta graph def matching supplied tags: {{ {wanted} }}")

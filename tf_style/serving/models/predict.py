"""Predict: TensorFlow Serving's checks in its order and its words, then one run of the session."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

from tf_style.serving.wire.messages import TensorProto
from tf_style.serving.wire.status import Code, ServingError, invalid
from tf_style.serving.wire.tensors import to_array

DEFAULT_SIGNATURE = "serving_default"
_METHODS = ("tensorflow/serving/predict", "tensorflow/serving/classify", "tensorflow/serving/regress")

SignatureDef: TypeAlias = meta_graph_pb2.SignatureDef


class Runner(Protocol):
    """The part of a Session that a run needs."""

    signatures: dict[str, SignatureDef]

    def run(self, feeds: Mapping[str, np.ndarray], fetches: list[str], timeout_ms: int) -> list[np.ndarray]:
        """As Session.run."""


class PredictOptions(NamedTuple):
    """How runs are checked and measured: `timed` calls the function it is given."""

    check_method: bool = False
    timed: Callable[[Callable[[], list[np.ndarray]]], list[np.ndarray]] = lambda run: run()


class Prediction(NamedTuple):
    """The answer: which signature ran, and its outputs by alias."""

    signature_name: str
    outputs: dict[str, np.ndarray]


def predict(session: Runner, request: Any, timeout_ms: int = 0, options: PredictOptions | None = None) -> Prediction:
    """Runs one request on a loaded model. Its model_spec chooses only the signature.

    Args:
      session: The loaded model.
      request: A PredictRequest of `wire.messages`.
      timeout_ms: The run stops after this many milliseconds; 0 or less: no limit.
      options: How to check and measure the run.

    Raises:
      ServingError: The request does not fit the signature, or the run failed.
    """
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    if name not in session.signatures:
        raise ServingError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    signature, options = session.signatures[name], options or PredictOptions()
    if options.check_method:
        _check_method(signature)
    _check_number(signature, request.inputs)
    arrays = _input_values(signature, request.inputs)
    aliases = _outputs(signature, request.output_filter)
    return Prediction(name, _run(session, signature, arrays, aliases, timeout_ms, options))


def predict_arrays(
    session: Runner, name: str, arrays: Mapping[str, np.ndarray], timeout_ms: int, options: PredictOptions
) -> dict[str, np.ndarray]:
    """Runs a signature on arrays, one for each of its inputs; returns all its outputs.

    Raises:
      ServingError: The run failed.
    """
    signature = session.signatures[name]
    if options.check_method:
        _check_method(signature)
    return _run(session, signature, arrays, sorted(signature.outputs), timeout_ms, options)


def _run(
    session: Runner,
    signature: SignatureDef,
    arrays: Mapping[str, np.ndarray],
    aliases: list[str],
    timeout_ms: int,
    options: PredictOptions,
) -> dict[str, np.ndarray]:
    feeds = {signature.inputs[alias].name: array for alias, array in arrays.items()}
    fetches = [signature.outputs[alias].name for alias in aliases]
    values = options.timed(lambda: session.run(feeds, fetches, timeout_ms))
    return dict(zip(aliases, values, strict=True))


def _check_method(signature: SignatureDef) -> None:
    if signature.method_name not in _METHODS:
        text = f"Expected prediction signature method_name to be one of {{{', '.join(_METHODS)}}}."
        raise ServingError(Code.INTERNAL, f"{text} Was: {signature.method_name}")


def _check_number(signature: SignatureDef, inputs: Mapping) -> None:
    given, wanted = set(inputs), set(signature.inputs)
    if len(given) > len(wanted) or (len(given) < len(wanted) and not signature.defaults):
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(wanted)} len({{{_join(given)}}}) != "
            f"len({{{_join(wanted)}}}). Sent extra: {{{_join(given - wanted)}}}. "
            f"Missing but required: {{{_join(wanted - given)}}}."
        )


def _input_values(signature: SignatureDef, inputs: Mapping) -> dict[str, np.ndarray]:
    """Values by alias; defaults fill the gaps."""
    arrays, used = {}, set()
    for alias in sorted(signature.inputs):
        if alias in inputs:
            proto = inputs[alias]
            used.add(alias)
        elif alias in signature.defaults:
            proto = TensorProto.FromString(signature.defaults[alias].SerializeToString())
        else:
            raise invalid(
                f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) not found in request and "
                f"no default value provided. Inputs expected to be in the request {{{_join(inputs)}}}, or default "
                f"input alias set: {_join(signature.defaults)}"
            )
        try:
            arrays[alias] = _value(proto)
        except (MemoryError, ValueError):
            raise invalid(f"tensor parsing error: {alias}") from None
    if len(used) != len(inputs):
        raise invalid(
            f"Inputs contains invalid name. Used request inputs: {_join(used)}, request input: {_join(inputs)}"
        )
    return arrays


def _value(proto: Any) -> np.ndarray:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if math.prod(max(dim.size, 1) for dim in proto.tensor_shape.dim) > memory:
        raise ValueError("a shape larger than memory")
    return to_array(proto)


def _outputs(signature: SignatureDef, output_filter: Iterable[str]) -> list[str]:
    aliases: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
                f"{{{_join(signature.outputs)}}}."
            )
        if alias in aliases:
            raise invalid(f"duplicate output tensor alias: {alias}")
        aliases.append(alias)
    return aliases or sorted(signature.outputs)


def _join(names: Iterable[str]) -> str:
    return ",".join(sorted(names))

"""The gRPC door: TensorFlow Serving's two services, and the health check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from tf_style.serving.server.calls import Calls
from tf_style.serving.wire.status import Code, ServingError

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_NO_LIMIT_MS = 2**31 - 1  # what TensorFlow Serving makes of a call without deadline
_HEALTH_SERVICE = "grpc.health.v1.Health"
_HEALTHY_NAMES = ("", "ModelService", "PredictionService")
_SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}
_Result = TypeVar("_Result")


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, GetModelMetadata, and the refusals of Classify, Regress and MultiInference."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Runs a signature."""
        return self._counted("Predict", request, context, lambda: self._calls.predict(request, _timeout(context)))

    def Classify(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Refuses."""
        return self._counted("Classify", request, context, lambda: self._calls.classify(request))

    def Regress(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Refuses."""
        return self._counted("Regress", request, context, lambda: self._calls.regress(request))

    def MultiInference(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Refuses."""
        return _answer(context, lambda: self._calls.multi_inference(request))

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Says which signatures there are."""
        return _answer(context, lambda: self._calls.metadata(request))

    def _counted(self, api: str, request: Any, context: grpc.ServicerContext, call: Callable[[], _Result]) -> _Result:
        name = request.model_spec.name
        return _answer(context, lambda: self._calls.counted(name, api, "GRPC", call))


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Says which versions there are, and how they are."""
        return _answer(context, lambda: self._calls.status(request))

    def HandleReloadConfigRequest(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Replaces the list of models."""
        return _answer(context, lambda: self._calls.reload(request))


def add_services(server: grpc.Server, calls: Calls, *, health: bool) -> None:
    """Gives a server its services.

    Args:
      server: Not started yet.
      calls: What the answers are made of.
      health: Whether grpc.health.v1 answers, too.
    """
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(calls), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(calls), server)
    if health:
        handlers = {
            "Check": grpc.unary_unary_rpc_method_handler(_check_health),
            "Watch": grpc.unary_stream_rpc_method_handler(_watch_health),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_HEALTH_SERVICE, handlers),))


def _answer(context: grpc.ServicerContext, call: Callable[[], _Result]) -> _Result:
    try:
        return call()
    except ServingError as error:
        context.abort(_CODES[int(error.code)], error.grpc_text)
    except Exception as error:  # a bug of ours is this request's failure and nobody else's
        context.abort(
            grpc.StatusCode.INTERNAL, ServingError(Code.INTERNAL, f"{type(error).__name__}: {error}").grpc_text
        )
    raise AssertionError("abort raises")


def _timeout(context: grpc.ServicerContext) -> int:
    """Milliseconds that are left to the client; what is not positive is no limit to a session, as in the original."""
    remaining = context.time_remaining()
    return _NO_LIMIT_MS if remaining is None else min(int(remaining * 1000), _NO_LIMIT_MS)


def _check_health(request: bytes, context: grpc.ServicerContext) -> bytes:
    name = request[2:].decode("utf-8", "replace")  # HealthCheckRequest{service}: a tag, a length of one byte, the name
    if name not in _HEALTHY_NAMES:
        context.abort(grpc.StatusCode.NOT_FOUND, "")
    return _SERVING


def _watch_health(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    name = request[2:].decode("utf-8", "replace")
    yield _SERVING if name in _HEALTHY_NAMES else b"\x08\x03"  # SERVICE_UNKNOWN

"""The gRPC port: TensorFlow Serving's two services, and the health check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    regression_pb2,
)

from tf_style.serving.server.calls import Calls
from tf_style.serving.wire.messages import PredictRequest
from tf_style.serving.wire.status import Code, ServingError

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_NO_LIMIT_MS = 2**31 - 1  # what TensorFlow Serving makes of a call without deadline
_HEALTHY_NAMES = ("", "ModelService", "PredictionService")
_SERVING, _SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x03"  # HealthCheckResponse


def add_services(server: grpc.Server, calls: Calls, *, health: bool) -> None:
    """Gives a server its services.

    Args:
      server: Not started yet.
      calls: Make the answers.
      health: Whether to answer grpc.health.v1 too.
    """

    def counted(method: str, call: Callable[[Any, int], Any]) -> Callable[[Any, int], Any]:
        return lambda request, ms: calls.counted(request.model_spec.name, method, "GRPC", lambda: call(request, ms))

    prediction = {
        "Predict": _method(PredictRequest, counted("Predict", calls.predict)),
        "Classify": _method(classification_pb2.ClassificationRequest, counted("Classify", _refuse(calls))),
        "Regress": _method(regression_pb2.RegressionRequest, counted("Regress", _refuse(calls))),
        "MultiInference": _method(inference_pb2.MultiInferenceRequest, _refuse(calls)),
        "GetModelMetadata": _method(
            get_model_metadata_pb2.GetModelMetadataRequest, lambda request, _: calls.metadata(request)
        ),
    }
    models = {
        "GetModelStatus": _method(get_model_status_pb2.GetModelStatusRequest, lambda request, _: calls.status(request)),
        "HandleReloadConfigRequest": _method(
            model_management_pb2.ReloadConfigRequest, lambda request, _: calls.reload(request)
        ),
    }
    services = {"tensorflow.serving.PredictionService": prediction, "tensorflow.serving.ModelService": models}
    if health:
        services["grpc.health.v1.Health"] = {
            "Check": grpc.unary_unary_rpc_method_handler(_check_health),
            "Watch": grpc.unary_stream_rpc_method_handler(_watch_health),
        }
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(name, methods) for name, methods in services.items()]
    )


def _method(request_type: Any, call: Callable[[Any, int], Any]) -> grpc.RpcMethodHandler:
    """A method from a function of the request and the milliseconds that are left to the client."""

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return call(request, _milliseconds_left(context))
        except ServingError as error:
            refusal = error
        except Exception as error:  # a bug of ours is this request's failure and nobody else's
            refusal = ServingError(Code.INTERNAL, f"{type(error).__name__}: {error}")
        context.abort(_CODES[int(refusal.code)], refusal.grpc_text)
        raise AssertionError("abort raises")

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=request_type.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


def _refuse(calls: Calls) -> Callable[[Any, int], Any]:
    """Classify, Regress and MultiInference."""

    def refuse(request: Any, _: int) -> Any:
        tasks = getattr(request, "tasks", [request])  # MultiInference has many, each with a model
        return calls.refuse(tasks[0].model_spec if tasks else None)

    return refuse


def _milliseconds_left(context: grpc.ServicerContext) -> int:
    remaining = context.time_remaining()
    return _NO_LIMIT_MS if remaining is None else min(int(remaining * 1000), _NO_LIMIT_MS)


def _check_health(request: bytes, context: grpc.ServicerContext) -> bytes:
    if _service_name(request) not in _HEALTHY_NAMES:
        context.abort(grpc.StatusCode.NOT_FOUND, "")
    return _SERVING


def _watch_health(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    yield _SERVING if _service_name(request) in _HEALTHY_NAMES else _SERVICE_UNKNOWN


def _service_name(request: bytes) -> str:
    """Of a HealthCheckRequest{service}: a tag, a length of one byte, the name."""
    return request[2:].decode("utf-8", "replace")

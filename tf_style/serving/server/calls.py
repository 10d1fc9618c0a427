"""What each call does, over gRPC or REST, with TensorFlow Serving's checks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_management_pb2, model_pb2

from tf_style.serving.models.manager import ModelManager
from tf_style.serving.models.predict import PredictOptions, predict, predict_arrays
from tf_style.serving.models.servable import Servable
from tf_style.serving.server.metrics import Metrics
from tf_style.serving.wire.messages import PredictResponse
from tf_style.serving.wire.status import Code, ServingError, invalid
from tf_style.serving.wire.tensors import to_tensor

_SIGNATURE_DEF = "signature_def"
_Result = TypeVar("_Result")


class Calls:
    """The calls behind the gRPC and REST ports.

    Args:
      manager: The models.
      metrics: Counts requests.
      as_content: Answer with `tensor_content` instead of typed fields.
      check_method: Refuse signatures whose method is not predict, classify or regress.
    """

    def __init__(self, manager: ModelManager, metrics: Metrics, *, as_content: bool, check_method: bool) -> None:
        self.manager, self.metrics = manager, metrics
        self._as_content, self._check_method = as_content, check_method

    def counted(self, model: str, api: str, entrypoint: str, call: Callable[[], _Result]) -> _Result:
        """Makes a call and counts it in the metrics."""
        start, status = time.perf_counter(), Code.UNKNOWN
        try:
            result = call()
            status = Code.OK
            return result
        except ServingError as error:
            status = error.code
            raise
        finally:
            self.metrics.request(model, status.name, api, entrypoint, time.perf_counter() - start)

    def predict(self, request: Any, timeout_ms: int) -> Any:
        """Predict over gRPC, from a PredictRequest to a PredictResponse of `wire.messages`.

        Raises:
          ServingError: The request is wrong, or the run failed.
        """
        _check_spec(request)
        with self.manager.acquire(request.model_spec) as servable:
            prediction = predict(servable.session, request, timeout_ms, self._options(servable.name))
            response = PredictResponse()
            response.model_spec.name = request.model_spec.name
            response.model_spec.signature_name = prediction.signature_name
            response.model_spec.version.value = servable.version
        for alias, value in prediction.outputs.items():
            response.outputs[alias].CopyFrom(to_tensor(value, as_content=self._as_content))
        return response

    def predict_arrays(self, servable: Servable, name: str, arrays: dict, timeout_ms: int) -> dict[str, np.ndarray]:
        """Predict over REST: runs a signature of an acquired version.

        Raises:
          ServingError: The run failed.
        """
        options = self._options(servable.name)
        return predict_arrays(servable.session, name, arrays, timeout_ms, options)

    def refuse(self, spec: model_pb2.ModelSpec | None) -> NoReturn:
        """Classify, Regress and MultiInference, which no exported style model can do.

        Raises:
          ServingError: Always.
        """
        with self.manager.acquire(spec or model_pb2.ModelSpec()):
            raise invalid("The model has no signature to classify or regress with; use Predict.")

    def metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """GetModelMetadata: the signatures.

        Raises:
          ServingError: The request is wrong.
        """
        _check_spec(request)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise invalid(f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with self.manager.acquire(request.model_spec) as servable:
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, signature in servable.session.signatures.items():
                signatures.signature_def[name].CopyFrom(signature)
        response.metadata[_SIGNATURE_DEF].Pack(signatures)
        return response

    def status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """GetModelStatus: every version ever wanted, the highest first, or the one asked for.

        Raises:
          ServingError: NOT_FOUND, or there is no model_spec.
        """
        _check_spec(request)
        spec = request.model_spec
        statuses = self.manager.statuses(spec.name)
        if spec.HasField("version"):
            version = spec.version.value
            if version not in statuses:
                raise ServingError(Code.NOT_FOUND, f"Could not find version {version} of model {spec.name}")
            statuses = {version: statuses[version]}
        if not statuses:
            raise ServingError(Code.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, status in statuses.items():
            entry = response.model_version_status.add(version=version, state=int(status.state))
            entry.status.SetInParent()
            if status.error:
                entry.status.error_code = int(status.error.code)
                entry.status.error_message = status.error.message
        return response

    def reload(self, request: model_management_pb2.ReloadConfigRequest) -> model_management_pb2.ReloadConfigResponse:
        """HandleReloadConfigRequest: replaces the list of models, and returns when new ones are available.

        Raises:
          ServingError: The configuration is not allowed, or a new model failed to load.
        """
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently "
                "supported"
            )
        before = {name: self.metrics.total(name) for name in request.metric_names}
        self.manager.reload(request.config)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        for name, count in before.items():
            now = self.metrics.total(name)
            if count is not None and now is not None:
                response.metric.add(name=name, int64_value_increase=now - count)
        return response

    def _options(self, model: str) -> PredictOptions:
        return PredictOptions(self._check_method, lambda run: self.metrics.timed_run(model, run))


def _check_spec(request: object) -> None:
    if not request.HasField("model_spec"):  # type: ignore[attr-defined]
        raise invalid("Missing ModelSpec")

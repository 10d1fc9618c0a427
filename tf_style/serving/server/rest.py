"""The REST API: paths to calls, and their answers in JSON."""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import Any, NamedTuple

from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2

from tf_style.serving.models.predict import DEFAULT_SIGNATURE
from tf_style.serving.server.calls import Calls
from tf_style.serving.server.json_tensors import inputs_from_json, outputs_to_json, parse_json
from tf_style.serving.wire.status import Code, ServingError, invalid

#: The paths that the REST API answers; others are unknown.
API_PATH = re.compile(r"/v1/.*", re.IGNORECASE | re.DOTALL)
_MODEL = r"/v1/models{}(?:(?:/versions/(?P<version>\d+))|(?:/labels/(?P<label>[^/:]+)))?"
_POST = re.compile(_MODEL.format("/(?P<name>[^/:]+)") + ":(?P<method>(?-i:classify|regress|predict))", re.I | re.A)
_GET = re.compile(_MODEL.format("(?:/(?P<name>[^/:]+))?") + "(?:/(?P<subresource>metadata))?", re.I | re.A)
_HTTP_STATUS = {
    Code.CANCELLED: 499,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.UNAUTHENTICATED: 401,
}  # others: 500
_MAX_INT64 = 2**63 - 1


class Answer(NamedTuple):
    """An HTTP answer in JSON."""

    status: int
    body: bytes


class RestApi:
    """Answers requests below /v1/.

    Args:
      calls: Make the answers.
      timeout_ms: Time limit of each run.
    """

    def __init__(self, calls: Calls, timeout_ms: int) -> None:
        self._calls, self._timeout_ms = calls, timeout_ms

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """The answer to a request.

        Args:
          method: GET, POST or another, which is refused.
          path: Still encoded, without the query.
          body: Decompressed.
        """
        try:
            return Answer(200, self._dispatch(method, path, body).encode())
        except ServingError as error:
            return error_answer(error)
        except Exception as error:  # a bug of ours is this request's failure and nobody else's
            return error_answer(ServingError(Code.INTERNAL, f"{type(error).__name__}: {error}"))

    def _dispatch(self, method: str, path: str, body: bytes) -> str:
        match = {"POST": _POST, "GET": _GET}[method].fullmatch(path) if method in ("POST", "GET") else None
        if match is None:
            raise invalid(f"Malformed request: {method} {path}")
        spec = _model_spec(match)
        if method == "POST":
            call = self._predict if match["method"] == "predict" else self._refuse
            return self._calls.counted(spec.name, match["method"], "REST", lambda: call(spec, body))
        if not spec.name:
            raise invalid("Missing model name in request.")
        if match["subresource"]:
            return self._calls.counted(spec.name, "GetModelMetadata", "REST", lambda: self._metadata(spec))
        return self._calls.counted(spec.name, "GetModelStatus", "REST", lambda: self._status(spec))

    def _predict(self, spec: model_pb2.ModelSpec, body: bytes) -> str:
        document = parse_json(body)
        name = document.get("signature_name") or DEFAULT_SIGNATURE
        with self._calls.manager.acquire(spec) as servable:
            if name not in servable.session.signatures:
                raise invalid(f'Serving signature name: "{name}" not found in signature def')
            inputs = servable.session.signatures[name].inputs
            if not inputs:
                raise invalid(f"Failed to get input map for signature: {name}")
            arrays, rows = inputs_from_json(document, {alias: info.dtype for alias, info in inputs.items()})
            outputs = self._calls.predict_arrays(servable, name, arrays, self._timeout_ms)
        return outputs_to_json(outputs, rows=rows)

    def _refuse(self, spec: model_pb2.ModelSpec, body: bytes) -> str:
        parse_json(body)
        return self._calls.refuse(spec)

    def _metadata(self, spec: model_pb2.ModelSpec) -> str:
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
        response = self._calls.metadata(request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        answer = {"model_spec": _to_dict(response.model_spec), "metadata": {"signature_def": _to_dict(signatures)}}
        return json.dumps(answer, indent=1, ensure_ascii=False)

    def _status(self, spec: model_pb2.ModelSpec) -> str:
        response = self._calls.status(get_model_status_pb2.GetModelStatusRequest(model_spec=spec))
        answer = _to_dict(response)
        for entry, found in zip(answer["model_version_status"], response.model_version_status, strict=True):
            entry["status"] = {
                "error_code": Code(found.status.error_code).name,
                "error_message": found.status.error_message,
            }
        return json.dumps(answer, indent=1, ensure_ascii=False)


def error_answer(error: ServingError) -> Answer:
    """The answer for an error."""
    body = json.dumps({"error": error.message}, ensure_ascii=False)
    return Answer(_HTTP_STATUS.get(error.code, 500), body.encode("utf-8", "replace"))


def _model_spec(match: re.Match[str]) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=urllib.parse.unquote(match["name"] or ""))
    if match["version"]:
        if int(match["version"]) > _MAX_INT64:
            raise invalid(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(match["version"])
    if match["label"]:
        spec.version_label = urllib.parse.unquote(match["label"])
    return spec


def _to_dict(message: Message) -> dict[str, Any]:
    """All fields, by the names of the .proto file."""
    options: dict[str, bool] = {"preserving_proto_field_name": True}
    try:
        return json_format.MessageToDict(message, always_print_fields_with_no_presence=True, **options)
    except TypeError:  # protobuf before 5.26
        return json_format.MessageToDict(message, including_default_value_fields=True, **options)

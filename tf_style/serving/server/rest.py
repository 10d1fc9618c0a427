"""The REST API: paths to calls, and their answers in JSON."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    regression_pb2,
)

from tf_style.serving.models.predict import DEFAULT_SIGNATURE
from tf_style.serving.server.calls import Calls
from tf_style.serving.server.json_answer import columns_to_json, rows_to_json
from tf_style.serving.server.json_tensor import inputs_from_json, json_type
from tf_style.serving.server.json_text import describe, encode, parse_json, quote
from tf_style.serving.wire.status import Code, ServingError, invalid

#: What the REST API answers; other paths are unknown.
API_PATH = re.compile(r"/v1/.*", re.IGNORECASE | re.DOTALL)
_MODEL = r"/v1/models{}(?:(?:/versions/(?P<version>\d+))|(?:/labels/(?P<label>[^/:]+)))?"
_POST = re.compile(
    _MODEL.format("/(?P<name>[^/:]+)") + ":(?P<method>classify|regress|predict)", re.IGNORECASE | re.ASCII
)
_GET = re.compile(_MODEL.format("(?:/(?P<name>[^/:]+))?") + "(?:/(?P<subresource>metadata))?", re.IGNORECASE | re.ASCII)
_HTTP_STATUS = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
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
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}
_MAX_INT64 = 2**63 - 1


class Answer(NamedTuple):
    """An HTTP answer in JSON."""

    status: int
    body: bytes


def error_answer(error: ServingError) -> Answer:
    """The answer that tells of an error."""
    return Answer(_HTTP_STATUS[error.code], encode(f'{{\n    "error": {quote(error.message)}\n}}'))


class RestApi:
    """Answers requests below /v1/.

    Args:
      calls: What the answers are made of.
      timeout_ms: Of each run.
    """

    def __init__(self, calls: Calls, timeout_ms: int) -> None:
        self._calls, self._timeout_ms = calls, timeout_ms

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """The answer to a request.

        Args:
          method: GET, POST or another, which is refused.
          path: Without query.
          body: Decompressed.
        """
        try:
            return Answer(200, encode(self._dispatch(method, path, body)))
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
            handlers: dict[str, Callable[[model_pb2.ModelSpec, bytes], str]] = {
                "predict": self._predict,
                "classify": self._classify,
                "regress": self._regress,
            }
            api = match["method"]
            if api not in handlers:  # the path is read without regard to case, the method is not
                raise invalid(f"Malformed request: {method} {path}")
            return self._calls.counted(spec.name, api, "REST", lambda: handlers[api](spec, body))
        if not spec.name:
            raise invalid("Missing model name in request.")
        if match["subresource"]:
            return self._calls.counted(spec.name, "GetModelMetadata", "REST", lambda: self._metadata(spec))
        return self._calls.counted(spec.name, "GetModelStatus", "REST", lambda: self._status(spec))

    def _predict(self, spec: model_pb2.ModelSpec, body: bytes) -> str:
        document = _parse_request(spec, body)
        with self._calls.manager.acquire(spec) as servable:
            name = spec.signature_name or DEFAULT_SIGNATURE
            if name not in servable.session.signatures:
                raise invalid(f'Serving signature name: "{name}" not found in signature def')
            inputs = servable.session.signatures[name].inputs
            if not inputs:
                raise invalid(f"Failed to get input map for signature: {spec.signature_name or 'DEFAULT'}")
            arrays, rows = inputs_from_json(document, {alias: info.dtype for alias, info in inputs.items()})
            outputs = self._calls.predict_arrays(servable, name, arrays, self._timeout_ms)
        return rows_to_json(outputs) if rows else columns_to_json(outputs)

    def _classify(self, spec: model_pb2.ModelSpec, body: bytes) -> str:
        _check_examples(_parse_request(spec, body))
        self._calls.classify(classification_pb2.ClassificationRequest(model_spec=spec))
        raise AssertionError("classify always refuses")

    def _regress(self, spec: model_pb2.ModelSpec, body: bytes) -> str:
        _check_examples(_parse_request(spec, body))
        self._calls.regress(regression_pb2.RegressionRequest(model_spec=spec))
        raise AssertionError("regress always refuses")

    def _metadata(self, spec: model_pb2.ModelSpec) -> str:
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
        response = self._calls.metadata(request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return (
            f'{{\n"model_spec":{_proto_json(response.model_spec)},\n'
            f'"metadata": {{"signature_def": {_proto_json(signatures)}}}\n}}\n'
        )

    def _status(self, spec: model_pb2.ModelSpec) -> str:
        response = self._calls.status(get_model_status_pb2.GetModelStatusRequest(model_spec=spec))
        entries = [
            {
                "version": str(entry.version),
                "state": get_model_status_pb2.ModelVersionStatus.State.Name(entry.state),
                "status": {
                    "error_code": Code(entry.status.error_code).name,
                    "error_message": entry.status.error_message,
                },
            }
            for entry in response.model_version_status
        ]
        return json.dumps({"model_version_status": entries}, indent=1, ensure_ascii=False) + "\n"


def _model_spec(match: re.Match[str]) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=urllib.parse.unquote(match["name"] or ""))
    if match["version"]:
        if int(match["version"]) > _MAX_INT64:
            raise invalid(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(match["version"])
    if match["label"]:
        spec.version_label = urllib.parse.unquote(match["label"])
    return spec


def _parse_request(spec: model_pb2.ModelSpec, body: bytes) -> dict[str, Any]:
    """The body, which must be an object; its signature_name goes into the spec."""
    document = parse_json(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {describe(document)} Is not object")
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {describe(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    spec.signature_name = name
    return document


def _check_examples(document: dict[str, Any]) -> None:
    """What can be wrong with the examples of Classify and Regress before their features are looked at."""
    if "context" in document:
        _check_example(document["context"])
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {describe(document)} When method is classify, key 'examples' is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(f"JSON Value: {describe(document)} Expecting 'examples' value to be an list/array")
    if not examples:
        raise invalid(f"JSON Value: {describe(document)} 'examples' value is an empty array")
    for example in examples:
        _check_example(example)


def _check_example(example: Any) -> None:
    if not isinstance(example, dict):
        raise invalid(f"Example must be JSON object but got JSON {json_type(example)}")


def _proto_json(message: Message) -> str:
    """As the C++ writer of JSON prints: every field, and a line break at the end."""
    try:
        text = json_format.MessageToJson(
            message, preserving_proto_field_name=True, indent=1, always_print_fields_with_no_presence=True
        )
    except TypeError:  # protobuf before 5.26
        text = json_format.MessageToJson(
            message,
            preserving_proto_field_name=True,
            indent=1,
            including_default_value_fields=True,
        )
    return text + "\n"

"""The local server over REST: paths, rows and columns, base64, errors, metrics."""

import gzip
import http.client
import json
import re

import pytest

pytest.importorskip("grpc", reason="grpcio is not installed; the extra `dev` brings it")
pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed; the extra `dev` brings it")

import numpy as np  # noqa: E402

from tests.serving.server.local_server import predict_request, refused, running  # noqa: E402
from tests.serving.server.tiny_models import write_version  # noqa: E402

PREDICT = "/v1/models/tiny:predict"
REFUSED = "The model has no signature to classify or regress with; use Predict."


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_version(folder, 3)
    return folder


@pytest.fixture(scope="module")
def local(base, tmp_path_factory):
    monitoring = tmp_path_factory.mktemp("monitoring") / "monitoring.config"
    monitoring.write_text('prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }')
    with running(
        model_base_path=str(base), monitoring_config_file=str(monitoring), rest_api_timeout_in_ms=2000
    ) as local:
        yield local


def error(answer):
    status, text = answer
    assert list(json.loads(text)) == ["error"]
    return status, json.loads(text)["error"]


# --- formats ----------------------------------------------------------------------------------------------------------


def test_rows_of_objects(local):
    body = {"signature_name": "pair", "instances": [{"a": 1, "b": 2}, {"a": 0.5, "b": 4}]}
    status, text = local.rest(PREDICT, body)
    assert status == 200
    assert json.loads(text) == {"predictions": [{"product": 2.0, "total": 3.0}, {"product": 2.0, "total": 4.5}]}


def test_rows_of_plain_values_when_there_is_one_input(local):
    status, text = local.rest(PREDICT, {"signature_name": "check", "instances": [1, 2.5]})
    assert (status, text) == (200, '{"predictions": [1.0, 2.5]}')


def test_columns(local):
    status, text = local.rest(PREDICT, {"signature_name": "pair", "inputs": {"a": [1], "b": [2], "unknown": 1}})
    assert status == 200
    assert json.loads(text) == {"outputs": {"product": [2.0], "total": [3.0]}}


def test_a_single_output_is_bare_in_columns(local):
    assert local.rest(PREDICT, {"inputs": {"a": [1], "b": [2]}}) == (200, '{"outputs": [3.0]}')


def test_scalars_fit_columns(local):
    assert local.rest(PREDICT, {"signature_name": "scalar", "inputs": 3}) == (200, '{"outputs": 6.0}')


def test_base64_in_and_out(local):
    status, text = local.rest(PREDICT, {"signature_name": "echo", "instances": [{"b64": "YQ=="}, "b"]})
    assert status == 200
    rows = json.loads(text)["predictions"]
    assert rows == [
        {"length": 1, "out": "a", "out_bytes": {"b64": "YQ=="}},
        {"length": 1, "out": "b", "out_bytes": {"b64": "Yg=="}},
    ]
    status, text, _ = local.http(PREDICT, {"signature_name": "echo", "inputs": [{"b64": "aGk"}]})
    assert (status, json.loads(text)["outputs"]["out_bytes"]) == (200, [{"b64": "aGk="}])


def test_pictures_come_as_nested_lists(local):
    image = np.full((4, 5, 3), 7).tolist()
    assert local.rest(PREDICT, {"signature_name": "brightness", "instances": [image, image]}) == (
        200,
        '{"predictions": [7.0, 7.0]}',
    )


def test_all_types(local):
    row = {"flag": True, "long": 2**62, "double": 0.1, "short": 5}
    status, text = error(local.rest(PREDICT, {"signature_name": "types", "instances": [row]}))
    assert status == 400
    assert text.endswith("Error: UNIMPLEMENTED: Conversion of JSON Value: 5 to type: uint16")


def test_special_numbers(local):
    body = b'{"inputs": {"a": [NaN, Infinity, -Infinity, 16777215, 0.1], "b": [0, 0, 0, 0, 0]}}'
    status, text = local.rest(PREDICT, body)
    assert status == 200
    assert text == '{"outputs": [NaN, Infinity, -Infinity, 16777215.0, 0.1]}'


def test_gzip_and_chunks(local):
    body = json.dumps({"inputs": {"a": [1], "b": [2]}}).encode()
    assert local.rest(PREDICT, gzip.compress(body), headers={"Content-Encoding": "gzip"})[0] == 200
    connection = http.client.HTTPConnection("127.0.0.1", local.server.rest_api_port, timeout=20)
    for _ in range(2):  # on one connection
        connection.request(
            "POST",
            PREDICT,
            body=iter([body[:9], body[9:]]),
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)) == (200, {"outputs": [3.0]})
    connection.close()


# --- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/models/tiny/versions/3:predict", "/V1/Models/t%69ny/Versions/3:predict"])
def test_versions_are_part_of_the_path(local, path):
    assert local.rest(path, {"inputs": {"a": [1], "b": [2]}})[0] == 200


def test_status_is_printed_in_full(local):
    status, text, headers = local.http("/v1/models/tiny")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    entry = {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert json.loads(text) == {"model_version_status": [entry]}
    assert local.rest("/v1/models/tiny/versions/3") == (200, text)


def test_metadata_is_printed_in_full(local):
    status, text = local.rest("/v1/models/tiny/metadata")
    assert status == 200
    answer = json.loads(text)
    assert answer["model_spec"] == {"name": "tiny", "signature_name": "", "version": "3"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert signatures["check"]["defaults"] == {}
    assert signatures["check"]["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert signatures["check"]["inputs"]["x"]["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]


PATHS = {
    "unknown": ("GET", "/v1/foo", 400, "Malformed request: GET /v1/foo"),
    "method": ("PUT", "/v1/models/tiny:predict", 400, "Malformed request: PUT /v1/models/tiny:predict"),
    "options": ("OPTIONS", "/v1/models/tiny", 400, "Malformed request: OPTIONS /v1/models/tiny"),
    "get predict": ("GET", PREDICT, 400, f"Malformed request: GET {PREDICT}"),
    "post status": ("POST", "/v1/models/tiny", 400, "Malformed request: POST /v1/models/tiny"),
    "verb": ("POST", "/v1/models/tiny:paint", 400, "Malformed request: POST /v1/models/tiny:paint"),
    "upper case": ("POST", "/v1/models/tiny:Predict", 400, "Malformed request: POST /v1/models/tiny:Predict"),
    "no model": ("GET", "/v1/models", 400, "Missing model name in request."),
    "model": ("GET", "/v1/models/x", 404, "Could not find any versions of model x"),
    "version": ("GET", "/v1/models/tiny/versions/9", 404, "Could not find version 9 of model tiny"),
    "metadata of": ("GET", "/v1/models/x/metadata", 404, "Servable not found for request: Latest(x)"),
    "huge version": (
        "GET",
        "/v1/models/tiny/versions/99999999999999999999",
        400,
        "Failed to convert version: 99999999999999999999 to numeric.",
    ),
}


@pytest.mark.parametrize("name", PATHS)
def test_path_is_refused(local, name):
    method, path, status, text = PATHS[name]
    body = b"{}" if method in ("POST", "PUT") else None
    assert error(local.rest(path, body, method)) == (status, text)


def test_other_paths_are_unknown(local):
    status, text, headers = local.http("/v2/models/tiny")
    assert (status, text) == (404, "Not Found")
    assert headers["Content-Type"].startswith("text/plain")


# --- refused bodies ---------------------------------------------------------------------------------------------------

BODIES = {
    "empty": (b"", "JSON Parse error: The document is empty"),
    "spaces": (b"  ", "JSON Parse error: The document is empty"),
    "no JSON": (b'{"inputs": x}', "JSON Parse error: Expecting value: line 1 column 12 (char 11)"),
    "cut off": (b'{"inputs": [1', "JSON Parse error: Expecting ',' delimiter: line 1 column 14 (char 13)"),
    "two": (b"{} {}", "JSON Parse error: Extra data: line 1 column 4 (char 3)"),
    "list": ([1], "JSON Value: [\n    1\n] Is not object"),
    "neither": ({}, "Missing 'inputs' or 'instances' key"),
    "instances": ({"instances": 1}, "JSON Value: {\n    \"instances\": 1\n} Excepting 'instances' to be an list/array"),
    "no rows": ({"instances": []}, "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
    "signature": (
        {"signature_name": "S", "inputs": 1},
        'Serving signature name: "S" not found in signature def',
    ),
    "no text": (
        {"signature_name": 1},
        "JSON Value: {\n    \"signature_name\": 1\n} not formatted correctly. 'signature_name' key must be a string "
        "value.",
    ),
    "no inputs": (
        {"signature_name": "__saved_model_init_op", "inputs": 1},
        "Failed to get input map for signature: __saved_model_init_op",
    ),
    "missing": ({"inputs": {"a": [1]}}, "Missing named input: b in 'inputs' object."),
    "plain columns": (
        {"inputs": [1]},
        "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
        "tensorinfo_map",
    ),
    "plain rows": (
        {"instances": [1]},
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
        "tensorinfo_map",
    ),
    "row without": (
        {"instances": [{"a": 1}]},
        "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"a\": 1\n} keys must be equal to: a,b",
    ),
    "row with more": (
        {"instances": [{"a": 1, "b": 2, "c": 3}]},
        "Failed to process element: 0 key: c of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have "
        "named input: c",
    ),
    "rows mixed": ({"instances": [{"a": 1, "b": 2}, 3]}, "Expecting object but got list at item 1 of input list"),
    "text": (
        {"inputs": {"a": "x", "b": 1}},
        'JSON Value: "x" Type: String is not of expected type: float',
    ),
    "ragged": (
        {"inputs": {"a": [[1, 2], [3]], "b": [1]}},
        "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
    ),
    "deep": ({"inputs": {"a": [1, [2]], "b": 1}}, "Encountered list at unexpected level: 1 expected < 1"),
    "shallow": (
        {"inputs": {"a": [[1], 2], "b": 1}},
        "JSON Value: 2 found at incorrect level: 1 in the JSON DOM. Expected at level: 2",
    ),
    "beyond": ({"inputs": {"a": [10**400], "b": [1]}}, "A whole number is too large for float."),
    "whole": (
        {"signature_name": "spin", "inputs": [1.5]},
        "JSON Value: 1.5 Type: Number is not of expected type: int32",
    ),
    "large": (
        {"signature_name": "spin", "inputs": [2**31]},
        "JSON Value: 2147483648 Type: Number is not of expected type: int32",
    ),
    "null": ({"inputs": {"a": [None], "b": [1]}}, "JSON Value: null Type: Null is not of expected type: float"),
    "base64": ({"signature_name": "echo", "inputs": [{"b64": "!"}]}, "Unable to base64 decode"),
    "odd object": (
        {"signature_name": "echo", "inputs": [{"b64": "YQ==", "x": 1}]},
        'JSON Value: {\n    "b64": "YQ==",\n    "x": 1\n} not formatted correctly for base64 data',
    ),
    "no form": ({"signature_name": "half", "inputs": [1]}, "Failed to write JSON value for tensor type: bfloat16"),
}


@pytest.mark.parametrize("name", BODIES)
def test_body_is_refused(local, name):
    body, text = BODIES[name]
    assert error(local.rest(PREDICT, body, "POST")) == (400, text)


def test_rows_and_columns_together_are_refused(local):
    status, text = error(local.rest(PREDICT, {"inputs": 1, "instances": [1]}))
    assert status == 400
    assert text.endswith("Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ")


def test_the_body_is_read_before_the_model_is_looked_for(local):
    assert error(local.rest("/v1/models/x:predict", b"{"))[1].startswith("JSON Parse error")
    assert error(local.rest("/v1/models/x:predict", b"{}")) == (404, "Servable not found for request: Latest(x)")


def test_a_run_is_limited_in_time(local):
    status, text = error(local.rest(PREDICT, {"signature_name": "spin", "inputs": [2**31 - 1]}))
    assert (status, text) == (504, "Timed out waiting for notification")


@pytest.mark.parametrize(
    ("verb", "body", "text"),
    [
        ("classify", {"examples": [{"x": 1}]}, REFUSED),
        ("regress", {"examples": [{"x": 1}]}, REFUSED),
        ("regress", [], "JSON Value: [] Is not object"),
    ],
)
def test_classify_and_regress_refuse(local, verb, body, text):
    assert error(local.rest(f"/v1/models/tiny:{verb}", body)) == (400, text)


# --- other ------------------------------------------------------------------------------------------------------------


def test_cors_is_answered_on_demand_only(base, local):
    origin = {"Origin": "http://a.b"}
    asking = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Content-Type"}
    assert local.http("/v1/models/tiny", headers=origin)[2]["Access-Control-Allow-Origin"] is None
    assert local.http(PREDICT, method="OPTIONS", headers=asking)[0] == 400
    with running(model_base_path=str(base), rest_api_enable_cors_support=True) as open_:
        assert open_.http("/v1/models/tiny", headers=origin)[2]["Access-Control-Allow-Origin"] == "*"
        status, _, headers = open_.http(PREDICT, method="OPTIONS", headers=asking)
        assert (status, headers["Access-Control-Allow-Methods"]) == (200, "POST, GET")


def test_metrics_count_requests(local):
    def count(pattern):
        status, page, headers = local.http("/monitoring/prometheus/metrics")
        assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
        found = re.search(rf"^{re.escape(pattern)} (\d+)$", page, re.MULTILINE)
        return int(found[1]) if found else 0

    patterns = {
        ':tensorflow:serving:request_count{model_name="tiny",status="OK"}': 2,
        ':tensorflow:serving:request_count{model_name="tiny",status="FAILED_PRECONDITION"}': 1,
        ':tensorflow:serving:request_latency_count{model_name="tiny",API="Predict",entrypoint="GRPC"}': 1,
        ':tensorflow:serving:request_latency_count{model_name="tiny",API="predict",entrypoint="REST"}': 1,
        ':tensorflow:serving:request_latency_bucket{model_name="tiny",API="Predict",entrypoint="GRPC",le="+Inf"}': 1,
        ':tensorflow:serving:runtime_latency_count{model_name="tiny",API="Predict",runtime="TF1"}': 2,
    }
    before = {pattern: count(pattern) for pattern in patterns}
    local.predict(a=np.float32([1]))
    local.rest(PREDICT, {"inputs": {"a": [1], "b": [2]}})
    refused(local.prediction.Predict, predict_request("S"))
    local.status()  # over gRPC: not counted
    assert {pattern: count(pattern) - before[pattern] for pattern in patterns} == patterns


def test_the_page_of_metrics_is_well_formed(local):
    local.predict(a=np.float32([1]))
    page = local.rest("/monitoring/prometheus/metrics")[1]
    assert page.endswith("\n")
    sample = re.compile(r'[a-zA-Z_:][\w:]*\{(\w+="[^"]*",?)*\} [-+.\w]+')
    lines = page.splitlines()
    assert all(line.startswith("# TYPE :tensorflow:") or sample.fullmatch(line) for line in lines)
    limits = re.findall(
        r'request_latency_bucket\{model_name="tiny",API="Predict",entrypoint="GRPC",le="([^"]*)"\}', page
    )
    assert len(limits) == 34
    assert limits[:4] == ["10", "18", "32.4", "58.32"]


def test_without_configuration_there_are_no_metrics(base):
    with running(model_base_path=str(base)) as local:
        assert local.rest("/monitoring/prometheus/metrics")[0] == 404

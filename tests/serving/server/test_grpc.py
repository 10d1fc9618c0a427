"""The local server over gRPC: TensorFlow Serving's checks, codes and texts, and what a run does."""

import concurrent.futures
import time

import numpy as np
import pytest
import tensorflow as tf

grpc = pytest.importorskip("grpc", reason="grpcio is not installed; the extra `dev` brings it")
pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed; the extra `dev` brings it")

from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.serving.server.local_server import predict_request, refused, running  # noqa: E402
from tests.serving.server.tiny_models import write_version  # noqa: E402

ENDLESS = np.int32([2**31 - 1])


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_version(folder, 3)
    return folder


@pytest.fixture(scope="module")
def local(base):
    with running(model_base_path=str(base)) as local:
        yield local


# --- what is answered -------------------------------------------------------------------------------------------------


def test_predict_answers_and_says_who_answered(local):
    response = local.prediction.Predict(predict_request(inputs={"a": np.float32([1, 2]), "b": np.float32([3, 4])}))
    assert list(response.outputs["sum"].float_val) == [4.0, 6.0]
    assert response.model_spec.name == "tiny"
    assert response.model_spec.version.value == 3
    assert response.model_spec.signature_name == "serving_default"


def test_a_missing_input_takes_its_default(local):
    assert local.predict(a=np.float32([1, 2]))["sum"].tolist() == [11.0, 12.0]


def test_a_version_can_be_asked_for(local):
    response = local.prediction.Predict(predict_request(inputs={"a": np.float32([1])}, version=3))
    assert response.outputs["sum"].float_val[:] == [11.0]


def test_only_the_filtered_outputs_come(local):
    inputs = {"a": np.float32([2]), "b": np.float32([3])}
    response = local.prediction.Predict(predict_request("pair", inputs, output_filter=["product"]))
    assert {name: list(value.float_val) for name, value in response.outputs.items()} == {"product": [6.0]}


def test_strings_of_any_length_go_through(local):
    texts = [b"", b"short", bytes(range(256)) * 100, "päinting".encode()]
    answer = local.predict("echo", text=np.array(texts, object))
    assert answer["out"].tolist() == texts
    assert answer["length"].tolist() == [len(text) for text in texts]


def test_numbers_come_in_typed_fields(local):
    inputs = {"flag": np.array([True, False]), "long": np.int64([-(2**62), 127]), "double": np.float64([0.1, -2])}
    response = local.prediction.Predict(predict_request("types", {**inputs, "short": np.uint16([200, 65535])}))
    assert list(response.outputs["flag"].bool_val) == [False, True]
    assert list(response.outputs["long"].int64_val) == [-(2**62) + 1, 128]
    assert list(response.outputs["double"].double_val) == [0.2, -4.0]
    assert list(response.outputs["short"].int_val) == [200, 65535]
    assert not any(value.tensor_content for value in response.outputs.values())


def test_numbers_come_as_content_when_the_flag_says_so(base):
    with running(model_base_path=str(base), enable_serialization_as_tensor_content=True) as local:
        response = local.prediction.Predict(predict_request(inputs={"a": np.float32([1])}))
    assert response.outputs["sum"].tensor_content == np.float32([11]).tobytes()


def test_a_short_field_repeats_its_last_value(local):
    proto = tf.make_tensor_proto(np.float32([1, 2, 3]))
    proto.tensor_content = b""
    proto.float_val.extend([5.0, 7.0])
    assert local.predict(a=proto, b=np.float32([0]))["sum"].tolist() == [5.0, 7.0, 7.0]


def test_messages_beyond_the_usual_4_mib_pass(local):
    image = np.full((1, 1500, 1600, 3), 200, np.uint8)
    assert local.predict("brightness", image=image)["mean"].tolist() == [200.0]
    text = np.array([b"x" * 6_000_000], object)
    assert len(local.predict("echo", text=text)["out"][0]) == 6_000_000


def test_metadata_lists_all_signatures(local):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "tiny"
    response = local.prediction.GetModelMetadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "pair", "__saved_model_init_op"} <= set(signatures.signature_def)
    assert set(signatures.signature_def["serving_default"].defaults) == {"b"}
    assert (response.model_spec.name, response.model_spec.version.value) == ("tiny", 3)
    assert response.model_spec.signature_name == ""


def test_status_lists_versions(local):
    assert local.status() == {3: "AVAILABLE"}
    assert local.status(version=3) == {3: "AVAILABLE"}


# --- what is refused --------------------------------------------------------------------------------------------------

A, B = np.float32([1, 2]), np.float32([3, 4])
PREDICT = {
    "no spec": (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
    "no name": (predict_request(model=""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    "model": (predict_request(model="x"), "NOT_FOUND", "Servable not found for request: Latest(x)"),
    "version": (predict_request(version=7), "NOT_FOUND", "Servable not found for request: Specific(tiny, 7)"),
    "label": (predict_request(label="new"), "INVALID_ARGUMENT", "Unrecognized servable version label: new"),
    "signature": (predict_request("S"), "FAILED_PRECONDITION", 'Serving signature key "S" not found.'),
    "too few": (
        predict_request("pair", {"a": A}),
        "INVALID_ARGUMENT",
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: {b}.",
    ),
    "too many": (
        predict_request("pair", {"a": A, "b": B, "y": A, "x": B}),
        "INVALID_ARGUMENT",
        "input size does not match signature: 4!=2 len({a,b,x,y}) != len({a,b}). Sent extra: {x,y}. Missing but "
        "required: {}.",
    ),
    "no default": (
        predict_request(inputs={"b": B}),
        "INVALID_ARGUMENT",
        "Signature input alias: a(feed name: serving_default_a:0) not found in request and no default value provided. "
        "Inputs expected to be in the request {b}, or default input alias set: b",
    ),
    "wrong name": (
        predict_request(inputs={"a": A, "z": B}),
        "INVALID_ARGUMENT",
        "Inputs contains invalid name. Used request inputs: a, request input: a,z",
    ),
    "malformed": (
        predict_request(inputs={"a": tf.make_tensor_proto(A).__class__()}),
        "INVALID_ARGUMENT",
        "tensor parsing error: a",
    ),
    "dtype": (
        predict_request("pair", {"a": A, "b": np.uint8([1, 2])}),
        "INVALID_ARGUMENT",
        "Expects arg[1] to be float but uint8 is provided",
    ),
    "unknown output": (
        predict_request("pair", {"a": A, "b": B}, output_filter=["z"]),
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: z Outputs expected to be in the set {product,total}.",
    ),
    "output twice": (
        predict_request("pair", {"a": A, "b": B}, output_filter=["total", "total"]),
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: total",
    ),
}


@pytest.mark.parametrize("name", PREDICT)
def test_predict_refuses(local, name):
    request, code, text = PREDICT[name]
    assert refused(local.prediction.Predict, request) == (code, text)


def test_the_checks_come_in_order(local):
    """Everything is wrong; each correction uncovers the next error."""
    request = predict_request("S", {"a": np.uint8([1])}, model="x", output_filter=["z"])
    texts = []
    for correction in (
        lambda: None,
        lambda: setattr(request.model_spec, "name", "tiny"),
        lambda: setattr(request.model_spec, "signature_name", "pair"),
        lambda: request.inputs["b"].CopyFrom(tf.make_tensor_proto(B).__class__()),
        lambda: request.inputs["b"].CopyFrom(tf.make_tensor_proto(np.float32([1]))),
        lambda: request.ClearField("output_filter"),
    ):
        correction()
        texts.append(refused(local.prediction.Predict, request)[1])
    beginnings = ("Servable", "Serving signature", "input size", "tensor parsing", "output tensor", "Expects arg[0]")
    assert [text.startswith(start) for text, start in zip(texts, beginnings, strict=True)] == [True] * 6, texts


def test_what_the_graph_asserts_is_told(local):
    code, text = refused(local.prediction.Predict, predict_request("check", {"x": np.float32([-3])}))
    assert code == "INVALID_ARGUMENT"
    assert "assertion failed: [x must be finite and not negative, got] [-3]" in text


def test_long_texts_are_cut(local):
    code, text = refused(local.prediction.Predict, predict_request(model="m" * 3000))
    assert code == "NOT_FOUND"
    assert text == "Servable not found for request: Latest(mmm"[:1024].ljust(1024, "m") + "...TRUNCATED"


def test_the_method_of_signatures_is_checked_on_demand(base, local):
    init = predict_request("__saved_model_init_op")
    assert refused(local.prediction.Predict, init)[0] == "INVALID_ARGUMENT"  # it has no output to fetch
    with running(model_base_path=str(base), enable_signature_method_name_check=True) as strict:
        code, text = refused(strict.prediction.Predict, init)
    assert code == "INTERNAL"
    assert text.startswith("Expected prediction signature method_name to be one of {tensorflow/serving/predict,")


REFUSED = "The model has no signature to classify or regress with; use Predict."


@pytest.mark.parametrize(
    ("method", "kind"),
    [("Classify", classification_pb2.ClassificationRequest), ("Regress", regression_pb2.RegressionRequest)],
)
def test_classify_and_regress_refuse(local, method, kind):
    request = kind()
    call = getattr(local.prediction, method)
    assert refused(call, request) == ("INVALID_ARGUMENT", "ModelSpec has no name specified.")
    request.model_spec.name = "tiny"
    assert refused(call, request) == ("INVALID_ARGUMENT", REFUSED)


def test_multi_inference_refuses(local):
    request = inference_pb2.MultiInferenceRequest()
    call = local.prediction.MultiInference
    assert refused(call, request) == ("INVALID_ARGUMENT", "ModelSpec has no name specified.")
    request.tasks.add().model_spec.name = "tiny"
    assert refused(call, request) == ("INVALID_ARGUMENT", REFUSED)


def _metadata(name=None, *fields):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    if name is not None:
        request.model_spec.name = name
    return request


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (_metadata(None, "signature_def"), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (
            _metadata("tiny"),
            "INVALID_ARGUMENT",
            "GetModelMetadataRequest must specify at least one metadata_field",
        ),
        (_metadata("tiny", "X"), "INVALID_ARGUMENT", "Metadata field X is not supported"),
        (_metadata("x", "signature_def"), "NOT_FOUND", "Servable not found for request: Latest(x)"),
    ],
)
def test_metadata_refuses(local, request_, code, text):
    assert refused(local.prediction.GetModelMetadata, request_) == (code, text)


def _status(name=None, version=None):
    request = get_model_status_pb2.GetModelStatusRequest()
    if name is not None:
        request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    return request


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (_status(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (_status("x"), "NOT_FOUND", "Could not find any versions of model x"),
        (_status("tiny", 9), "NOT_FOUND", "Could not find version 9 of model tiny"),
    ],
)
def test_status_refuses(local, request_, code, text):
    assert refused(local.models.GetModelStatus, request_) == (code, text)


def test_reload_takes_lists_of_models_only(local):
    assert refused(local.models.HandleReloadConfigRequest, model_management_pb2.ReloadConfigRequest()) == (
        "INVALID_ARGUMENT",
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently "
        "supported",
    )


# --- how it runs ------------------------------------------------------------------------------------------------------


def test_a_deadline_stops_the_loop(local):
    start = time.monotonic()
    code, _ = refused(local.prediction.Predict, predict_request("spin", {"rounds": ENDLESS}), timeout=0.5)
    assert code == "DEADLINE_EXCEEDED"
    assert time.monotonic() - start < 5
    used = time.process_time()  # of this process, in which the server runs
    time.sleep(0.5)  # what is left of the run stops at its next operation
    used = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - used < 0.3, "the loop still runs"


def test_concurrent_requests_are_independent(local):
    def ask(number):
        size = 1 + number % 5
        answer = local.predict("pair", a=np.full(size, number, np.float32), b=np.full(size, 2, np.float32))
        return answer["product"].tolist() == [2.0 * number] * size

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert all(pool.map(ask, range(120)))


def test_health_is_answered_on_demand_only(base, local):
    def check(channel, service):
        call = channel.unary_unary("/grpc.health.v1.Health/Check")
        name = service.encode()
        return call(b"\x0a" + bytes([len(name)]) + name if name else b"", timeout=20)

    with pytest.raises(grpc.RpcError) as error:
        check(local.channel, "")
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    with running(model_base_path=str(base), enable_grpc_healthcheck_service=True) as healthy:
        for service in ("", "ModelService", "PredictionService"):
            assert check(healthy.channel, service) == b"\x08\x01"  # SERVING
        with pytest.raises(grpc.RpcError) as error:
            check(healthy.channel, "x")
        watch = healthy.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=20)
        assert next(iter(watch)) == b"\x08\x01"
        watch.cancel()
    assert error.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_unix_socket_answers_too(base, tmp_path):
    socket = tmp_path / "socket"
    with (
        running(model_base_path=str(base), grpc_socket_path=str(socket)),
        grpc.insecure_channel(f"unix:{socket}") as channel,
    ):
        assert ask(channel) == [11.0]


def ask(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    response = stub.Predict(predict_request(inputs={"a": np.float32([1])}), timeout=20)
    return response.outputs["sum"].float_val[:]

"""A local server in this process, and short ways to ask it. Import after `pytest.importorskip` of NEEDED."""

import contextlib
import json
import threading
import time
import urllib.error
import urllib.request

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tf_style.config import ServeOptions
from tf_style.serving.server.run import Server

SECONDS = 60  # for what should take far less


class Running:
    """A started server and its clients."""

    def __init__(self, server, lines):
        self.server, self.lines = server, lines
        self.address = f"127.0.0.1:{server.port}"
        self.channel = grpc.insecure_channel(self.address, options=[("grpc.max_receive_message_length", -1)])
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def predict(self, signature="", *, timeout=SECONDS, **inputs):
        """The outputs as arrays."""
        response = self.prediction.Predict(predict_request(signature, inputs), timeout=timeout)
        return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}

    def status(self, name="tiny", version=None):
        """{version: state's name}."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        if version is not None:
            request.model_spec.version.value = version
        answer = self.models.GetModelStatus(request, timeout=SECONDS)
        state_name = get_model_status_pb2.ModelVersionStatus.State.Name
        return {entry.version: state_name(entry.state) for entry in answer.model_version_status}

    def reload(self, *configs, metric_names=()):
        """Asks for these models only; each is a dictionary of ModelConfig's fields."""
        request = model_management_pb2.ReloadConfigRequest(metric_names=metric_names)
        request.config.model_config_list.SetInParent()
        for config in configs:
            request.config.model_config_list.config.add(**{"model_platform": "tensorflow", **config})
        return self.models.HandleReloadConfigRequest(request, timeout=SECONDS)

    def rest(self, path, body=None, method=None, headers=()):
        """(status, text) of a REST call; a body that is not bytes is sent as JSON."""
        status, text, _ = self.http(path, body, method, headers)
        return status, text

    def http(self, path, body=None, method=None, headers=()):
        """(status, text, headers)."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.server.rest_api_port}{path}"
        request = urllib.request.Request(url, data=data, method=method, headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode(), answer.headers


@contextlib.contextmanager
def running(**options):
    """A server on free ports for as long as the block lasts."""
    lines = []
    defaults = {"model_name": "tiny", "port": 0, "rest_api_port": -1, "max_num_load_retries": 0, "grace_seconds": 20}
    server = Server(ServeOptions(**{**defaults, **options}), lines.append)
    try:
        server.start()
        local = Running(server, lines)
        with local.channel:
            yield local
    finally:
        server.stop()


def predict_request(signature="", inputs=None, *, model="tiny", version=None, label=None, output_filter=()):
    """A PredictRequest; inputs are arrays or finished TensorProtos."""
    request = predict_pb2.PredictRequest(output_filter=output_filter)
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    for name, value in (inputs or {}).items():
        proto = value if hasattr(value, "tensor_content") else tf.make_tensor_proto(np.asarray(value))
        request.inputs[name].CopyFrom(proto)
    return request


def refused(call, request, timeout=SECONDS):
    """(name of the status code, text) of a call that must fail."""
    try:
        call(request, timeout=timeout)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    raise AssertionError("the call was answered")


def eventually(condition, seconds=20):
    """Waits until a condition holds; says so if it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


def in_thread(call):
    """Starts a call; the returned function waits for its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()

    def result():
        thread.join(SECONDS)
        return results[0]

    return result

"""More than 60 kinds of bad input over gRPC and REST: a status, one clear text, and the next request is answered."""

import io
import json
import socket

import numpy as np
import pytest

grpc = pytest.importorskip("grpc", reason="grpcio is not installed; the extra `dev` brings it")
pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed; the extra `dev` brings it")

import tensorflow as tf  # noqa: E402
from PIL import Image  # noqa: E402

from tests.serving.server.local_server import predict_request, refused, running  # noqa: E402
from tests.serving.server.tiny_models import write_version  # noqa: E402

PREDICT = "/v1/models/tiny:predict"


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    base = tmp_path_factory.mktemp("tiny")
    write_version(base, 1)
    with running(model_base_path=str(base)) as local:
        yield local


def proto(like=None, *, sizes=None, **fields):
    """A TensorProto that make_tensor_proto would not make."""
    result = tf.make_tensor_proto(np.float32([1, 2]) if like is None else like)
    if sizes is not None:
        del result.tensor_shape.dim[:]
        for size in sizes:
            result.tensor_shape.dim.add(size=size)
    for name, value in fields.items():
        setattr(result, name, value)
    return result


def unknown_rank():
    result = proto()
    result.tensor_shape.Clear()
    result.tensor_shape.unknown_rank = True
    return result


def encoded(kind):
    file = io.BytesIO()
    Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)).save(file, kind)
    return file.getvalue()


def add(value):
    return "", {"a": value, "b": np.float32([1])}


def brightness(*shape, dtype=np.uint8):
    return "brightness", {"image": np.zeros(shape, dtype)}


def decode(*items):
    return "decode", {"image_bytes": np.array(items, object)}


BAD, SHAPE = "INVALID_ARGUMENT", "is not compatible with expected shape [?,?,?,3]"
GRPC = {
    "no inputs": (("pair", {}), BAD, "input size does not match signature: 0!=2"),
    "no inputs but a default": (("", {}), BAD, "Signature input alias: a(feed name"),
    "empty input name": (("", {"": np.float32([1])}), BAD, "Signature input alias: a(feed name"),
    "name in capitals": (("", {"A": np.float32([1]), "b": np.float32([1])}), BAD, "Signature input alias: a"),
    "no dtype": (add(proto(dtype=0)), BAD, "tensor parsing error: a"),
    "unknown dtype": (add(proto(dtype=99)), BAD, "tensor parsing error: a"),
    "resource": (add(proto(dtype=20)), BAD, "tensor parsing error: a"),
    "variant": (add(proto(dtype=21)), BAD, "tensor parsing error: a"),
    "quantized": (add(proto(dtype=11)), BAD, "tensor parsing error: a"),
    "reference": (add(proto(dtype=101)), BAD, "tensor parsing error: a"),
    "short content": (add(proto(tensor_content=b"123")), BAD, "tensor parsing error: a"),
    "long content": (add(proto(tensor_content=b"1" * 99)), BAD, "tensor parsing error: a"),
    "unknown rank": (add(unknown_rank()), BAD, "tensor parsing error: a"),
    "negative size": (add(proto(sizes=[-1])), BAD, "tensor parsing error: a"),
    "two negative sizes": (add(proto(sizes=[-2, -1])), BAD, "tensor parsing error: a"),
    "more than memory": (add(proto(sizes=[10**6, 10**6, 10**3], tensor_content=b"")), BAD, "tensor parsing error: a"),
    "more than 64 bits": (add(proto(sizes=[2**40, 2**40], tensor_content=b"")), BAD, "tensor parsing error: a"),
    "255 dimensions": (add(proto(sizes=[1] * 255)), BAD, "tensor parsing error: a"),
    "uint8 for float": (add(np.uint8([1])), BAD, "Expects arg[0] to be float but uint8 is provided"),
    "double for float": (add(np.float64([1])), BAD, "Expects arg[0] to be float but double is provided"),
    "string for float": (add(np.array([b"1"], object)), BAD, "Expects arg[0] to be float but string is provided"),
    "bool for float": (add(np.array([True])), BAD, "Expects arg[0] to be float but bool is provided"),
    "complex for float": (add(np.complex64([1])), BAD, "Expects arg[0] to be float but complex64 is provided"),
    "half for float": (add(np.float16([1])), BAD, "Expects arg[0] to be float but half is provided"),
    "float for string": (("echo", {"text": np.float32([1])}), BAD, "Expects arg[0] to be string but float is provided"),
    "int64 for int32": (("spin", {"rounds": np.int64([1])}), BAD, "Expects arg[0] to be int32 but int64 is provided"),
    "sizes that differ": (
        ("pair", {"a": np.float32([1, 2]), "b": np.float32([1, 2, 3])}),
        BAD,
        "Incompatible shapes: [",
    ),
    "empty list": (("spin", {"rounds": np.int32([])}), BAD, "slice index 0 of dimension 0 out of bounds"),
    "picture of rank 0": (brightness(), BAD, SHAPE),
    "picture of rank 1": (brightness(3), BAD, SHAPE),
    "picture of rank 2": (brightness(4, 4), BAD, SHAPE),
    "picture of rank 3": (brightness(4, 4, 3), BAD, SHAPE),
    "picture of rank 5": (brightness(1, 1, 4, 4, 3), BAD, SHAPE),
    "gray picture": (brightness(1, 4, 4, 1), BAD, SHAPE),
    "RGBA picture": (brightness(1, 4, 4, 4), BAD, SHAPE),
    "1x1 picture": (brightness(1, 1, 1, 3), BAD, "assertion failed: [image must be at least 2x2]"),
    "picture without rows": (brightness(1, 0, 4, 3), BAD, "assertion failed: [image must be at least 2x2]"),
    "float picture": (
        brightness(1, 4, 4, 3, dtype=np.float32),
        BAD,
        "Expects arg[0] to be uint8 but float is provided",
    ),
    "negative": (("check", {"x": np.float32([-1])}), BAD, "assertion failed: [x must be finite and not negative, got]"),
    "NaN": (("check", {"x": np.float32([np.nan])}), BAD, "assertion failed: [x must be finite and not negative, got]"),
    "infinite": (("check", {"x": np.float32([np.inf])}), BAD, "assertion failed: [x must be finite"),
    "garbage picture": (decode(b"garbage"), BAD, "Unknown image file format."),
    "empty picture": (decode(b""), BAD, "Input is empty."),
    "truncated JPEG": (decode(encoded("JPEG")[:200]), BAD, "jpeg"),
    "truncated PNG": (decode(encoded("PNG")[:60]), BAD, "PNG"),
    "signature in capitals": (("PAIR", {}), "FAILED_PRECONDITION", 'Serving signature key "PAIR" not found.'),
    "signature that starts the model": (("__saved_model_init_op", {}), BAD, "NoOp"),
}


def is_alive(local):
    return local.predict("pair", a=np.float32([2]), b=np.float32([3]))["product"].tolist() == [6.0]


@pytest.mark.parametrize("name", GRPC)
def test_bad_input_over_grpc(local, name):
    (signature, inputs), code, text = GRPC[name]
    told_code, told = refused(local.prediction.Predict, predict_request(signature, inputs))
    assert told_code == code
    assert text.lower() in told.lower()
    assert told.strip()
    assert is_alive(local)


def columns(signature, inputs):
    return json.dumps({"signature_name": signature, "inputs": inputs}).encode()


REST = {
    "no body": (b"", 400, "The document is empty"),
    "binary": (bytes(range(256)), 400, "JSON Parse error"),
    "number": (b"1", 400, "Is not object"),
    "text": (b'"x"', 400, "Is not object"),
    "open string": (b'{"inputs', 400, "JSON Parse error: Unterminated string"),
    "bad escape": (b'{"\\x": 1}', 400, "JSON Parse error: Invalid \\escape"),
    "bad hex": (b'{"\\u12x4": 1}', 400, "JSON Parse error: Invalid \\uXXXX escape"),
    "not UTF-8": (b'{"inputs": "\xff"}', 400, "JSON Parse error: 'utf-8' codec"),
    "control character": (b'{"a\x01": 1}', 400, "JSON Parse error: Invalid control character"),
    "no name": (b"{1: 2}", 400, "JSON Parse error: Expecting property name"),
    "no colon": (b'{"a" 2}', 400, "JSON Parse error: Expecting ':' delimiter"),
    "no comma": (b'{"a": 2 "b": 3}', 400, "JSON Parse error: Expecting ',' delimiter"),
    "comma at the end": (b'{"inputs": [1,]}', 400, "JSON Parse error: "),
    "point without digits": (b'{"inputs": 1.}', 400, "JSON Parse error: Expecting ',' delimiter"),
    "exponent without digits": (b'{"inputs": 1e}', 400, "JSON Parse error: Expecting ',' delimiter"),
    "deeper than the stack": (b'{"inputs": ' + b"[" * 100_000, 400, "JSON Parse error"),
    "200 levels": (
        b'{"signature_name": "check", "inputs": %s}' % (b"[" * 200 + b"1" + b"]" * 200),
        400,
        "Lists are nested 200 levels deep",
    ),
    "wrong base64": (columns("echo", [{"b64": "a"}]), 400, "Unable to base64 decode"),
    "base64 of the wrong kind": (columns("echo", [{"b64": 1}]), 400, "not formatted correctly for base64 data"),
    "base64 for numbers": (columns("check", [{"b64": "YQ=="}]), 400, "Type: Object is not of expected type: float"),
    "bool for float": (columns("check", [True]), 400, "JSON Value: true Type: True is not of expected type: float"),
    "beyond float": (columns("check", [1e300]), 400, "A number is too large for float."),
    "float for int": (columns("spin", [1.0]), 400, "JSON Value: 1.0 Type: Number is not of expected type: int32"),
    "unknown signature": (columns("S", [1]), 400, 'Serving signature name: "S" not found in signature def'),
    "picture of rank 3": (columns("brightness", np.zeros((4, 4, 3), int).tolist()), 400, SHAPE),
    "garbage picture": (columns("decode", ["garbage"]), 400, "Unknown image file format."),
    "negative": (columns("check", [-1]), 400, "assertion failed: [x must be finite and not negative, got]"),
    "NaN": (b'{"signature_name": "check", "inputs": [NaN]}', 400, "assertion failed: [x must be finite"),
    "uint16": (columns("types", {"flag": [True], "long": [1], "double": [1], "short": [1]}), 501, "to type: uint16"),
    "bfloat16": (columns("half", [1]), 400, "Failed to write JSON value for tensor type: bfloat16"),
    "no inputs": (b"{}", 400, "Missing 'inputs' or 'instances' key"),
}


@pytest.mark.parametrize("name", REST)
def test_bad_input_over_rest(local, name):
    body, status, text = REST[name]
    told_status, told = local.rest(PREDICT, body, "POST")
    assert told_status == status
    assert text in json.loads(told)["error"]
    assert is_alive(local)


RAW = {
    "no HTTP": b"nonsense\r\n\r\n",
    "length that is no number": b"POST %s HTTP/1.1\r\nContent-Length: x\r\n\r\n" % PREDICT.encode(),
    "negative length": b"POST %s HTTP/1.1\r\nContent-Length: -5\r\n\r\n" % PREDICT.encode(),
    "malformed chunk": b"POST %s HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" % PREDICT.encode(),
    "gzip that is none": b"POST %s HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi"
    % PREDICT.encode(),
}


@pytest.mark.parametrize("name", RAW)
def test_bad_http(local, name):
    with socket.create_connection(("127.0.0.1", local.server.rest_api_port), timeout=20) as client:
        client.sendall(RAW[name])
        assert b" 400 " in client.recv(100).splitlines()[0]
    assert is_alive(local)


def test_a_client_that_goes_away_harms_nobody(local):
    with socket.create_connection(("127.0.0.1", local.server.rest_api_port), timeout=20) as client:
        client.sendall(b"POST %s HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{" % PREDICT.encode())
    assert is_alive(local)


def test_garbage_in_place_of_a_message(local):
    call = local.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError):
        call(b"\xff\xff garbage", timeout=20)
    assert is_alive(local)


def test_the_table_is_long_enough():
    assert len(GRPC) + len(REST) + len(RAW) >= 60

"""A model server without a model and without TensorFlow: gRPC and REST, with answers that numpy can check.

It "paints" by moving the content halfway to the style's mean colour, a little with each step. Run as a program
(`python -m tests.serving.client.fake_server DIE_AFTER`) it prints its port and ends without a word at that call of
`advance`.
"""

import base64
import contextlib
import http.server
import io
import json
import os
import subprocess
import sys
import threading
import time
from concurrent import futures

import grpc
import numpy as np
import pytest
from PIL import Image

from tf_style.serving.wire import messages
from tf_style.serving.wire.tensors import to_array, to_tensor

STEPS = 20  # when a request does not say
VERSION = 7
SIGNATURES = ("serving_default", "stylize", "stylize_bytes", "encode_style", "stylize_encoded", "start", "advance")
NAMED = {b"red": (255.0, 0.0, 0.0), b"blue": (0.0, 0.0, 255.0)}  # styles that it knows by name
TOKEN = bytes([0x81, 0xFF, 0x03, 0x7F])  # two odd bfloat16 as varints: one a NaN with a payload
_REPEATED = ("float_val", "double_val")


def painting(content, color, share):
    """uint8 [B, H, W, 3]: `share` (0 to 1) of the way to halfway to the colour [B or 1, 3]."""
    values = np.asarray(content, np.float32)
    share = np.reshape(share, (-1, 1, 1, 1)).astype(np.float32)
    return np.rint(values + 0.5 * share * (np.asarray(color, np.float32)[:, None, None] - values)).astype(np.uint8)


def whole(content, style):
    """What the server makes of both."""
    return painting(content[None], style.mean(axis=(0, 1))[None], [1])[0]


def typed(array):
    """A TensorProto as TensorFlow Serving sends it: values one by one, not the array's bytes."""
    array = np.asarray(array)
    tensor = to_tensor(array)
    if not tensor.tensor_content:
        return tensor
    tensor.ClearField("tensor_content")
    field = {"f4": "float_val", "f8": "double_val", "i8": "int64_val", "b1": "bool_val"}.get(
        array.dtype.str[1:], "int_val"
    )
    values = array.reshape(-1)
    getattr(tensor, field).append(values.tobytes() if field in _REPEATED else varints(values))
    return tensor


def varints(values):
    """Packed: seven bits a byte, the lowest first."""
    if values.dtype == np.uint8:
        pairs = np.stack([np.where(values < 128, values, values | 128), values >> 7], axis=-1)
        return pairs[np.stack([np.ones(values.shape, bool), values >= 128], axis=-1)].tobytes()
    packed = bytearray()
    for value in values.tolist():
        rest = int(value) % 2**64
        while rest > 127:
            packed.append(rest & 127 | 128)
            rest >>= 7
        packed.append(rest)
    return bytes(packed)


class RefusalError(Exception):
    """What a call is answered with instead of tensors."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.text = code, text


class FakeServer:
    """Both ports; `calls` holds (signature, inputs) of all requests.

    Set `refuse` to a function of (signature, number of that signature's calls so far) that may return a RefusalError,
    `delay` to seconds a call, and `typed` to false for answers as `tensor_content`.
    """

    def __init__(self, credentials=None, max_bytes=-1):
        self.calls, self.deadlines, self.specs = [], [], []
        self.refuse = lambda signature, number: None
        self.delay, self.typed, self.size = 0.0, True, 0
        options = [("grpc.max_receive_message_length", max_bytes), ("grpc.max_send_message_length", -1)]
        self._pool = futures.ThreadPoolExecutor(4)
        self.server = grpc.server(self._pool, options=[*options, ("grpc.so_reuseport", 0)])
        for service in ("PredictionService", "ModelService"):
            handler = grpc.method_handlers_generic_handler(f"tensorflow.serving.{service}", self._methods())
            self.server.add_generic_rpc_handlers((handler,))
        if credentials is None:
            self.port = self.server.add_insecure_port("127.0.0.1:0")
        else:
            self.port = self.server.add_secure_port("127.0.0.1:0", credentials)
        self.server.start()
        self.address = f"127.0.0.1:{self.port}"

    def stop(self):
        self.server.stop(0).wait()
        self._pool.shutdown(wait=False)

    def count(self, signature):
        return sum(name == signature for name, _ in self.calls)

    # --- the protocol -------------------------------------------------------------------------------------------------

    def _methods(self):
        def method(function, request):
            return grpc.unary_unary_rpc_method_handler(
                function, request.FromString, lambda message: message.SerializeToString()
            )

        return {
            "Predict": method(self._predict, messages.PredictRequest),
            "GetModelMetadata": method(self._metadata, messages.GetModelMetadataRequest),
            "GetModelStatus": method(self._status, messages.GetModelStatusRequest),
        }

    def _predict(self, request, context):
        signature = request.model_spec.signature_name
        tensors = {name: to_array(tensor) for name, tensor in request.inputs.items() if name != "state_token"}
        self.deadlines.append(context.time_remaining())
        self.specs.append(request.model_spec)
        try:
            if "state_token" in request.inputs and b"".join(request.inputs["state_token"].half_val) != TOKEN:
                raise RefusalError(grpc.StatusCode.INTERNAL, "the state was changed on its way")
            outputs = self.answer(request.model_spec.name, signature, tensors)
        except RefusalError as refusal:
            context.abort(refusal.code, refusal.text)
        answer = messages.PredictResponse()
        answer.model_spec.CopyFrom(request.model_spec)
        answer.model_spec.version.value = VERSION
        for name, value in outputs.items():
            answer.outputs[name].CopyFrom((typed if self.typed else to_tensor)(value))
        if signature in ("start", "advance"):
            token = answer.outputs["state_token"]
            token.dtype = messages.DataType.values_by_name["DT_BFLOAT16"].number
            token.tensor_shape.dim.add(size=2)
            token.half_val.append(TOKEN)
        return answer

    def _metadata(self, request, context):
        signatures = messages.SignatureDefMap()
        info = signatures.signature_def["stylize"].inputs["content"]
        info.dtype = 4
        for size in (-1, -1, -1, 3):
            info.tensor_shape.dim.add(size=size)
        signatures.signature_def["stylize"].outputs["anything"].tensor_shape.unknown_rank = True
        answer = messages.GetModelMetadataResponse()
        answer.metadata["signature_def"].Pack(signatures)
        return answer

    def _status(self, request, context):
        answer = messages.GetModelStatusResponse()
        answer.model_version_status.add(version=VERSION, state=30)
        answer.model_version_status.add(version=3, state=50).status.error_message = "no weights"
        return answer

    # --- the model ----------------------------------------------------------------------------------------------------

    def answer(self, model, signature, inputs):
        self.calls.append((signature, inputs))
        refusal = self.refuse(signature, self.count(signature))
        time.sleep(self.delay)
        if refusal is not None:
            raise refusal
        if model != "tf_style":
            raise RefusalError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Latest({model})")
        if signature not in SIGNATURES:
            raise RefusalError(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{signature}" not found.')
        return getattr(self, f"_{signature}")(**inputs)

    def _stylize(self, content, style, num_steps=None, **options):
        total = _per_picture(num_steps, len(content))
        return _outputs(content, _colors(style), total, total)

    _serving_default = _stylize

    def _stylize_bytes(self, content_bytes, style_bytes):
        contents, styles = (
            [np.array([[NAMED[data]]]) if data in NAMED else np.asarray(_opened(data)) for data in column]
            for column in (content_bytes, style_bytes)
        )
        styles = styles * len(contents) if len(styles) == 1 else styles
        images = [painting(c[None], s.mean(axis=(0, 1))[None], [1])[0] for c, s in zip(contents, styles, strict=True)]
        return {"image_bytes": np.array([_png(image, self.size) for image in images], object)}

    def _encode_style(self, style, size):
        return {"style_code": np.stack([_colors(style), np.tile(size.mean(), (len(style), 3))], 1, dtype=np.float32)}

    def _stylize_encoded(self, content, style_code, num_steps=None, **options):
        total = _per_picture(num_steps, len(content))
        return _outputs(content, style_code[:, 0], total, total)

    def _start(self, content, style, num_steps=None, **options):
        total = _per_picture(num_steps, len(content))
        return {
            "state_step": np.zeros_like(total),
            "state_total": total,
            "state_color": style.mean(axis=(1, 2), dtype=np.float32),
        }

    def _advance(self, content, style, num_steps, state_step, state_total, state_color):
        step = np.minimum(state_step + num_steps, state_total).astype(np.int32)
        outputs = _outputs(content, state_color, step, state_total)
        state = {"state_step": step, "state_total": state_total, "state_color": state_color}
        share = (step / state_total).astype(np.float32)
        return {**outputs, **state, "fraction": share, "finished": step >= state_total}


def _colors(style):
    """The mean colours of pictures, or those of names."""
    if style.ndim == 1:
        return np.array([NAMED[name] for name in style])
    return style.mean(axis=(1, 2))


def _per_picture(num_steps, batch):
    steps = np.array([STEPS]) if num_steps is None else num_steps
    return np.broadcast_to(steps, (batch,)).astype(np.int32)


def _outputs(content, color, step, total):
    share = step / total
    losses = {name: np.full(len(content), 2 - share, np.float32) for name in ("loss_content", "loss_style")}
    return {"image": painting(content, color, share), "steps": step, **losses}


def _opened(data):
    try:
        return Image.open(io.BytesIO(data)).convert("RGB")
    except OSError:
        raise RefusalError(grpc.StatusCode.INVALID_ARGUMENT, "Unknown image file format.") from None


def _png(levels, size):
    image = Image.fromarray(levels)
    buffer = io.BytesIO()
    (image.resize((size, size)) if size else image).save(buffer, "PNG")
    return buffer.getvalue()


# --- REST -------------------------------------------------------------------------------------------------------------

_HTTP = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


@contextlib.contextmanager
def rest(model, context=None):
    """The REST port of a FakeServer; yields the address. `model.paths` lists what was asked for."""
    model.paths = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802 (its name in the standard library)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model.paths.append(self.path)
            name = self.path.split("/")[3].split(":")[0]
            try:
                columns = {key: _from_json(value) for key, value in body["inputs"].items()}
                outputs = model.answer(name, body["signature_name"], columns)
                status, answer = 200, {"outputs": _to_json(outputs)}
            except RefusalError as refusal:
                status, answer = _HTTP[refusal.code], {"error": refusal.text}
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _from_json(value):
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return np.array([base64.b64decode(item["b64"], validate=True) for item in value], object)
    return np.asarray(value)


def _to_json(outputs):
    columns = {
        name: [{"b64": base64.b64encode(item).decode()} for item in value]
        if name.endswith("_bytes")
        else value.tolist()
        for name, value in outputs.items()
    }
    return columns if len(columns) > 1 else next(iter(columns.values()))


def certificate(folder):
    """Paths of a self-signed certificate for 127.0.0.1 and of its key; skips the test where there is no openssl."""
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    line = ["openssl", "req", *kind, *names, "-keyout", key, "-out", cert]
    try:
        subprocess.run(line, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the openssl command could not make a certificate: {error}")
    return cert, key


def _main(die_after):
    model = FakeServer()

    def refuse(signature, number):
        if signature == "advance" and number == die_after:
            os._exit(0)

    model.refuse = refuse
    print(model.address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    _main(int(sys.argv[1]))

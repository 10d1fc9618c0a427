"""Small SavedModels for tests of the local server: each signature does one thing, quickly."""

import functools
import shutil
import tempfile
from pathlib import Path

import tensorflow as tf

_FLOATS = tf.TensorSpec([None], tf.float32)
_INTS = tf.TensorSpec([None], tf.int32)
_STRINGS = tf.TensorSpec([None], tf.string)
_TEN = tf.constant([10.0])  # a tensor: only those become defaults of the signature
_PICTURES = tf.TensorSpec([None, None, None, 3], tf.uint8)


class _Tiny(tf.Module):
    def __init__(self, offset):
        super().__init__()
        self.offset = tf.Variable(float(offset))

    @tf.function(input_signature=[_FLOATS, _FLOATS])
    def add(self, a, b=_TEN):
        return {"sum": a + b + self.offset}

    @tf.function(input_signature=[_FLOATS, _FLOATS])
    def pair(self, a, b):
        return {"total": a + b, "product": a * b}

    @tf.function(input_signature=[_STRINGS])
    def echo(self, text):
        return {"out": tf.identity(text), "out_bytes": tf.identity(text), "length": tf.strings.length(text)}

    @tf.function(input_signature=[_INTS])
    def spin(self, rounds):
        def body(index, value):
            return index + 1, tf.math.sin(value) + 1.0

        index, _ = tf.while_loop(lambda index, _: index < rounds[0], body, (0, tf.zeros([1000])), parallel_iterations=1)
        return {"rounds_done": index[tf.newaxis]}

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def scalar(self, x):
        return {"y": 2.0 * x}

    @tf.function(input_signature=[_PICTURES])
    def brightness(self, image):
        image = tf.ensure_shape(image, [None, None, None, 3])
        enough = tf.reduce_all(tf.raw_ops.Shape(input=image)[1:3] >= 2)
        with tf.control_dependencies([tf.debugging.Assert(enough, ["image must be at least 2x2"])]):
            return {"mean": tf.reduce_mean(tf.cast(image, tf.float32), [1, 2, 3])}

    @tf.function(input_signature=[_FLOATS])
    def check(self, x):
        good = tf.reduce_all((x >= 0.0) & tf.math.is_finite(x))
        with tf.control_dependencies([tf.debugging.Assert(good, ["x must be finite and not negative, got", x])]):
            return {"y": tf.identity(x)}

    @tf.function(input_signature=[_STRINGS])
    def decode(self, image_bytes):
        image = tf.io.decode_image(image_bytes[0], channels=3, expand_animations=False)
        return {"size": tf.shape(image)[tf.newaxis, :2]}

    @tf.function(input_signature=[tf.TensorSpec([None], dtype) for dtype in (tf.bool, tf.int64, tf.float64, tf.uint16)])
    def types(self, flag, long, double, short):
        return {"flag": ~flag, "long": long + 1, "double": double * 2.0, "short": tf.identity(short)}

    @tf.function(input_signature=[_FLOATS])
    def half(self, x):
        return {"y": tf.cast(x, tf.bfloat16)}


def _save(offset, folder):
    tiny = _Tiny(offset)
    names = ("pair", "echo", "spin", "scalar", "brightness", "check", "decode", "types", "half")
    signatures = {"serving_default": tiny.add, **{name: getattr(tiny, name) for name in names}}
    tf.saved_model.save(tiny, str(folder), signatures=signatures)


@functools.cache
def _scratch():
    return tempfile.TemporaryDirectory(prefix="tf_style_tiny_models_")


@functools.cache
def _saved(offset):
    folder = Path(_scratch().name) / str(offset)
    _save(offset, folder)
    return folder


def write_version(base, version, *, offset=0, requests=()):
    """Puts a model at base/version whose default signature adds a, b (default 10) and `offset`."""
    version_folder, unfinished = Path(base) / str(version), Path(base) / f"unfinished-{version}"
    shutil.copytree(_saved(offset), unfinished)
    if requests:
        write_warm_up(unfinished, requests)
    unfinished.rename(version_folder)
    return version_folder


def write_warm_up(folder, requests):
    """The file of recorded requests, as TensorFlow's own writer writes it."""
    from tensorflow_serving.apis import prediction_log_pb2

    path = Path(folder) / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())

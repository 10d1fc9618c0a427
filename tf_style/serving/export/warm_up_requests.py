"""Requests that TensorFlow Serving runs before a version takes traffic, so that the first caller need not wait."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_style.serving.export.guards import MIN_SIDE
from tf_style.serving.wire.messages import PredictionLog
from tf_style.serving.wire.tensors import to_tensor

WARM_UP_FILE = Path("assets.extra", "tf_serving_warmup_requests")


def write_warm_up(version: Path, requests: list[tuple[str, dict[str, Any]]]) -> int:
    """Writes the file of warm-up requests.

    Args:
      version: Folder of the saved version.
      requests: Signature and inputs of each request, in order.

    Returns:
      The number of requests.
    """
    path = version / WARM_UP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, inputs in requests:
            log = PredictionLog()
            request = log.predict_log.request
            request.model_spec.signature_name = name
            for key, value in inputs.items():
                request.inputs[key].CopyFrom(to_tensor(value))
            writer.write(log.SerializeToString())
    return len(requests)


def optimization_requests(sizes: tuple[int, ...], signatures: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Requests for every signature of a stylizer that optimises, with pictures of each size and few steps.

    Args:
      sizes: Sides of square pictures, in pixels.
      signatures: Name -> `tf.function`, as saved.
    """
    one = np.ones(1, np.int32)
    file = _png(MIN_SIDE)  # the smallest picture, because it takes all the steps of the preset
    yield "stylize_bytes", {"content_bytes": [file], "style_bytes": [file]}
    for side in sizes:
        picture = np.full((1, side, side, 3), 128, np.uint8)
        pair = {"content": picture, "style": picture}
        yield "stylize", {**pair, "num_steps": one}
        yield "serving_default", {**pair, "num_steps": one}
        yield "start", {**pair, "num_steps": one}
        state = signatures["start"](tf.constant(picture), tf.constant(picture), tf.constant(one))
        state = {name: np.asarray(tensor) for name, tensor in state.items()}
        yield "advance", {**pair, "num_steps": one, **state}
        if "encode_style" in signatures:
            size = np.array([side, side], np.int32)
            yield "encode_style", {"style": picture, "size": size}
            code = np.asarray(signatures["encode_style"](tf.constant(picture), tf.constant(size))["style_code"])
            yield "stylize_encoded", {"content": picture, "style_code": code, "num_steps": one}


def _png(side: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (128, 128, 128)).save(file, "PNG")
    return file.getvalue()

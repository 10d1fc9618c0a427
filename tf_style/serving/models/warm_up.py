"""Warm-up: a version's recorded requests run before it becomes available, as in TensorFlow Serving."""

from __future__ import annotations

import re
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError

from tf_style.serving.models.predict import Runner, predict
from tf_style.serving.wire.messages import PredictionLog, PredictRequest
from tf_style.serving.wire.status import Code, ServingError, invalid

WARM_UP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"
_MAX_RECORDS = 1000


def warm_up(session: Runner, folder: Path, iterations: int = 1) -> int:
    """Runs the requests in the warm-up file of a SavedModel, if it has one.

    Args:
      session: The loaded model.
      folder: The SavedModel's folder.
      iterations: How often each request runs.

    Returns:
      The number of requests.

    Raises:
      ServingError: The file is damaged, has more than 1000 requests, or one that fails.
    """
    path = folder / WARM_UP_FILE
    if not path.is_file():
        return 0
    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            count += 1
            if count > _MAX_RECORDS:
                raise invalid(f"Number of warmup records exceeds the maximum ({_MAX_RECORDS}) at {path}")
            request = _request(record, path)
            for _ in range(iterations):
                predict(session, request)
    except tf.errors.DataLossError as error:
        found = re.search(r"\w+ record at \d+( \(.*\))?", error.message)
        text = f"{found[0] if found else error.message}. Please verify your warmup data is in TFRecord format."
        raise ServingError(Code.DATA_LOSS, text) from None
    return count


def _request(record: bytes, path: Path) -> PredictRequest:
    try:
        log = PredictionLog.FromString(record)
    except DecodeError:
        raise invalid(f"Failed to parse warmup record: {record.decode('utf-8', 'replace')} from {path}") from None
    if not log.HasField("predict_log"):
        raise ServingError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup in {path}: only predict_log is.")
    return log.predict_log.request

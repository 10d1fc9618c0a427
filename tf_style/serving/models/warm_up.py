"""Warm-up: a version's recorded requests are run before it is available, as TensorFlow Serving runs them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from tf_style.serving.models.classify import classify, multi_inference, regress
from tf_style.serving.models.predict import Runner, predict
from tf_style.serving.wire.status import Code, ServingError, invalid

WARM_UP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"
_MAX_RECORDS = 1000
_HEADER, _FOOTER = struct.Struct("<QI"), struct.Struct("<I")
_CRC_POLYNOMIAL = 0x82F63B78  # CRC-32C, reflected
_CRC_MASK = 0xA282EAD8


def warm_up(session: Runner, folder: Path, iterations: int = 1) -> int:
    """Runs the requests in the warm-up file of a SavedModel, if it has one.

    Args:
      session: The loaded model.
      folder: The SavedModel's.
      iterations: How often each request runs.

    Returns:
      The number of requests.

    Raises:
      ServingError: A damaged file, more than 1000 requests, or a request that fails.
    """
    path = folder / WARM_UP_FILE
    if not path.is_file():
        return 0
    count = 0
    for record in _records(path):
        try:
            log = prediction_log_pb2.PredictionLog.FromString(record)
        except DecodeError:
            text = record.decode("utf-8", "replace")
            raise invalid(f"Failed to parse warmup record: {text} from {path}") from None
        for _ in range(iterations):
            _run(session, log)
        count += 1
        if count > _MAX_RECORDS:
            raise invalid(f"Number of warmup records exceeds the maximum ({_MAX_RECORDS}) at {path}")
    return count


def _run(session: Runner, log: prediction_log_pb2.PredictionLog) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        predict(session, log.predict_log.request)
    elif kind == "classify_log":
        classify(session, log.classify_log.request)
    elif kind == "regress_log":
        regress(session, log.regress_log.request)
    elif kind == "multi_inference_log":
        multi_inference(session, log.multi_inference_log.request)
    elif kind is not None:
        number = prediction_log_pb2.PredictionLog.DESCRIPTOR.fields_by_name[kind].number
        raise ServingError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {number}")


def _records(path: Path) -> Iterator[bytes]:
    """The records of a TFRecord file: length, its checksum, the data, its checksum."""
    data, offset = path.read_bytes(), 0
    while offset < len(data):
        header = data[offset : offset + _HEADER.size]
        if len(header) < _HEADER.size:
            raise _damaged("truncated record", offset)
        length, checksum = _HEADER.unpack(header)
        if _masked_crc(header[:8]) != checksum:
            raise _damaged("corrupted record", offset, " (Is this even a TFRecord file?)")
        start = offset + _HEADER.size
        record = data[start : start + length]
        footer = data[start + length : start + length + _FOOTER.size]
        if len(footer) < _FOOTER.size:
            raise _damaged("truncated record", offset)
        if _masked_crc(record) != _FOOTER.unpack(footer)[0]:
            raise _damaged("corrupted record", offset)
        yield record
        offset = start + length + _FOOTER.size


def _damaged(what: str, offset: int, hint: str = "") -> ServingError:
    text = f"{what} at {offset}{hint}. Please verify your warmup data is in TFRecord format."
    return ServingError(Code.DATA_LOSS, text)


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_CRC_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def _masked_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _CRC_MASK) & 0xFFFFFFFF

"""TensorFlow Serving's protocol messages without TensorFlow.

The package `tensorflow_serving.apis` imports all of TensorFlow. The table below holds the messages a client needs, with
the same names, field numbers and bytes on the wire. They live in their own pool, so a program can import the other
package as well. Fields that are not in the table survive when a message is read and written again.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2, descriptor_pool, message_factory, wrappers_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

#: The methods of the services.
PREDICT = "/tensorflow.serving.PredictionService/Predict"
GET_MODEL_METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
GET_MODEL_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"

# A packed list of numbers, kept as the bytes on the wire. `tensors.py` reads a million of them with numpy in
# milliseconds; protobuf's own lists make a Python object of each. ("repeated": a list may come in pieces.)
_PACKED = "repeated bytes"

# Message -> field -> (number, kind). A kind is a scalar or the full name of a message or enumeration. "repeated" before
# it makes a list, "map" a map from text. Outer messages come before those inside them.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "tensorflow.TensorShapeProto": {
        "dim": (2, "repeated tensorflow.TensorShapeProto.Dim"),
        "unknown_rank": (3, "bool"),
    },
    "tensorflow.TensorShapeProto.Dim": {"size": (1, "int64"), "name": (2, "string")},
    "tensorflow.TensorProto": {
        "dtype": (1, "tensorflow.DataType"),
        "tensor_shape": (2, "tensorflow.TensorShapeProto"),
        "version_number": (3, "int32"),
        "tensor_content": (4, "bytes"),
        "float_val": (5, _PACKED),
        "double_val": (6, _PACKED),
        "int_val": (7, _PACKED),
        "string_val": (8, "repeated bytes"),
        "scomplex_val": (9, _PACKED),
        "int64_val": (10, _PACKED),
        "bool_val": (11, _PACKED),
        "dcomplex_val": (12, _PACKED),
        "half_val": (13, _PACKED),
        "uint32_val": (16, _PACKED),
        "uint64_val": (17, _PACKED),
    },
    "tensorflow.TensorInfo": {
        "name": (1, "string"),
        "dtype": (2, "tensorflow.DataType"),
        "tensor_shape": (3, "tensorflow.TensorShapeProto"),
    },
    "tensorflow.SignatureDef": {
        "inputs": (1, "map tensorflow.TensorInfo"),
        "outputs": (2, "map tensorflow.TensorInfo"),
        "method_name": (3, "string"),
        "defaults": (4, "map tensorflow.TensorProto"),
    },
    "tensorflow.serving.ModelSpec": {
        "name": (1, "string"),
        "version": (2, "google.protobuf.Int64Value"),
        "version_label": (4, "string"),
        "signature_name": (3, "string"),
    },
    "tensorflow.serving.PredictRequest": {
        "model_spec": (1, "tensorflow.serving.ModelSpec"),
        "inputs": (2, "map tensorflow.TensorProto"),
        "output_filter": (3, "repeated string"),
    },
    "tensorflow.serving.PredictResponse": {
        "outputs": (1, "map tensorflow.TensorProto"),
        "model_spec": (2, "tensorflow.serving.ModelSpec"),
    },
    # A recorded request, for warm-up; the other kinds of logs are left out.
    "tensorflow.serving.PredictLog": {"request": (1, "tensorflow.serving.PredictRequest")},
    "tensorflow.serving.PredictionLog": {"predict_log": (6, "tensorflow.serving.PredictLog")},
    "tensorflow.serving.SignatureDefMap": {"signature_def": (1, "map tensorflow.SignatureDef")},
    "tensorflow.serving.GetModelMetadataRequest": {
        "model_spec": (1, "tensorflow.serving.ModelSpec"),
        "metadata_field": (2, "repeated string"),
    },
    "tensorflow.serving.GetModelMetadataResponse": {
        "model_spec": (1, "tensorflow.serving.ModelSpec"),
        "metadata": (2, "map google.protobuf.Any"),
    },
    "tensorflow.serving.StatusProto": {"error_code": (1, "int32"), "error_message": (2, "string")},
    "tensorflow.serving.GetModelStatusRequest": {"model_spec": (1, "tensorflow.serving.ModelSpec")},
    "tensorflow.serving.ModelVersionStatus": {
        "version": (1, "int64"),
        "state": (2, "tensorflow.serving.ModelVersionStatus.State"),
        "status": (3, "tensorflow.serving.StatusProto"),
    },
    "tensorflow.serving.GetModelStatusResponse": {
        "model_version_status": (1, "repeated tensorflow.serving.ModelVersionStatus"),
    },
    # Configuration files of the server, which the wheel of tensorflow-serving-api lacks.
    "tensorflow.serving.PrometheusConfig": {"enable": (1, "bool"), "path": (2, "string")},
    "tensorflow.serving.MonitoringConfig": {"prometheus_config": (1, "tensorflow.serving.PrometheusConfig")},
    "tensorflow.serving.SSLConfig": {
        "server_key": (1, "string"),
        "server_cert": (2, "string"),
        "custom_ca": (3, "string"),
        "client_verify": (4, "bool"),
    },
}

# At most one of these fields is set: message -> (name of the choice, fields).
_CHOICES = {
    "tensorflow.TensorInfo": ("encoding", ("name",)),
    "tensorflow.serving.ModelSpec": ("version_choice", ("version", "version_label")),
}

_ENUMERATIONS = {
    "tensorflow.DataType": {
        "DT_INVALID": 0,
        "DT_FLOAT": 1,
        "DT_DOUBLE": 2,
        "DT_INT32": 3,
        "DT_UINT8": 4,
        "DT_INT16": 5,
        "DT_INT8": 6,
        "DT_STRING": 7,
        "DT_COMPLEX64": 8,
        "DT_INT64": 9,
        "DT_BOOL": 10,
        "DT_BFLOAT16": 14,
        "DT_UINT16": 17,
        "DT_COMPLEX128": 18,
        "DT_HALF": 19,
        "DT_UINT32": 22,
        "DT_UINT64": 23,
    },
    "tensorflow.serving.ModelVersionStatus.State": {
        "UNKNOWN": 0,
        "START": 10,
        "LOADING": 20,
        "AVAILABLE": 30,
        "UNLOADING": 40,
        "END": 50,
    },
}


def _files() -> list[FileDescriptorProto]:
    """The tables as descriptors: one file per package, each after the files it needs."""
    files: dict[str, FileDescriptorProto] = {}
    messages: dict[str, DescriptorProto] = {}

    def home(full_name: str) -> tuple[Any, str]:
        parent, _, name = full_name.rpartition(".")
        if parent not in messages:
            files.setdefault(parent, FileDescriptorProto(name=f"{parent}.proto", package=parent, syntax="proto3"))
        return messages.get(parent) or files[parent], name

    for full_name, fields in _MESSAGES.items():
        parent, name = home(full_name)
        siblings = parent.nested_type if isinstance(parent, DescriptorProto) else parent.message_type
        messages[full_name] = siblings.add(name=name)
        for field, (number, kind) in fields.items():
            _add_field(messages[full_name], full_name, field, number, kind)
        choice, members = _CHOICES.get(full_name, ("", ()))
        if choice:
            messages[full_name].oneof_decl.add(name=choice)
        for added in messages[full_name].field:
            if added.name in members:
                added.oneof_index = 0
    for full_name, values in _ENUMERATIONS.items():
        parent, name = home(full_name)
        enumeration = parent.enum_type.add(name=name)
        for value, number in values.items():
            enumeration.value.add(name=value, number=number)
    files["tensorflow.serving"].dependency.extend([any_pb2.DESCRIPTOR.name, wrappers_pb2.DESCRIPTOR.name])
    files["tensorflow.serving"].dependency.append(files["tensorflow"].name)
    return [files["tensorflow"], files["tensorflow.serving"]]


def _add_field(message: DescriptorProto, full_name: str, name: str, number: int, kind: str) -> None:
    label, _, kind = kind.rpartition(" ")
    if label == "map":  # on the wire a list of small messages, key and value
        entry_name = "".join(part.capitalize() for part in name.split("_")) + "Entry"
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        _add_field(entry, "", "key", 1, "string")
        _add_field(entry, "", "value", 2, kind)
        kind = f"{full_name}.{entry_name}"
    repeated = FieldDescriptorProto.LABEL_REPEATED if label else FieldDescriptorProto.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=repeated)
    if "." in kind:
        is_enumeration = kind in _ENUMERATIONS
        field.type = FieldDescriptorProto.TYPE_ENUM if is_enumeration else FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{kind}"
    else:
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")


_POOL = descriptor_pool.DescriptorPool()
for _file in (any_pb2.DESCRIPTOR.serialized_pb, wrappers_pb2.DESCRIPTOR.serialized_pb):
    _POOL.AddSerializedFile(_file)
for _described in _files():
    _POOL.AddSerializedFile(_described.SerializeToString())


def _message(full_name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(full_name))


DataType: Any = _POOL.FindEnumTypeByName("tensorflow.DataType")
ModelVersionState: Any = _POOL.FindEnumTypeByName("tensorflow.serving.ModelVersionStatus.State")
TensorProto: Any = _message("tensorflow.TensorProto")
SignatureDef: Any = _message("tensorflow.SignatureDef")
ModelSpec: Any = _message("tensorflow.serving.ModelSpec")
PredictRequest: Any = _message("tensorflow.serving.PredictRequest")
PredictionLog: Any = _message("tensorflow.serving.PredictionLog")
PredictResponse: Any = _message("tensorflow.serving.PredictResponse")
SignatureDefMap: Any = _message("tensorflow.serving.SignatureDefMap")
GetModelMetadataRequest: Any = _message("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse: Any = _message("tensorflow.serving.GetModelMetadataResponse")
GetModelStatusRequest: Any = _message("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse: Any = _message("tensorflow.serving.GetModelStatusResponse")
MonitoringConfig: Any = _message("tensorflow.serving.MonitoringConfig")
SSLConfig: Any = _message("tensorflow.serving.SSLConfig")

#: What each method answers with.
ANSWERS = {
    PREDICT: PredictResponse,
    GET_MODEL_METADATA: GetModelMetadataResponse,
    GET_MODEL_STATUS: GetModelStatusResponse,
}

"""The messages of a model server without TensorFlow: tensors, and the same bytes as tensorflow_serving.apis."""

import time

import numpy as np
import pytest

from tests.serving.client import fake_server
from tests.serving.client.fake_server import typed
from tf_style.serving.wire import messages
from tf_style.serving.wire.tensors import to_array, to_tensor

ARRAYS = {
    "pictures": np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8),
    "negative": np.array([0, -1, 1, 127, 128, -128, 2**31 - 1, -(2**31)], np.int32),
    "long": np.array([[0, -1], [2**63 - 1, -(2**63)]], np.int64),
    "small": np.arange(-128, 128, dtype=np.int8),
    "unsigned": np.array([0, 2**16 - 1, 300], np.uint16),
    "float": np.array([[0.5, -0.0], [np.inf, np.nan]], np.float32),
    "double": np.array([1e300, -1e-300]),
    "half": np.array([1.5, -65504, 0], np.float16),
    "complex": np.array([1 + 2j, -3.5j], np.complex64),
    "double complex": np.array([1 + 2j, 1e300]),
    "truth": np.array([True, False, True]),
    "scalar": np.float32(2.5),
    "zero": np.int32(0),
    "empty": np.zeros((0, 4), np.float32),
    "bytes": np.array([b"a\0", b"", b"\xff" * 200], object),
    "reversed": np.arange(6, dtype=np.int32)[::-1].reshape(2, 3).T,
    "big-endian": np.arange(3, dtype=">f4"),
}


def same(found, wanted):
    assert found.dtype == np.asarray(wanted).dtype.newbyteorder("=")
    assert found.shape == np.shape(wanted)
    np.testing.assert_array_equal(found, wanted)


# --- tensors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_content", [True, False])
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_from_its_message(name, as_content):
    tensor = to_tensor(ARRAYS[name], as_content=as_content)
    tensor = messages.TensorProto.FromString(tensor.SerializeToString())
    assert as_content or not tensor.tensor_content
    same(to_array(tensor), ARRAYS[name])


def test_text_becomes_bytes():
    assert to_array(to_tensor("größe")) == "größe".encode()
    assert to_array(to_tensor(["a", b"b\0"])).tolist() == [b"a", b"b\0"]


def test_arrays_are_ones_own():
    to_array(to_tensor(ARRAYS["pictures"]))[0] = 1
    to_array(typed(np.array([1.5], np.float32)))[0] = 1


def test_missing_values_repeat_the_last_one():
    tensor = typed(np.array([[3, 200], [200, 200]], np.uint8))
    tensor.int_val[:] = [fake_server.varints(np.array([3, 200], np.uint8))]
    same(to_array(tensor), np.array([[3, 200], [200, 200]], np.uint8))
    tensor.ClearField("int_val")
    same(to_array(tensor), np.zeros((2, 2), np.uint8))
    texts = to_tensor([b"x", b"x", b"x"])
    del texts.string_val[1:]
    assert to_array(texts).tolist() == [b"x"] * 3
    del texts.string_val[:]
    assert to_array(texts).tolist() == [b""] * 3


def test_a_list_of_numbers_may_come_in_pieces():
    tensor = typed(np.array([1.5], np.float32))
    tensor.tensor_shape.dim[0].size = 2
    tensor.float_val.append(np.float32(2.5).tobytes())
    assert to_array(tensor).tolist() == [1.5, 2.5]


def test_bfloat16_becomes_float32():
    tensor = messages.TensorProto(dtype=messages.DataType.values_by_name["DT_BFLOAT16"].number)
    tensor.tensor_shape.dim.add(size=2)
    tensor.half_val.append(fake_server.varints(np.array([0x3FC0, 0xC000])))
    same(to_array(tensor), np.array([1.5, -2], np.float32))
    tensor.ClearField("half_val")
    tensor.tensor_content = np.array([0x3FC0, 0xC000], "<u2").tobytes()
    same(to_array(tensor), np.array([1.5, -2], np.float32))


def _spoiled(array, **fields):
    tensor = to_tensor(array)
    for name, value in fields.items():
        if isinstance(value, list):
            tensor.ClearField("tensor_content")
            getattr(tensor, name).extend(value)
        else:
            setattr(tensor, name, value)
    return tensor


MALFORMED = {
    "short content": (_spoiled(ARRAYS["double"], tensor_content=b"123"), "has 3 bytes for 2 values of float64"),
    "too many values": (_spoiled(np.zeros(1, np.uint8), int_val=[b"\1\2"]), "has 2 values for a shape of 1"),
    "half a float": (_spoiled(np.zeros(1, np.float32), float_val=[b"\1\2"]), "has 2 bytes"),
    "cut integer": (_spoiled(np.zeros(1, np.int32), int_val=[b"\1\x80"]), "cut short"),
    "a resource": (_spoiled(np.zeros(1), dtype=20), "type 20"),
    "short text": (_spoiled([b"a", b"b"], tensor_content=b"\1"), "too few for 2 texts"),
    "long text": (_spoiled([b"a"], tensor_content=b"\2a"), "its texts need 3"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_tensors_are_refused(name):
    tensor, text = MALFORMED[name]
    with pytest.raises(ValueError, match=text):
        to_array(tensor)


def test_a_tensor_without_a_definite_shape_is_refused():
    tensor = to_tensor(np.zeros(2))
    tensor.tensor_shape.dim[0].size = -1
    with pytest.raises(ValueError, match="definite shape"):
        to_array(tensor)


def test_what_is_no_tensor_is_refused():
    for value in (object(), [b"a", 1], np.zeros(1, "datetime64[s]")):
        with pytest.raises(ValueError, match="cannot be sent; allowed are bytes, text and float32"):
            to_tensor(value)


def test_a_million_values_are_read_quickly():
    tensor = typed(np.random.default_rng(0).integers(0, 256, 1024 * 1024 * 3, dtype=np.uint8))
    started = time.perf_counter()
    to_array(tensor)
    assert time.perf_counter() - started < 1, "protobuf's own lists take longer"


# --- the same bytes as tensorflow_serving.apis ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def theirs():
    """The public messages by ours; they bring TensorFlow with them."""
    pytest.importorskip("tensorflow_serving.apis", reason="tensorflow-serving-api is not installed")
    from tensorflow.core.framework import tensor_pb2
    from tensorflow.core.protobuf import meta_graph_pb2
    from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2, predict_pb2

    homes = (tensor_pb2, meta_graph_pb2, model_pb2, predict_pb2, get_model_metadata_pb2, get_model_status_pb2)
    return {name: getattr(home, name) for home in homes for name in vars(messages) if hasattr(home, name)}


def _described(descriptor):
    return {field.name: field for field in descriptor.fields}


def _walk(ours, theirs, seen):
    """Both descriptors of all messages that can be reached."""
    if ours.full_name not in seen:
        seen.add(ours.full_name)
        yield ours, theirs
        for field in ours.fields:
            if field.message_type is not None:
                yield from _walk(field.message_type, _described(theirs)[field.name].message_type, seen)


def test_every_field_is_the_public_one(theirs):
    assert len(theirs) >= 9
    seen = set()
    for name, public in theirs.items():
        if not hasattr(public, "DESCRIPTOR") or not hasattr(getattr(messages, name), "DESCRIPTOR"):
            continue
        for ours, other in _walk(getattr(messages, name).DESCRIPTOR, public.DESCRIPTOR, seen):
            assert ours.full_name == other.full_name
            for field in ours.fields:
                public_field = _described(other)[field.name]
                assert (field.number, field.is_repeated) == (public_field.number, public_field.is_repeated) or (
                    field.number == public_field.number and field.name.endswith("_val")
                ), field.full_name
                wire = {field.type, public_field.type}
                packed = field.name.endswith("_val") and field.name != "string_val"
                code = field.name == "error_code"  # an enumeration, which travels as int32
                assert len(wire) == 1 or packed or code, field.full_name
                assert bool(field.containing_oneof) == bool(public_field.containing_oneof), field.full_name
    assert {"tensorflow.TensorShapeProto.Dim", "tensorflow.TensorInfo", "tensorflow.serving.ModelVersionStatus"} <= seen


def test_enumerations_are_the_public_ones(theirs):
    public = theirs["TensorProto"].DESCRIPTOR.fields_by_name["dtype"].enum_type
    for value in messages.DataType.values:
        assert public.values_by_name[value.name].number == value.number
    statuses = theirs["GetModelStatusResponse"].DESCRIPTOR.fields_by_name["model_version_status"].message_type
    states = {value.name: value.number for value in statuses.fields_by_name["state"].enum_type.values}
    assert {value.name: value.number for value in messages.ModelVersionState.values} == states


@pytest.mark.parametrize("name", ARRAYS)
def test_tensorflow_reads_our_tensors_and_we_read_its(theirs, name):
    import tensorflow as tf

    array = np.asarray(ARRAYS[name])
    native = array.astype(array.dtype.newbyteorder("="))
    read = theirs["TensorProto"].FromString(to_tensor(array).SerializeToString())
    assert read.SerializeToString() == to_tensor(array).SerializeToString()
    np.testing.assert_array_equal(tf.make_ndarray(read), native)
    one_by_one = _one_by_one(theirs["TensorProto"], native)
    assert to_tensor(array, as_content=False).SerializeToString() == one_by_one.SerializeToString()
    for public in (tf.make_tensor_proto(native), one_by_one):
        same(to_array(messages.TensorProto.FromString(public.SerializeToString())), native)


def _one_by_one(proto, array):
    """As `Tensor::AsProtoField` writes it."""
    found = to_tensor(array)
    name = messages.DataType.values_by_number[found.dtype].name
    tensor = proto.FromString(found.SerializeToString())
    tensor.ClearField("tensor_content")
    fields = {"DT_FLOAT": "float_val", "DT_DOUBLE": "double_val", "DT_INT64": "int64_val", "DT_BOOL": "bool_val"}
    if name in ("DT_COMPLEX64", "DT_COMPLEX128"):
        parts = array.view(np.float32 if name == "DT_COMPLEX64" else np.float64).reshape(-1)
        getattr(tensor, "scomplex_val" if name == "DT_COMPLEX64" else "dcomplex_val").extend(parts.tolist())
    elif name == "DT_HALF":
        tensor.half_val.extend(array.view(np.uint16).tolist())
    elif name != "DT_STRING":
        getattr(tensor, fields.get(name, "int_val")).extend(array.reshape(-1).tolist())
    return tensor


def test_text_as_tensor_content_is_read():
    tensor = to_tensor([b"ab", b"", b"c" * 200])
    tensor.ClearField("string_val")
    tensor.tensor_content = b"\x02\x00\xc8\x01" + b"ab" + b"c" * 200  # the lengths, then all
    assert to_array(tensor).tolist() == [b"ab", b"", b"c" * 200]


def _bytes(message):
    return message.SerializeToString(deterministic=True)


def test_requests_are_the_same_bytes_both_ways(theirs):
    for version in ({"version": {"value": 7}}, {"version_label": "stable"}, {}):
        fields = {"name": "tf_style", "signature_name": "stylize", **version}
        ours, public = messages.ModelSpec(**fields), theirs["ModelSpec"](**fields)
        assert _bytes(ours) == _bytes(public)
        assert _bytes(theirs["ModelSpec"].FromString(_bytes(ours))) == _bytes(public)
        assert messages.ModelSpec.FromString(_bytes(public)) == ours
    predict = messages.PredictRequest(model_spec=ours, output_filter=["image"])
    public = theirs["PredictRequest"](
        model_spec={"name": "tf_style", "signature_name": "stylize"}, output_filter=["image"]
    )
    for name, array in ARRAYS.items():
        predict.inputs[name].CopyFrom(to_tensor(array))
        public.inputs[name].ParseFromString(_bytes(to_tensor(array)))
    assert _bytes(predict) == _bytes(public)
    assert messages.PredictRequest.FromString(_bytes(public)) == predict
    metadata = {"model_spec": {"name": "m"}, "metadata_field": ["signature_def"]}
    assert _bytes(messages.GetModelMetadataRequest(**metadata)) == _bytes(theirs["GetModelMetadataRequest"](**metadata))
    status = {"model_spec": {"name": "m", "version": {"value": 0}}}
    assert _bytes(messages.GetModelStatusRequest(**status)) == _bytes(theirs["GetModelStatusRequest"](**status))


def test_answers_are_the_same_bytes_both_ways(theirs):
    public = theirs["PredictResponse"](model_spec={"name": "m", "version": {"value": 2}})
    for name, array in ARRAYS.items():
        native = np.asarray(array).astype(np.asarray(array).dtype.newbyteorder("="))
        public.outputs[name].CopyFrom(_one_by_one(theirs["TensorProto"], native))
    ours = messages.PredictResponse.FromString(_bytes(public))
    assert _bytes(ours) == _bytes(public)
    for name, array in ARRAYS.items():
        same(to_array(ours.outputs[name]), array)
    status = theirs["GetModelStatusResponse"]()
    status.model_version_status.add(version=3, state="END").status.error_message = "broken"
    status.model_version_status[0].status.error_code = 5
    assert _bytes(messages.GetModelStatusResponse.FromString(_bytes(status))) == _bytes(status)
    signatures = theirs["SignatureDefMap"]()
    signature = signatures.signature_def["stylize"]
    signature.inputs["content"].name = "x:0"
    signature.inputs["content"].dtype = 4
    signature.inputs["content"].tensor_shape.dim.add(size=-1)
    signature.defaults["seed"].ParseFromString(_bytes(to_tensor(np.array([0], np.int32))))
    signature.method_name = "tensorflow/serving/predict"
    metadata = theirs["GetModelMetadataResponse"]()
    metadata.metadata["signature_def"].Pack(signatures)
    ours = messages.GetModelMetadataResponse.FromString(_bytes(metadata))
    assert _bytes(ours) == _bytes(metadata)
    found = messages.SignatureDefMap.FromString(ours.metadata["signature_def"].value)
    assert _bytes(found) == _bytes(signatures)


def test_fields_we_do_not_know_are_kept(theirs):
    public = theirs["PredictRequest"](client_id=b"me", model_spec={"name": "m"})
    assert theirs["PredictRequest"].FromString(_bytes(messages.PredictRequest.FromString(_bytes(public)))) == public

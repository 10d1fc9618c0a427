"""JSON as TensorFlow Serving reads and writes it, without a server."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tf_style.serving.server.json_tensors import inputs_from_json, outputs_to_json, parse_json
from tf_style.serving.wire.status import ServingError


def read(document, **names):
    return inputs_from_json(document, {name: tf.as_dtype(dtype).as_datatype_enum for name, dtype in names.items()})


def answer(rows=True, **outputs):
    return json.loads(outputs_to_json(outputs, rows=rows))


def test_rows_become_batches():
    arrays, rows = read(
        {"instances": [{"x": [1, 2], "y": "a"}, {"x": [3, 4], "y": {"b64": "YmM="}}]}, x="uint8", y="string"
    )
    assert rows
    assert arrays["x"].tolist() == [[1, 2], [3, 4]]
    assert arrays["x"].dtype == np.uint8
    assert arrays["y"].tolist() == [b"a", b"bc"]


def test_columns_keep_their_shape():
    arrays, rows = read({"inputs": {"x": [[[1.5]]], "y": 7}}, x="float32", y="int64")
    assert not rows
    assert arrays["x"].shape == (1, 1, 1)
    assert arrays["y"].shape == ()


def test_empty_lists_keep_their_shape():
    assert read({"inputs": [[], []]}, x="float32")[0]["x"].shape == (2, 0)


def test_integers_wrap_as_in_the_original():
    arrays, _ = read({"inputs": [300, -1]}, x="uint8")
    assert arrays["x"].tolist() == [44, 255]


def test_large_integers_are_exact():
    assert read({"inputs": [2**64 - 1, 0]}, x="uint64")[0]["x"].tolist() == [2**64 - 1, 0]
    assert read({"inputs": [-(2**63)]}, x="int64")[0]["x"].tolist() == [-(2**63)]


def test_strings_are_bytes_as_sent():
    document = parse_json('{"inputs": ["é", "\\u00e9"]}'.encode())
    assert read(document, x="string")[0]["x"].tolist() == ["é".encode()] * 2


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([[1], [1, 2]], "Expecting shape [1] but got: [2]"),
        ([[[1, 2]], [[1], [2]]], "Expecting shape [1,2] but got: [2,1]"),
        ([1, "a"], 'JSON Value: "a" Type: String is not of expected type: float'),
    ],
)
def test_rows_that_do_not_fit(rows, text):
    with pytest.raises(ServingError) as error:
        read({"instances": rows}, x="float32")
    where = "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
    assert error.value.message == where + text


def test_rows_are_not_mixed():
    with pytest.raises(ServingError, match="Expecting value/list but got object at item 1 of input list"):
        read({"instances": [1, {"x": 2}]}, x="float32")


def test_answers_in_rows():
    image, ok = np.arange(6, dtype=np.uint8).reshape(2, 3), np.array([True, False])
    assert answer(image=image, ok=ok) == {
        "predictions": [{"image": [0, 1, 2], "ok": True}, {"image": [3, 4, 5], "ok": False}]
    }
    assert answer(x_bytes=np.array([b"\x00", b"ab"], object)) == {"predictions": [{"b64": "AA=="}, {"b64": "YWI="}]}


def test_answers_in_columns():
    assert answer(rows=False, x=np.array(2)) == {"outputs": 2}
    assert answer(rows=False, x=np.zeros((0, 2))) == {"outputs": []}
    assert answer(rows=False, x=np.array([[b'"']], object), y=np.array([1])) == {"outputs": {"x": [['"']], "y": [1]}}


def test_float32_has_no_more_digits_than_it_needs():
    values = np.float32([0.1, 1 / 3, 3e-5, 1.5, 16777215])
    text = outputs_to_json({"x": values}, rows=False)
    assert text == '{"outputs": [0.1, 0.33333334, 3e-05, 1.5, 16777215.0]}'
    assert np.float32(json.loads(text)["outputs"]).tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({"x": np.array(1)}, "Tensor name: x has no shape information "),
        ({"a": np.zeros(2), "b": np.zeros(3)}, "Tensor name: b has inconsistent batch size: 3 expecting: 2"),
        ({"x": np.zeros(1, np.float16)}, "Failed to write JSON value for tensor type: half"),
    ],
)
def test_answers_that_have_no_rows(outputs, text):
    with pytest.raises(ServingError) as error:
        outputs_to_json(outputs, rows=True)
    assert error.value.message == text

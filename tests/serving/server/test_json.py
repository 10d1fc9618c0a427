"""JSON as TensorFlow Serving reads and writes it, without a server."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tf_style.serving.server.json_answer import columns_to_json, rows_to_json
from tf_style.serving.server.json_tensor import inputs_from_json
from tf_style.serving.server.json_text import decimal, parse_json
from tf_style.serving.wire.status import ServingError


def types(**names):
    return {name: tf.as_dtype(dtype).as_datatype_enum for name, dtype in names.items()}


def read(document, **names):
    return inputs_from_json(document, types(**names))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(1), "1.0"),
        (np.float32(0.1), "0.1"),
        (np.float32(1 / 3), "0.333333343"),
        (np.float32(9_000_000), "9e+06"),
        (np.float32(16777215), "16777215.0"),
        (np.float32(3e-5), "3e-05"),
        (np.float32(-0.0), "-0.0"),
        (np.float64(0.1), "0.1"),
        (np.float64(1 / 3), "0.33333333333333331"),
        (np.float64("nan"), "NaN"),
        (np.float32("-inf"), "-Infinity"),
    ],
)
def test_decimals(value, text):
    assert decimal(value) == text


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 1}),
        (
            b"[Inf, -Inf, Infinity, 1.5e3, -0, 10, true, null]",
            [float("inf"), float("-inf"), float("inf"), 1500.0, 0, 10, True, None],
        ),
        (b'["\\u00e9\\ud83d\\ude00\\n\\"", Inf]', ['é😀\n"', float("inf")]),
        (b'["\xff"]', ["\udcff"]),
        (b'{"a": [], "b": {}, "c": [{"d": Inf}, -1.5]}', {"a": [], "b": {}, "c": [{"d": float("inf")}, -1.5]}),
    ],
)
def test_texts_that_are_accepted(body, value):
    assert parse_json(body) == value


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b" \n", "The document is empty. at offset: 2"),
        (b"nul", "Invalid value. at offset: 3"),
        (b"-", "Invalid value. at offset: 1"),
        (b"[01]", "Missing a comma or ] after an array element. at offset: 2"),
        (b'["a]', "Missing a closing quotation mark in string. at offset: 4"),
        (b'["\\q"]', "Invalid escape character in string. at offset: 2"),
        (b'{"a":1,}', "Missing a name for object member. at offset: 7"),
        (b"1 2", "The document root must not be followed by other values. at offset: 2"),
    ],
)
def test_texts_that_are_refused(body, text):
    with pytest.raises(ServingError) as error:
        parse_json(body)
    assert error.value.message == f"JSON Parse error: {text}"


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


def test_integers_wrap_as_in_the_original():
    arrays, _ = read({"inputs": [300, -1]}, x="uint8")
    assert arrays["x"].tolist() == [44, 255]


def test_strings_are_bytes_as_sent():
    document = parse_json('{"inputs": ["é", "\\u00e9"]}'.encode())
    assert read(document, x="string")[0]["x"].tolist() == ["é".encode()] * 2


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            [[1], [1, 2]],
            "Expecting tensor size: 1 but got: 2",
        ),
        (
            [[[1, 2]], [[1], [2]]],
            "Expecting shape [1,2] but got: [2,1]",
        ),
        (
            [1, "a"],
            'JSON Value: "a" Type: String is not of expected type: float',
        ),
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


def test_doubles_take_larger_whole_numbers_than_floats():
    assert read({"inputs": [2**53 - 1]}, x="float64")[0]["x"][0] == 2**53 - 1
    with pytest.raises(ServingError, match="Cannot convert JSON value: 9007199254740993 to double without loss"):
        read({"inputs": [2**53 + 1]}, x="float64")


def test_answers_in_rows():
    outputs = {"image": np.arange(6, dtype=np.uint8).reshape(2, 3), "ok": np.array([True, False])}
    assert json.loads(rows_to_json(outputs)) == {
        "predictions": [{"image": [0, 1, 2], "ok": True}, {"image": [3, 4, 5], "ok": False}]
    }
    strings = rows_to_json({"x_bytes": np.array([b"\x00", b"ab"], object)})
    assert strings == (
        '{\n    "predictions": [{\n            "b64": "AA=="\n        }, {\n            "b64": "YWI="\n        }'
        "\n    ]\n}"
    )


def test_answers_in_columns():
    assert columns_to_json({"x": np.array(2)}) == '{\n    "outputs": 2\n}'
    assert columns_to_json({"x": np.zeros((0, 2))}) == '{\n    "outputs": []\n}'
    assert columns_to_json({"x": np.array([[b'"']], object)}) == (
        '{\n    "outputs": [\n        [\n            "\\""\n        ]\n    ]\n}'
    )


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
        rows_to_json(outputs)
    assert error.value.message == text

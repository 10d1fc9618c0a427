"""The gRPC client against a server without a model."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from tests import command
from tests.serving.client import fake_server
from tests.serving.client.fake_server import STEPS, TOKEN, whole
from tf_style.images import decode_uint8, encode_png
from tf_style.serving.client import Client
from tf_style.serving.client.answers import TensorSpec
from tf_style.serving.client.rest import RestClient
from tf_style.serving.wire.tensors import type_name


def same(found, wanted):
    assert found.dtype == np.asarray(wanted).dtype.newbyteorder("=")
    assert found.shape == np.shape(wanted)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("as_values", [True, False], ids=["typed", "tensor_content"])
def test_stylize(server, client, pair, as_values):
    server.typed = as_values
    image = client.stylize(*pair)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, whole(*pair))


def test_batches_keep_their_axis(client, pair):
    content, style = pair
    images = client.stylize(np.stack([content, content[::-1]]), np.stack([style, style // 2]))
    np.testing.assert_array_equal(images, np.stack([whole(content, style), whole(content[::-1], style // 2)]))
    assert client.stylize(content[None], style).shape == (1, *content.shape)


def test_floats_are_rounded(client, pair):
    image = client.stylize(*(picture / np.float32(255) for picture in pair))
    np.testing.assert_array_equal(image, whole(*pair))


def test_only_the_given_options_are_sent(server, client, pair):
    client.stylize(*pair, num_steps=3, style_weight=2, seed=None)
    (signature, inputs) = server.calls[0]
    assert (signature, set(inputs)) == ("stylize", {"content", "style", "num_steps", "style_weight"})
    same(inputs["num_steps"], np.array([3], np.int32))
    same(inputs["style_weight"], np.array([2], np.float32))
    client.stylize(np.stack([pair[0]] * 2), pair[1], seed=[1, 2])
    same(server.calls[1][1]["seed"], np.array([1, 2], np.int32))


BAD_ARGUMENTS = {
    "unknown option": ({"num_step": 3}, "Unknown option 'num_step'.*Did you mean 'num_steps'"),
    "half a step": ({"num_steps": 1.5}, "num_steps must be a whole number"),
    "a large seed": ({"seed": 2**31}, "seed must be a whole number below"),
    "not finite": ({"seed": float("nan")}, "seed must be a whole number"),
    "text": ({"seed": "one"}, "seed must be a number"),
    "matrix": ({"style_weight": [[1.0]]}, "style_weight must be a number"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_bad_options_are_refused_before_anything_is_sent(server, client, pair, name):
    options, text = BAD_ARGUMENTS[name]
    with pytest.raises(ValueError, match=text):
        client.stylize(*pair, **options)
    assert server.calls == []


def test_what_is_no_picture_is_refused(server, client, pair):
    content, style = pair
    for bad, text in (
        (content[0], r"content has the shape \[8, 3\]"),
        (content[..., :1], r"allowed are \[H, W, 3\]"),
        (content.astype(np.int32), "content is of type int32"),
        (content[:0], "content has the shape"),
        (content.astype(np.float32) * np.nan, "NaN"),
    ):
        with pytest.raises(ValueError, match=text):
            client.stylize(bad, style)
    assert server.calls == []


def test_styles_are_encoded_once_and_used_often(server, client, pair):
    content, style = pair
    code = client.encode_style(style, content.shape[:2])
    assert (code.dtype, code.shape) == (np.float32, (1, 2, 3))
    same(server.calls[0][1]["size"], np.array([6, 8], np.int32))
    np.testing.assert_array_equal(client.stylize_encoded(content, code), whole(content, style))
    assert client.stylize_encoded(content[None], code, num_steps=2).shape == (1, *content.shape)


def test_files_are_painted(server, client, pair):
    content, style = map(encode_png, pair)
    np.testing.assert_array_equal(decode_uint8(client.stylize_bytes(content, style)), whole(*pair))
    several = client.stylize_bytes([content, content], [style])
    assert [type(file) for file in several] == [bytes, bytes]
    assert several[0] == several[1]


def test_predict_is_any_signature(client, pair):
    outputs = client.predict("stylize", {"content": pair[0][None], "style": pair[1][None]})
    assert set(outputs) == {"image", "steps", "loss_content", "loss_style"}
    same(outputs["steps"], np.array([STEPS], np.int32))


def test_run_is_stylize_in_many_calls(server, client, pair):
    heard = []
    steps = list(client.run(*pair, every=6, on_step=heard.append))
    assert heard == steps
    assert [step.step for step in steps] == [6, 12, 18, 20]
    assert [step.finished for step in steps] == [False, False, False, True]
    np.testing.assert_allclose([step.fraction for step in steps], [0.3, 0.6, 0.9, 1])
    assert steps[0].losses == pytest.approx({"content": 1.7, "style": 1.7})
    assert steps[0].loss == pytest.approx(3.4)
    np.testing.assert_array_equal(steps[-1].image, client.stylize(*pair))
    assert [name for name, _ in server.calls[:5]] == ["start"] + ["advance"] * 4


def test_run_hands_the_state_back_to_the_bit(server, client, pair):
    """The server checks a NaN of bfloat16, which numpy lacks; see TOKEN."""
    assert TOKEN
    *_, last = client.run(np.stack([pair[0]] * 2), pair[1], every=15, num_steps=[16, 30])
    assert last.step == 30
    assert last.image.shape == (2, 6, 8, 3)
    assert server.count("advance") == 2


def test_run_stays_with_one_version(server, client, pair):
    list(client.run(*pair, every=10))
    assert [spec.version.value for spec in server.specs] == [0, fake_server.VERSION, fake_server.VERSION]


def test_run_can_be_left(server, client, pair):
    for step in client.run(*pair, every=2):
        if step.fraction >= 0.2:
            break
    assert server.count("advance") == 2


def test_run_needs_a_step_a_call(client, pair):
    with pytest.raises(ValueError, match="every must be at least 1"):
        next(client.run(*pair, every=0))


def test_versions_and_labels_are_asked_for(server, pair):
    for arguments, version, label in (
        ({"model_version": 3}, 3, ""),
        ({"version_label": "stable"}, 0, "stable"),
        ({}, 0, ""),
    ):
        with Client(server.address, **arguments) as client:
            client.stylize(*pair)
        assert (server.specs[-1].version.value, server.specs[-1].version_label) == (version, label)
        assert server.specs[-1].HasField("version") == bool(version)
    for kind in (Client, RestClient):
        with pytest.raises(ValueError, match="give one of them"):
            kind(server.address, model_version=1, version_label="stable")


def test_metadata(client):
    assert client.metadata() == {
        "stylize": {
            "inputs": {"content": TensorSpec("uint8", (None, None, None, 3))},
            "outputs": {"anything": TensorSpec("type 0", None)},
        }
    }
    assert type_name(7) == "string"


def test_status(client):
    assert client.status() == [(7, "AVAILABLE", ""), (3, "END", "no weights")]


def test_messages_above_4_mib(client):
    content = np.random.default_rng(0).integers(0, 256, (1300, 1300, 3), dtype=np.uint8)
    style = content[:40, :40]
    np.testing.assert_array_equal(client.stylize(content, style), whole(content, style))


def test_threads_may_share_a_client(client, pair):
    content, style = pair
    contents = [np.full_like(content, value) for value in range(0, 240, 20)]
    found = [None] * len(contents)

    def ask(place):
        found[place] = client.stylize(contents[place], style)

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(contents))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for image, each in zip(found, contents, strict=True):
        np.testing.assert_array_equal(image, whole(each, style))


# --- as a program -----------------------------------------------------------------------------------------------------


def test_a_program_paints_without_tensorflow(server, tmp_path):
    code = f"""
import sys
import numpy as np
from tf_style.serving.client import Client
from tf_style.serving.client.rest import RestClient
with Client({server.address!r}) as client:
    image = client.stylize(np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 200, np.uint8))
    assert [step.step for step in client.run(image, image, every=10)] == [10, 20]
assert (image == 100).all()
sys.exit(int(any(name in sys.modules for name in ("tensorflow", "tensorflow_serving", "keras"))))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=command.environment(tmp_path), cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

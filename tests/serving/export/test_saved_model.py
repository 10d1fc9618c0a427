"""The exported model, through the C++ session under TensorFlow Serving: it paints what the engine paints."""

import concurrent.futures
import json
import time

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.export.exported import (
    MAX_ASKED,
    MAX_BATCH,
    MAX_PIXELS,
    MAX_STEPS,
    SHAPE,
    Served,
    assert_refused,
    pixels,
    small_config,
    small_model,
    small_module,
)
from tf_style.build import build_stylizer
from tf_style.serving.export.card import read_card

pytestmark = pytest.mark.slow

CONTENT, STYLE = pixels(48, 64, seed=1), pixels(40, 56, seed=2)


@pytest.fixture(scope="module")
def served():
    return Served(small_model(), intra_op_threads=1, inter_op_threads=1)


@pytest.fixture(scope="module")
def served_lbfgs():
    layers = {"content_layers": "conv1_1", "style_layers": "conv1_1", "style_layer_weights": ""}
    options = {"num_steps": "20", "first_steps": "0", "min_size": "0", "init": "noise", **layers}
    options["line_search"] = "hager_zhang"
    return Served(small_model("gatys2016", **options), intra_op_threads=1, inter_op_threads=1)


@pytest.fixture(scope="module")
def engine():
    return build_stylizer(small_config())


def as_float(image):
    return tf.constant(image.astype(np.float32) / np.float32(255))


def as_uint8(image):
    return np.round(np.asarray(image) * 255).astype(np.uint8)


def differing(one, other):
    """Share of values that differ, and the largest difference in levels."""
    difference = np.abs(one.astype(int) - other.astype(int))
    return (difference > 0).mean(), difference.max()


# --- stylize ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(48, 64), (64, 41), (32, 32)])
def test_it_paints_what_the_engine_paints(served, engine, height, width):
    content = pixels(height, width, seed=3)
    answer = served("stylize", content=content, style=STYLE)
    expected = as_uint8(engine(as_float(content), [as_float(STYLE)]))
    share, most = differing(answer["image"], expected)
    assert most <= 3  # levels of 255: the graph may round other than the eager loop does, and Adam amplifies it
    assert share < 0.01
    assert differing(answer["image"], content)[0] > 0.5  # something was painted
    assert answer["steps"].tolist() == [6 + 4 * (len(engine.sizes(tf.constant([1, height, width, 3]))) - 1)]


def test_in_one_thread_it_is_the_engine_to_the_bit(served):
    """The engine as it runs in a graph, which is what is exported."""
    stylizer = build_stylizer(small_config())
    spec = tf.TensorSpec([None, None, None, 3], tf.uint8)

    @tf.function(input_signature=[spec, spec])
    def paint(content, style):
        content, style = (tf.cast(image, tf.float32) / 255.0 for image in (content, style))
        return tf.cast(tf.round(stylizer(content, [style]) * 255.0), tf.uint8)

    np.testing.assert_array_equal(served("stylize", content=CONTENT, style=STYLE)["image"], paint(CONTENT, STYLE))


def test_losses_add_up_to_what_the_engine_reports(served, engine):
    answer = served("stylize", content=CONTENT, style=STYLE)
    progress = list(engine.run(as_float(CONTENT), [as_float(STYLE)]))[-1]
    for name, loss in progress.losses.items():
        np.testing.assert_allclose(answer[f"loss_{name}"], [loss], rtol=1e-3)


def test_default_and_named_signature_are_one(served):
    one, other = (served(name, content=CONTENT, style=STYLE) for name in ("serving_default", "stylize"))
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name])


def test_python_loads_it_too(served):
    reloaded = tf.saved_model.load(str(small_model()))
    answer = reloaded.stylize(tf.constant(CONTENT), tf.constant(STYLE))  # with defaults, which `signatures` lacks
    share, most = differing(answer["image"].numpy(), served("stylize", content=CONTENT, style=STYLE)["image"])
    assert most <= 1
    assert share < 0.01


def test_a_batch_is_its_pictures(served):
    contents, styles = pixels(48, 64, seed=5, batch=3), pixels(40, 40, seed=6, batch=3)
    options = {
        "num_steps": [2, 4, 7],
        "content_weight": [1.0, 0.5, 2.0],
        "style_weight": [5.0, 20.0, 80.0],
        "seed": [0, 1, 2],
    }
    together = served("stylize", content=contents, style=styles, **options)
    for index in range(3):
        row = slice(index, index + 1)
        own = {name: values[row] for name, values in options.items()}
        alone = served("stylize", content=contents[row], style=styles[row], **own)
        assert alone["steps"][0] == together["steps"][index]
        assert differing(alone["image"][0], together["image"][index])[1] <= 2  # sums in another order
        np.testing.assert_allclose(alone["loss_style"][0], together["loss_style"][index], rtol=1e-2)


def test_one_style_serves_a_batch(served):
    contents = pixels(48, 64, seed=5, batch=2)
    one = served("stylize", content=contents, style=STYLE)["image"]
    both = served("stylize", content=contents, style=np.repeat(STYLE, 2, 0))["image"]
    assert differing(one, both)[1] <= 3  # the targets are summed in another order, and the steps make more of it


def test_lbfgs_and_its_seed(served_lbfgs):
    noise = [served_lbfgs("stylize", content=CONTENT, style=STYLE, seed=[seed])["image"] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(noise[0], noise[1])
    assert differing(noise[0], noise[2])[0] > 0.5


# --- in chunks --------------------------------------------------------------------------------------------------------


def advance(served, chunk, **options):
    """Answers of `advance` until all is done."""
    state = served("start", content=CONTENT, style=STYLE, **options)
    answers = []
    while not answers or not answers[-1]["finished"].all():
        answers.append(served("advance", content=CONTENT, style=STYLE, num_steps=[chunk], **state))
        state = {name: value for name, value in answers[-1].items() if name.startswith("state_")}
        assert len(answers) < 40
    return answers


@pytest.mark.parametrize("chunk", [1, 4, 60])
def test_advancing_to_the_end_is_stylizing(served, chunk):
    answers = advance(served, chunk)
    whole = served("stylize", content=CONTENT, style=STYLE)
    np.testing.assert_array_equal(answers[-1]["image"], whole["image"])
    np.testing.assert_array_equal(answers[-1]["steps"], whole["steps"])
    np.testing.assert_array_equal(answers[-1]["loss_style"], whole["loss_style"])
    assert len(answers) == -(-int(whole["steps"][0]) // chunk)
    fractions = [float(answer["fraction"][0]) for answer in answers]
    assert fractions == sorted(set(fractions))
    assert fractions[-1] == 1.0
    assert all(answer["image"].shape == CONTENT.shape for answer in answers)  # previews of coarse scales too


def test_advancing_with_lbfgs(served_lbfgs):
    answers = advance(served_lbfgs, 10, seed=[3])
    whole = served_lbfgs("stylize", content=CONTENT, style=STYLE, seed=[3])
    assert [int(answer["steps"][0]) for answer in answers] == [10, 20]
    np.testing.assert_array_equal(answers[-1]["image"], whole["image"])


def test_bad_states_of_lbfgs(served_lbfgs):
    state = served_lbfgs("start", content=CONTENT, style=STYLE)
    stack = state["state_run_optimizer_positions"]
    for changes, sentence in (
        ({"state_run_optimizer_positions": stack[:, :, :-1]}, "state must be of this content"),
        ({"state_run_optimizer_positions": stack[:5]}, SHAPE),
        ({"state_run_optimizer_gradient": stack[0, :, :4]}, "state must be of this content"),
        ({"state_run_optimizer_pairs": np.array(-2, np.int32)}, "counts in state must not be negative"),
        ({"state_run_optimizer_value": np.zeros(2, np.float32)}, "state must hold a row for each content"),
    ):
        inputs = {"content": CONTENT, "style": STYLE, "num_steps": [1], **state, **changes}
        assert_refused(served_lbfgs, sentence, "advance", **inputs)
    assert served_lbfgs("advance", content=CONTENT, style=STYLE, num_steps=[10], **state)["steps"] == [10]


def test_advancing_keeps_the_options_of_the_start(served):
    options = {"num_steps": [3], "content_weight": [0.2], "style_weight": [60.0]}
    whole = served("stylize", content=CONTENT, style=STYLE, **options)
    np.testing.assert_array_equal(advance(served, 2, **options)[-1]["image"], whole["image"])


# --- encoded styles ---------------------------------------------------------------------------------------------------


def test_an_encoded_style_paints_as_the_style_does(served):
    code = served("encode_style", style=STYLE, size=[48, 64])["style_code"]
    assert code.shape[:2] == (1, 2)
    encoded = served("stylize_encoded", content=CONTENT, style_code=code)
    whole = served("stylize", content=CONTENT, style=STYLE)
    share, most = differing(encoded["image"], whole["image"])
    assert most <= 1
    assert share < 0.01
    other = pixels(48, 64, seed=9)
    again = served("stylize_encoded", content=other, style_code=code)["image"]
    assert differing(again, served("stylize", content=other, style=STYLE)["image"])[1] <= 1


def test_a_code_of_another_number_of_scales_is_refused(served):
    code = served("encode_style", style=STYLE, size=[90, 90])["style_code"]
    with pytest.raises(Exception, match="style_code must have as many scales as the content"):
        served("stylize_encoded", content=pixels(32, 32), style_code=code)


def test_a_start_from_a_network(served):
    """The network is part of the model and of a style's code, and each signature starts from what it paints."""
    model = Served(small_model(init="network"))
    whole = model("stylize", content=CONTENT, style=STYLE)
    assert differing(whole["image"], served("stylize", content=CONTENT, style=STYLE)["image"])[0] > 0.5
    np.testing.assert_array_equal(advance(model, 4)[-1]["image"], whole["image"])
    code = model("encode_style", style=STYLE, size=[48, 64])["style_code"]
    encoded = model("stylize_encoded", content=CONTENT, style_code=code)
    share, most = differing(encoded["image"], whole["image"])
    assert most <= 1
    assert share < 0.01


def test_a_start_from_the_style_has_no_codes():
    assert "encode_style" not in small_module(init="style", min_size="0").signatures()


# --- many at once, and deadlines --------------------------------------------------------------------------------------


def test_twelve_requests_at_once_know_nothing_of_each_other():
    served = Served(small_model())
    pairs = [(pixels(40 + 2 * i, 64 - i, seed=i), pixels(40, 40, seed=100 + i)) for i in range(12)]
    alone = [served("stylize", content=content, style=style)["image"] for content, style in pairs]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        together = list(pool.map(lambda pair: served("stylize", content=pair[0], style=pair[1])["image"], pairs))
    for one, other in zip(alone, together, strict=True):
        share, most = differing(one, other)
        assert most <= 1
        assert share < 0.01


def test_a_deadline_stops_the_loop(served):
    from tf_style.serving.models.session import SessionError
    from tf_style.serving.wire.status import Code

    content = pixels(96, 96, seed=1)
    served("stylize", content=content, style=STYLE, num_steps=[1])  # warm
    cpu = time.process_time()
    with pytest.raises(SessionError) as caught:
        served("stylize", timeout_ms=300, content=content, style=STYLE, num_steps=[MAX_ASKED])
    assert caught.value.code == Code.DEADLINE_EXCEEDED
    busy = time.process_time() - cpu
    time.sleep(0.5)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.2, f"still running after {busy:.1f} s of CPU"


# --- what is written --------------------------------------------------------------------------------------------------


def test_the_graph_holds_nothing_that_a_server_refuses():
    """No Python ops, no XLA, no variables but the backbone's frozen weights."""
    from tensorflow.core.protobuf import saved_model_pb2

    message = saved_model_pb2.SavedModel.FromString((small_model() / "saved_model.pb").read_bytes())
    definition = message.meta_graphs[0].graph_def
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    assert not {node.op for node in nodes} & {"PyFunc", "PyFuncStateless", "EagerPyFunc", "NumpyFunction"}
    assert not [node.name for node in nodes if node.attr["_XlaMustCompile"].b]
    variables = [node.attr["shared_name"].s.decode() for node in nodes if node.op == "VarHandleOp"]
    assert variables
    assert all("block" in name for name in variables), variables
    assert len(variables) == 8  # kernels and biases of three convolutions and the readouts of two, each once


def test_the_card_says_what_it_is():
    _, card = read_card(small_model())
    assert (card["preset"], card["backbone"], card["compute_dtype"], card["optimizer"]) == (
        "fine", "compact_vgg19", "float32", "adam",
    )  # fmt: skip
    assert card["limits"] == {
        "min_side": 32, "max_pixels": MAX_PIXELS, "max_steps": MAX_STEPS, "max_batch": MAX_BATCH,
    }  # fmt: skip
    assert card["config"]["num_steps"] == 4
    assert card["signatures"]["stylize"]["inputs"]["content"] == "uint8 [?, ?, ?, 3]"
    assert card["signatures"]["stylize"]["outputs"]["steps"] == "int32 [?]"
    session = Served(small_model()).session
    for name, tensors in card["signatures"].items():
        assert set(tensors["inputs"]) == set(session.signatures[name].inputs)
        assert set(tensors["outputs"]) == set(session.signatures[name].outputs)
    assert json.dumps(card)


def test_warm_up_requests_are_answered(served):
    pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2", reason="tensorflow-serving-api is not installed")
    from tensorflow_serving.apis import prediction_log_pb2

    records = tf.data.TFRecordDataset(str(small_model() / "assets.extra" / "tf_serving_warmup_requests"))
    asked = []
    for record in records.as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        asked.append(request.model_spec.signature_name)
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        assert served(asked[-1], **inputs)
    assert set(asked) == set(served.session.signatures) - {"__saved_model_init_op"}


def test_versions_count_up_and_a_failure_leaves_nothing(tmp_path, monkeypatch):
    from tf_style.serving.export import saved_model as export

    class Empty(tf.Module):
        def signatures(self):
            return {}

    def save(module, path, signatures):
        tf.io.gfile.makedirs(path)
        tf.io.write_file(f"{path}/saved_model.pb", "")

    monkeypatch.setattr(export, "_served", lambda *arguments: (Empty(), lambda *arguments: []))
    monkeypatch.setattr(export.tf.saved_model, "save", save)
    monkeypatch.setattr(export, "write_warm_up", lambda *arguments: None)
    config = small_config(min_size="0")
    (tmp_path / "not-a-version").mkdir()
    assert export.export_model(config, tmp_path).name == "1"
    (tmp_path / "7").mkdir()
    assert export.export_model(config, tmp_path).name == "8"
    (tmp_path / "9").write_text("a file, not a version")
    with pytest.raises(OSError):
        export.export_model(config, tmp_path)
    (tmp_path / "9").unlink()

    def fail(*arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(export, "write_warm_up", fail)
    with pytest.raises(OSError, match="No space"):
        export.export_model(config, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "7", "8", "not-a-version"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"jit_compile": True}, "jit_compile cannot be served"),
        ({"style_blend": "0.5,0.5"}, "style_blend is for several styles"),
        ({"num_steps": MAX_STEPS + 1}, f"max_steps is {MAX_STEPS}, but the preset takes {MAX_STEPS + 1}"),
        ({"size": 200}, "raise max_pixels or lower size"),
        ({"style_weight": 0}, "style_weight is 0"),
    ],
)
def test_what_cannot_be_served_is_refused(tmp_path, options, sentence):
    from tf_style.config import ConfigError
    from tf_style.serving.export.guards import Limits
    from tf_style.serving.export.saved_model import export_model

    with pytest.raises(ConfigError, match=sentence):
        export_model(small_config(**options), tmp_path, limits=Limits(MAX_PIXELS, MAX_STEPS, MAX_BATCH))
    assert not list(tmp_path.iterdir())

"""`tf_style.stylize`, the public names, and the stylizer inside `tf.function`, `dataset.map` and a Keras model."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_style
from tests.materials import assert_one_sentence, picture, tiny_kernels
from tf_style.backbones.weights import write_kernels
from tf_style.build import choose_backbone, shared_stylizer
from tf_style.networks.archive import weights_of, write_network
from tf_style.networks.many_styles import ManyStylesNetwork

#: Small enough for every test; one trace serves all of them.
TINY = {
    "size": 64,
    "backbone": "compact_vgg19",
    "compute_dtype": "float32",
    "content_layers": "conv2_1",
    "style_layers": "conv1_1,conv2_1",
    "style_layer_weights": "0.5,0.5",
    "optimizer": "adam",
    "num_steps": 2,
    "first_steps": 0,
    "min_size": 0,
    "average_decay": 0,
    "init": "content",
}


def paint(content, style, **overrides):
    return tf_style.stylize(content, style, **{**TINY, **overrides})


@pytest.fixture(scope="module")
def pixels():
    """A content and a style, uint8 [H, W, 3]."""
    return tuple(np.rint(255 * picture(48, 64, seed=seed)[0].numpy()).astype(np.uint8) for seed in (1, 2))


@pytest.fixture(scope="module")
def painting(pixels):
    return paint(*pixels).numpy()


@pytest.fixture(scope="module")
def stylizer():
    return tf_style.build_stylizer(tf_style.StylizeConfig().replace(**{**TINY, "style_layer_weights": ""}))


# --- one call ---------------------------------------------------------------------------------------------------------


def test_arrays(pixels, painting):
    assert painting.shape == (48, 64, 3)
    assert painting.dtype == np.float32
    assert painting.min() >= 0
    assert painting.max() <= 1
    assert np.abs(painting - pixels[0] / 255).mean() > 1e-3
    np.testing.assert_array_equal(paint(*pixels), painting)


def test_paths(pixels, painting, tmp_path):
    paths = [tmp_path / "content.png", str(tmp_path / "style.png")]
    for path, array in zip(paths, pixels, strict=True):
        tf_style.write_image(path, array / np.float32(255))
    np.testing.assert_array_equal(paint(*paths), painting)


@pytest.mark.parametrize(
    "convert",
    [
        lambda array: (array / 255).astype(np.float32),
        lambda array: array / 255,  # float64
        lambda array: array.astype(np.uint16) * 257,
        lambda array: tf.constant(array),
        lambda array: tf.constant(array / 255, tf.float32),
    ],
    ids=["float32", "float64", "uint16", "uint8 tensor", "float tensor"],
)
def test_number_formats(convert, pixels, painting):
    np.testing.assert_allclose(paint(*map(convert, pixels)), painting, atol=1e-4)


def test_batch(pixels, painting):
    content, style = pixels
    batch = paint(np.stack([content, content[::-1]]), style)
    assert batch.shape == (2, 48, 64, 3)
    assert np.abs(batch[0] - painting).mean() < 1e-4
    single = paint(content[None], style)
    np.testing.assert_array_equal(single[0], painting)


@pytest.mark.parametrize(("size", "expected"), [(64, (64, 48)), (80, (80, 60)), (0, (100, 75))])
@pytest.mark.usefixtures("eagerly")
def test_size(size, expected):
    content = picture(100, 75, seed=1)[0].numpy()
    assert paint(content, content, size=size).shape == (*expected, 3)


@pytest.mark.usefixtures("eagerly")
def test_two_styles_with_a_blend(pixels, painting):
    content, style = pixels
    other = style[::-1].copy() // 2
    assert not np.allclose(paint(content, [style, other]), painting, atol=1e-3)
    np.testing.assert_allclose(paint(content, [style, other], style_blend=(1, 0)), painting, atol=2e-3)
    assert not np.allclose(paint(content, (style, other), style_blend="0.3,0.7"), painting, atol=1e-3)


def test_on_step(pixels, painting):
    seen = []
    result = paint(*pixels, on_step=seen.append)
    np.testing.assert_array_equal(result, painting)
    assert [progress.step for progress in seen] == [1, 2]
    np.testing.assert_array_equal(seen[-1].image[0], painting)


@pytest.mark.usefixtures("eagerly")
def test_preset_by_path(pixels, painting, tmp_path):
    path = tmp_path / "mine.cfg"
    path.write_text("".join(f"--{option}={value}\n" for option, value in TINY.items()))
    np.testing.assert_array_equal(tf_style.stylize(*pixels, preset=str(path)), tf_style.stylize(*pixels, str(path)))


def test_the_model_is_kept_between_calls(pixels):
    config = tf_style.preset_config().replace(**TINY)
    assert shared_stylizer(config) is shared_stylizer(config.replace())
    assert shared_stylizer(config) is not shared_stylizer(config.replace(seed=1))


@pytest.mark.usefixtures("eagerly")
def test_noise_follows_the_seed(pixels):
    one, same, other = (paint(*pixels, init="noise", seed=seed).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "overrides", "error", "part"),
    [
        (("none.jpg", "style"), {}, tf_style.ImageError, "none.jpg"),
        (("content", []), {}, tf_style.ImageError, "No style"),
        (("content", "style"), {"style_blend": "0.7,0.3"}, tf_style.ImageError, "2 shares.*1 style"),
        (("content", "style"), {"size": 16}, tf_style.ImageError, "at least 32"),
        (("content", "style"), {"sise": 64}, tf_style.ConfigError, "Did you mean 'size'"),
        (("content", "style"), {"preset": "fien"}, tf_style.ConfigError, "Did you mean 'fine'"),
        (("content", "style"), {"backbone": "vgg19", "weights": "none.h5"}, tf_style.WeightsError, "none.h5"),
        (("content", "style"), {"style_layers": "conv9_9", "style_layer_weights": ""}, ValueError, "Unknown layer"),
        (("ints", "style"), {}, tf_style.ImageError, "int64"),
        (("too bright", "style"), {}, tf_style.ImageError, "divide by 255"),
    ],
)
def test_refuses(arguments, overrides, error, part, pixels):
    named = {
        "content": pixels[0],
        "style": pixels[1],
        "ints": pixels[0].astype(np.int64),
        "too bright": pixels[0].astype(np.float32),
    }
    content, style = (named.get(value, value) if isinstance(value, str) else value for value in arguments)
    with pytest.raises(error, match=part) as caught:
        paint(content, style, **overrides)
    assert "\n" not in str(caught.value)


def test_a_tiny_style_is_refused_or_painted(pixels):
    """Not a stack trace from deep inside."""
    try:
        result = paint(pixels[0], np.zeros((8, 8, 3), np.uint8))
    except tf_style.ImageError as error:
        assert_one_sentence(error)
    else:
        assert np.all(np.isfinite(result))


# --- which backbone ---------------------------------------------------------------------------------------------------


def test_auto_backbone(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    config = tf_style.StylizeConfig(backbone="auto")
    choice = choose_backbone(config)
    assert (choice.name, choice.weights) == ("compact_vgg19", "")
    assert "--backbone=vgg19" in choice.reason
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5").write_bytes(b"")
    choice = choose_backbone(config)
    assert (choice.name, choice.weights) == ("vgg19", "imagenet")
    assert str(tmp_path) in choice.reason
    choice = choose_backbone(config.replace(weights="mine.h5"))
    assert (choice.name, choice.weights) == ("vgg19", "mine.h5")


@pytest.mark.parametrize("name", ["vgg19", "vgg16", "compact_vgg19"])
def test_a_named_backbone_is_never_another(name, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    choice = choose_backbone(tf_style.StylizeConfig(backbone=name))
    assert choice.name == name
    assert choice.weights == ("" if name == "compact_vgg19" else "imagenet")


def test_objective_of_a_config():
    config = tf_style.StylizeConfig(content_weight=2, style_weight=3, total_variation_weight=0, style_statistic="gram")
    assert repr(tf_style.build_objective(config)) == "2*content + 3*style(gram)"


# --- embedding --------------------------------------------------------------------------------------------------------


def test_inside_a_function(stylizer):
    content, style = picture(40, 48, seed=1), picture(36, 32, seed=2)
    painted = tf.function(lambda a, b: stylizer(a, [b]))(content, style)
    np.testing.assert_allclose(painted, stylizer(content, [style]), atol=1e-5)


def test_inside_a_dataset(stylizer):
    style = picture(36, 32, seed=2)
    contents = [picture(height, width, seed=1)[0] for height, width in ((40, 48), (48, 32))]
    dataset = tf.data.Dataset.from_generator(
        lambda: contents, output_signature=tf.TensorSpec([None, None, 3], tf.float32)
    )
    painted = list(dataset.map(lambda content: stylizer(content[tf.newaxis], [style])[0]))
    for content, result in zip(contents, painted, strict=True):
        np.testing.assert_allclose(result, stylizer(content[tf.newaxis], [style])[0], atol=2e-3)


LAYER_OPTIONS = {name: value for name, value in TINY.items() if name != "size"}


@pytest.fixture(scope="module")
def model():
    content, style = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    return keras.Model([content, style], tf_style.StylizeLayer(options=LAYER_OPTIONS)([content, style]))


def test_layer_paints_as_stylize(model, pixels, painting):
    inputs = [tf.constant(array[None] / 255, tf.float32) for array in pixels]
    np.testing.assert_allclose(model(inputs)[0], painting, atol=1e-4)
    np.testing.assert_allclose(model.predict(inputs, verbose=0)[0], painting, atol=1e-4)


def test_layer_takes_a_dict(model):
    layer = model.layers[-1]
    content, style = picture(40, 48, seed=1), picture(36, 32, seed=2)
    named = {"content": content, "style": style}
    np.testing.assert_array_equal(layer(named), layer([content, style]))
    places = {name: keras.Input((None, None, 3), name=name) for name in named}
    assert keras.Model(places, layer(places)).output.shape == (None, None, None, 3)
    np.testing.assert_array_equal(keras.Model(places, layer(places))(named), layer([content, style]))
    with pytest.raises(ValueError, match="takes a dict of content and style, but the keys were content, painting"):
        layer({"content": content, "painting": style})


def test_layer_knows_its_shape(model):
    assert model.output.shape == (None, None, None, 3)
    assert model.trainable_variables == []


@pytest.mark.usefixtures("eagerly")
def test_layer_saves_and_loads(model, tmp_path):
    inputs = [picture(40, 48, seed=1), picture(36, 32, seed=2)]
    model.save(tmp_path / "painter.keras")
    again = keras.saving.load_model(tmp_path / "painter.keras")
    np.testing.assert_array_equal(again(inputs), model(inputs))


@pytest.mark.usefixtures("eagerly")
def test_layer_keeps_its_weights(tmp_path, monkeypatch):
    """The file holds those of the backbone, even if they are not those that the layer would load, and the network's."""
    layer = tf_style.StylizeLayer(options={**LAYER_OPTIONS, "init": "network"})
    content, style = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    model = keras.Model([content, style], layer([content, style]))
    layer.backbone.set_weights([1.1 * weight for weight in layer.backbone.get_weights()])
    model.save(tmp_path / "painter.keras")
    monkeypatch.setattr("tf_style.networks.archive.EMBEDDED", {})
    again = keras.saving.load_model(tmp_path / "painter.keras")
    inputs = [picture(40, 48, seed=1), picture(36, 32, seed=2)]
    np.testing.assert_allclose(again(inputs), model(inputs), atol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_layer_needs_the_file_of_its_backbone_no_more(tmp_path):
    """A narrow backbone of any width, whose weights the saved model holds; one layer has a readout."""
    path = tmp_path / "tiny.npz"
    readout = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
    write_kernels(path, tiny_kernels(), **{"block1_conv1/readout": readout})
    places = [keras.Input((None, None, 3)) for _ in range(2)]
    options = {**LAYER_OPTIONS, "backbone": "compact_vgg19", "weights": str(path)}
    model = keras.Model(places, tf_style.StylizeLayer(options=options)(places))
    inputs = [picture(40, 48, seed=1), picture(36, 32, seed=2)]
    before = model(inputs)
    model.save(tmp_path / "painter.keras")
    path.unlink()
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "painter.keras")(inputs), before, atol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_layer_does_not_follow_later_changes_of_its_preset(tmp_path):
    preset = tmp_path / "mine.cfg"
    preset.write_text("".join(f"--{option}={value}\n" for option, value in LAYER_OPTIONS.items()))
    content, style = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    model = keras.Model([content, style], tf_style.StylizeLayer(str(preset))([content, style]))
    inputs = [picture(40, 48, seed=1), picture(36, 32, seed=2)]
    before = model(inputs)
    model.save(tmp_path / "painter.keras")
    preset.unlink()
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "painter.keras")(inputs), before)


def test_layer_refuses():
    with pytest.raises(tf_style.ConfigError, match="Did you mean 'num_steps'"):
        tf_style.StylizeLayer(options={"num_step": 3})


@pytest.fixture
def named(tmp_path):
    """The path of a network of two named styles, untrained."""
    network, path = ManyStylesNetwork(("hills", "waves")), tmp_path / "named.npz"
    keras.utils.set_random_seed(0)
    network.table.set_weights([np.random.default_rng(0).normal(0.0, 0.05, network.table.get_weights()[0].shape)])
    write_network(path, {"kind": "many_styles", "styles": ["hills", "waves"]}, weights_of(network.layers))
    return str(path)


@pytest.mark.parametrize("styles", [(), ("hills", "waves")])
@pytest.mark.usefixtures("eagerly")
def test_layer_paints_with_a_network_and_keeps_its_weights(styles, named, tmp_path, monkeypatch):
    """The saved model needs the network's file no more."""
    content, style = picture(40, 48, seed=1), picture(36, 32, seed=2)
    inputs = [content] if styles else [content, style]
    places = [keras.Input((None, None, 3)) for _ in inputs]
    options = {"network": named if styles else "arbitrary", "style_strength": 0.8}
    model = keras.Model(places, tf_style.StylizeLayer(options=options, styles=styles)(places))
    painting = tf_style.stylize(content[0], list(styles) or style[0], size=0, **options)
    np.testing.assert_allclose(model(inputs)[0], painting, atol=1e-4)
    model.save(tmp_path / "painter.keras")
    Path(named).unlink()
    monkeypatch.setattr("tf_style.networks.archive.EMBEDDED", {})
    again = keras.saving.load_model(tmp_path / "painter.keras")
    np.testing.assert_allclose(again(inputs), model(inputs), atol=1e-6)


@pytest.mark.parametrize(
    ("network", "styles", "part"),
    [
        ("", ("waves",), "named styles are for networks"),
        ("arbitrary", ("waves",), "leave styles out"),
        ("named", (), "name some of them in styles"),
        ("named", ("wave",), "Did you mean 'waves'?"),
        ("nowhere", (), "Unknown network 'nowhere'"),
    ],
)
def test_layer_refuses_styles_that_do_not_fit(network, styles, part, named):
    with pytest.raises(ValueError, match=re.escape(part)) as caught:
        tf_style.StylizeLayer(options={"network": named if network == "named" else network}, styles=styles)
    assert_one_sentence(caught.value)


# --- public names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", tf_style.__all__)
def test_public_name(name):
    assert getattr(tf_style, name) is not None
    assert name in dir(tf_style)


def test_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'stilize'"):
        _ = tf_style.stilize


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)


def test_importing_is_silent_and_light():
    result = run_python(
        "import sys, tf_style; tf_style.__version__; dir(tf_style)\n"
        "heavy = {'tensorflow', 'keras', 'tensorflow_probability', 'matplotlib', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert (result.stdout, result.stderr) == ("", "")

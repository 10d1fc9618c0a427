"""Backbones against plain forward passes of the same weights; layer names and options."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.materials import assert_one_sentence, flat_picture, picture, tiny_kernels, tiny_vgg
from tf_style.backbones import (
    BACKBONES,
    canonical_layer,
    compact_channels,
    compact_kernels,
    compact_readouts,
    compact_vgg19,
    convolution,
    vgg,
    vgg16,
    vgg19,
)

VGG19_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
COMPACT_LAYERS = list(compact_kernels())


def plain_forward(kernels, image, pooling="MAX"):
    """All layers of a VGG with `tf.nn` alone: Caffe's preprocessing, 3x3 convolutions, ReLU, pooling between blocks."""
    x = image[..., ::-1] * 255.0 - np.array([103.939, 116.779, 123.68], np.float32)
    features, block = {}, "block1"
    for name, (kernel, bias) in kernels.items():
        if name[:6] != block:
            x, block = tf.nn.pool(x, [2, 2], pooling, strides=[2, 2], padding="VALID"), name[:6]
        x = features[name] = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)
    return features


def assert_close(features, expected, tolerance=1e-5):
    for name, value in features.items():
        error = np.abs(value - expected[name]).max() / np.abs(expected[name]).max()
        assert error < tolerance, f"{name}: {error}"


# --- features ---------------------------------------------------------------------------------------------------------


def test_compact_is_its_archive(archive):
    image = picture(32, 40, seed=1)
    features, readouts = compact_vgg19(COMPACT_LAYERS)(image), compact_readouts()
    assert list(features) == COMPACT_LAYERS
    plain = plain_forward(archive, image)
    assert_close(
        features, {name: value @ readouts.get(name, np.eye(len(archive[name][1]))) for name, value in plain.items()}
    )


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_pooling(pooling):
    image = picture(36, 44, seed=1)
    kind = {"max": "MAX", "average": "AVG"}[pooling]
    assert_close(tiny_vgg(pooling=pooling)(image), plain_forward(tiny_kernels(), image, kind))


def test_preprocessing_is_caffes():
    """RGB in [0, 1] to BGR in 0 to 255 without ImageNet's mean."""
    color = tf.constant([[[[1.0, 0.5, 0.0]]]])
    np.testing.assert_allclose(
        vgg.CaffePreprocessing()(color), [[[[0 - 103.939, 127.5 - 116.779, 255 - 123.68]]]], rtol=1e-6
    )


def test_preprocessing_is_keras_applications():
    image = picture(8, 8, seed=1)
    theirs = keras.applications.vgg19.preprocess_input(255.0 * image.numpy())
    np.testing.assert_allclose(vgg.CaffePreprocessing()(image), theirs, atol=1e-4)


def test_replicate_padding_leaves_no_border():
    flat = tiny_vgg(["block1_conv1"], padding="replicate")(flat_picture(0.3))["block1_conv1"]
    np.testing.assert_allclose(flat, np.broadcast_to(flat[:, :1, :1], flat.shape), rtol=1e-5)
    zero = tiny_vgg(["block1_conv1"], padding="zero")(flat_picture(0.3))["block1_conv1"]
    assert flat.shape == zero.shape
    assert not np.allclose(zero, np.broadcast_to(zero[:, 1:2, 1:2], zero.shape))


@pytest.mark.parametrize("padding", ["replicate", "replicate_all"])
def test_paddings_agree_inside(padding):
    image = picture(32, 40, seed=1)
    replicate, zero = (tiny_vgg(["conv1_2"], padding=kind)(image)["conv1_2"] for kind in (padding, "zero"))
    assert replicate.shape == zero.shape
    np.testing.assert_allclose(replicate[:, 2:-2, 2:-2], zero[:, 2:-2, 2:-2], rtol=1e-5, atol=1e-3)


def test_replicate_all_leaves_no_border_in_any_layer():
    features = tiny_vgg(padding="replicate_all")(flat_picture(0.3, 16, 24))
    for layer, value in features.items():
        np.testing.assert_allclose(value, np.broadcast_to(value[:, :1, :1], value.shape), rtol=1e-4, err_msg=layer)
    zero = tiny_vgg(padding="zero")(flat_picture(0.3, 16, 24))
    assert {layer: value.shape for layer, value in features.items()} == {layer: v.shape for layer, v in zero.items()}


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 3, "padding": "same", "activation": "relu"},
        {"kernel_size": 3, "padding": "valid", "activation": "relu"},
        {"kernel_size": 1, "padding": "same", "use_bias": False},
    ],
)
def test_gradient_of_a_convolution_is_the_same_both_ways(monkeypatch, options):
    """The written one, and TensorFlow's own."""
    layer = convolution.Convolution(5, **options)
    inputs = tf.random.stateless_uniform([2, 7, 8, 3], [1, 2])
    layer(inputs)
    found = []
    for slow in (True, False):
        monkeypatch.setattr(convolution, "_gradient_is_slow", lambda slow=slow: slow)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
            loss = tf.reduce_sum(outputs**2)
        found.append((outputs, tape.gradient(loss, inputs)))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [tiny_vgg, compact_vgg19], ids=["tiny", "compact"])
def test_bfloat16_is_close_and_comes_out_as_float32(make):
    image, layers = picture(32, 40, seed=1), ["block1_conv1", "block3_conv1", "block5_conv1"]
    half, full = make(layers, compute_dtype="bfloat16")(image), make(layers)(image)
    for layer in layers:
        assert half[layer].dtype == tf.float32
        error = tf.norm(half[layer] - full[layer]) / tf.norm(full[layer])
        assert 0 < float(error) < 0.03


def test_bfloat16_is_used_between_the_layers():
    model = tiny_vgg(compute_dtype="bfloat16")
    kinds = {layer.compute_dtype for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
    assert kinds == {"bfloat16"}
    assert model.get_layer("preprocessing").compute_dtype == "float32"


def test_only_as_deep_as_needed():
    assert [layer.name for layer in tiny_vgg(["block2_conv1"]).layers if layer.weights] == [
        "block1_conv1", "block1_conv2", "block2_conv1",
    ]  # fmt: skip


def test_frozen():
    """As part of a larger model, too."""
    model = tiny_vgg()
    assert model.trainable_variables == []
    image = keras.Input((None, None, 3))
    assert keras.Model(image, model(image)).trainable_variables == []


def test_saves_and_loads(tmp_path):
    model, image = tiny_vgg(padding="replicate"), picture(32, 40, seed=1)
    model.save(tmp_path / "backbone.keras")
    again = keras.saving.load_model(tmp_path / "backbone.keras")
    for layer, value in model(image).items():
        np.testing.assert_array_equal(again(image)[layer], value)


@pytest.mark.parametrize(("factory", "name"), [(vgg19, "VGG19"), (vgg16, "VGG16")])
def test_random_weights(factory, name):
    """All layers of the block structure of Keras's application, without a download."""
    layers = ["conv1_2", "conv2_1"]
    features = factory(layers, weights=None)(picture(32, 32))
    assert [features[layer].shape for layer in layers] == [(1, 32, 32, 64), (1, 16, 16, 128)]


def test_depths():
    with pytest.raises(ValueError, match="block5_conv4"):
        vgg19(["block5_conv5"], weights=None)
    with pytest.raises(ValueError, match="block5_conv3\\."):
        vgg16(["block5_conv4"], weights=None)


@pytest.mark.weights
def test_vgg19_is_keras_vgg19(vgg19_weights):
    """Checked on all five blocks against Keras's own model and preprocessing."""
    layers = ["block1_conv1", "block2_conv2", "block3_conv4", "block4_conv2", "block5_conv4"]
    theirs = keras.applications.VGG19(weights=vgg19_weights, include_top=False)
    reference = keras.Model(theirs.input, {layer: theirs.get_layer(layer).output for layer in layers})
    image = picture(64, 48, seed=1)
    expected = reference(keras.applications.vgg19.preprocess_input(255.0 * image.numpy()))
    assert_close(vgg19(layers, weights=vgg19_weights)(image), expected)


@pytest.mark.weights
def test_compact_sees_what_vgg19_sees(vgg19_weights, archive):
    """The student's channels approximate those chosen of the teacher's."""
    image = picture(64, 64, seed=1)
    channels = compact_channels()["block3_conv1"]
    teacher = tf.gather(vgg19(["conv3_1"], weights=vgg19_weights)(image)["conv3_1"], channels, axis=-1)
    student = plain_forward(archive, image)["block3_conv1"]
    assert float(tf.norm(student - teacher) / tf.norm(teacher)) < 0.5


# --- names and options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("conv4_2", "block4_conv2"),
        ("relu4_2", "block4_conv2"),
        ("block4_conv2", "block4_conv2"),
        ("conv9", "conv9"),
        ("my_layer", "my_layer"),
    ],
)
def test_canonical_layer(name, canonical):
    assert canonical_layer(name) == canonical


def test_features_come_under_the_names_asked_for():
    features = tiny_vgg(["conv4_2", "relu4_2", "block4_conv2"])(picture(32, 32))
    assert list(features) == ["conv4_2", "relu4_2", "block4_conv2"]
    np.testing.assert_array_equal(features["conv4_2"], features["block4_conv2"])


@pytest.mark.parametrize(
    ("name", "meant"),
    [("conv9_1", "block._conv1"), ("block4_con2", "block4_conv2"), ("conv5_9", "block5_conv1"), ("conv9", "")],
)
def test_unknown_layer(name, meant):
    with pytest.raises(ValueError, match=f"Unknown layer '{name}'. tiny_vgg has: block1_conv1, .*{meant}") as caught:
        tiny_vgg([name])
    assert_one_sentence(caught.value)
    assert "Did you mean '" in str(caught.value)


@pytest.mark.parametrize(
    ("option", "pattern"),
    [
        ({"pooling": "avg"}, "pooling 'avg'.*max, average"),
        ({"padding": "reflect"}, "padding 'reflect'.*zero, replicate, replicate_all"),
        ({"compute_dtype": "float16"}, "compute_dtype 'float16'.*float32, bfloat16"),
    ],
)
def test_unknown_option(option, pattern):
    with pytest.raises(ValueError, match=pattern) as caught:
        compact_vgg19(["conv1_1"], **option)
    assert_one_sentence(caught.value)


def test_table_of_backbones():
    assert {"vgg19": vgg19, "vgg16": vgg16, "compact_vgg19": compact_vgg19} == BACKBONES

"""Small pictures are painted at twice the size: the grid of the network's attention is not seen in them."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import picture
from tf_style import images
from tf_style.build import build_stylizer
from tf_style.config import StylizeConfig
from tf_style.controls import Controls

PICTURES = Path(__file__).parents[2] / "examples" / "pictures"
STYLE = picture(96, 80, seed=3)


@pytest.fixture(scope="module")
def stylizer():
    """The embedded network for any style."""
    return build_stylizer(StylizeConfig(network="arbitrary", compute_dtype="float32"))


def test_painted_at_twice_the_size(stylizer):
    content = picture(56, 64, seed=1)
    larger = tf.image.resize(content, [112, 128])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stylizer, "small", 0)
        codes = stylizer.encode_styles([STYLE], tf.constant([1, 112, 128, 3]))
        expected = tf.nn.avg_pool2d(stylizer.paint(larger, codes), 2, 2, "VALID")
    np.testing.assert_allclose(stylizer(content, [STYLE]), expected, atol=1e-5)


def test_only_small_pictures(stylizer):
    """Of 56 x 64 pixels here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stylizer, "small", 56 * 64)
        content = picture(56, 65, seed=1)
        painting = stylizer(content, [STYLE])
        patch.setattr(stylizer, "small", 0)
        np.testing.assert_array_equal(painting, stylizer(content, [STYLE]))


def test_without_style_the_content_to_the_bit(stylizer):
    content = picture(56, 64, seed=1)
    np.testing.assert_array_equal(stylizer(content, [STYLE], controls=Controls(style_strength=0.0)), content)


def test_gradients_flow(stylizer):
    content = picture(56, 64, seed=1)
    with tf.GradientTape() as tape:
        tape.watch(content)
        loss = tf.reduce_sum(tf.square(stylizer(content, [STYLE])))
    gradient = np.abs(tape.gradient(loss, content))
    assert np.isfinite(gradient).all()
    assert (gradient > 0.0).mean() > 0.99


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_same_where_sizes_are_not_known(stylizer, jit_compile):
    paint = tf.function(
        lambda content: stylizer(content, [STYLE]),
        input_signature=[tf.TensorSpec([1, None, None, 3])],
        jit_compile=jit_compile,
    )
    content = picture(56, 64, seed=1)
    np.testing.assert_allclose(paint(content), stylizer(content, [STYLE]), atol=1e-3)


def test_a_graph_without_small_pictures_resizes_nothing():
    named = build_stylizer(StylizeConfig(network="many_styles", compute_dtype="float32"))
    paint = tf.function(
        lambda content: named(content, ["starry_night"]), input_signature=[tf.TensorSpec([1, None, None, 3])]
    )
    graph = paint.get_concrete_function().graph
    kinds = {operation.type for operation in graph.get_operations()}
    kinds |= {node.op for function in graph.as_graph_def().library.function for node in function.node_def}
    assert "Conv2D" in kinds
    assert not any(kind.startswith("Resize") for kind in kinds)


def test_no_grid(stylizer):
    """Waves of 4 pixels, along rows and columns, are no stronger than those that are a little longer or shorter."""
    content = images.read_image(PICTURES / "mountain_lake.jpg")
    content = tf.constant(images.resize(content, (160, 256)).pixels[np.newaxis])
    style = tf.constant(images.read_image(PICTURES / "starry_night.jpg").pixels[np.newaxis])

    def grid():
        gray = np.mean(stylizer(content, [style])[0], -1)
        power = np.abs(np.fft.fft2(gray - gray.mean())) ** 2
        shares = []
        for axis, side in enumerate(gray.shape):
            waves, place = power.sum(1 - axis), side // 4
            shares.append(waves[place] / np.mean([*waves[place - 6 : place - 2], *waves[place + 3 : place + 7]]))
        return np.mean(shares)

    assert grid() < 1.2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stylizer, "small", 0)
        assert grid() > 1.4

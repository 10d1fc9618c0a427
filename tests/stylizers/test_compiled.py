"""XLA: which steps are compiled, and one-pass networks inside other people's graphs, with their gradients."""

import numpy as np
import pytest
import tensorflow as tf

import tf_style
from tests.jobs.folder.photos import write_tiny_network
from tests.materials import colorful
from tf_style.build import build_optimization, with_jit_compile
from tf_style.config import StylizeConfig
from tf_style.stylizers.scaling import resize, resize_under_xla

pytestmark = pytest.mark.usefixtures("at_their_size")

KINDS = ("arbitrary", "many_styles")


@pytest.fixture(scope="module", params=KINDS)
def painter(request, tmp_path_factory):
    """A layer, and its inputs: the style is larger than the content, so that it is reduced."""
    path = tmp_path_factory.mktemp(request.param) / "network.npz"
    write_tiny_network(path, request.param)
    styles = ("a",) if request.param == "many_styles" else ()
    layer = tf_style.StylizeLayer("instant", {"network": str(path), "compute_dtype": "float32"}, styles=styles)
    inputs = [colorful(1, (41, 55))] if styles else [colorful(1, (41, 55)), colorful(2, (75, 99))]
    return layer, inputs


def test_xla_compiles_the_layer(painter):
    layer, inputs = painter
    compiled = tf.function(lambda *pictures: layer(list(pictures)), jit_compile=True)
    np.testing.assert_allclose(compiled(*inputs), layer(inputs), atol=1e-4)


def test_gradients_flow_through_the_layer(painter):
    """Along a smooth direction, a gradient is the difference of two paintings."""
    layer, inputs = painter
    weights = colorful(5, (41, 55)) - 0.5
    for place, picture in enumerate(inputs):
        direction = colorful(6, tuple(picture.shape[1:3])) - 0.5

        def loss(shift, place=place, direction=direction):
            moved = [own + shift * direction if index == place else own for index, own in enumerate(inputs)]
            return tf.reduce_mean(weights * layer(moved))

        shift = tf.constant(0.0)
        with tf.GradientTape() as tape:
            tape.watch(shift)
            value = loss(shift)
        slope, step = tape.gradient(value, shift), tf.constant(1e-3)
        difference = (loss(step) - loss(-step)) / (2.0 * step)
        assert abs(slope) > 1e-6
        np.testing.assert_allclose(slope, difference, rtol=0.3)  # ReLUs make the loss a little rough


@pytest.mark.parametrize("size", [(33, 41), (90, 64), (200, 50)])
def test_resizing_under_xla_is_as_tensorflows(size):
    picture = tf.concat([colorful(1, (64, 80)), colorful(2, (64, 80))], 0)
    compiled = tf.function(resize_under_xla, jit_compile=True)
    np.testing.assert_allclose(compiled(picture, size), resize(picture, size), atol=1e-5)
    np.testing.assert_array_equal(resize_under_xla(picture, (64, 80)), picture)


@pytest.mark.parametrize(("asked", "gpus", "compiled"), [("auto", 1, True), ("auto", 0, False), (False, 1, False)])
def test_a_step_is_compiled_on_a_gpu(monkeypatch, asked, gpus, compiled):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU"] * gpus)
    config = StylizeConfig(jit_compile=asked)
    assert with_jit_compile(config).jit_compile is compiled

    @tf.function
    def inside():
        assert with_jit_compile(config).jit_compile is False  # whoever runs the graph compiles it
        assert with_jit_compile(config.replace(jit_compile=True)).jit_compile is True

    inside()


def test_graphs_for_others_are_not_compiled():
    layer = tf_style.StylizeLayer("fine", {"backbone": "compact_vgg19"})
    assert layer.config.jit_compile == "auto"
    assert build_optimization(layer.config).optimization.jit_compile is False

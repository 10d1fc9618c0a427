"""One dial for every preset: 0 is the content, 1 the preset's own painting, and between them the style grows evenly."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import colorful, picture
from tf_style.build import build_stylizer
from tf_style.config import StylizeConfig
from tf_style.presets import preset_config

SHORT = {"backbone": "compact_vgg19", "num_steps": 40, "first_steps": 0, "min_size": 0, "size": 0}
PRESETS = ("fine", "draft", "gatys2016", "gatys2016-adam")


@pytest.mark.parametrize("preset", [*PRESETS, "instant"])
def test_nothing_is_the_content(preset):
    content, style = picture(48, 64, seed=1), colorful(2, (48, 48))
    options = {} if preset == "instant" else {**SHORT, "num_steps": 2}
    config = preset_config(preset).replace(**options, style_strength=0)
    np.testing.assert_allclose(build_stylizer(config)(content, [style]), content, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_style_grows_evenly(preset):
    """From strength to strength the distance (not squared) falls by a share of the whole way that can be noticed."""
    content, style = picture(96, 96, seed=1), colorful(2, (96, 96))
    full = build_stylizer(preset_config(preset).replace(**SHORT))
    objective, backbone = full.optimization.objective.reading("styles"), full.optimization.backbone
    targets = full.style_targets([style], (96, 96))

    def distance(image):
        return float(objective(backbone(image), targets)[0]) ** 0.5

    paintings = [content]
    for strength in (0.25, 0.5, 0.75, 1.0):
        config = preset_config(preset).replace(**SHORT, style_strength=strength)
        paintings.append(build_stylizer(config)(content, [style]))
    distances = [distance(painting) for painting in paintings]
    way = distances[0] - distances[-1]
    assert way > 0
    steps = -np.diff(distances) / way
    assert steps.min() > 0.03, distances
    assert 0.15 < (distances[0] - distances[2]) / way < 0.9, distances
    changes = [float(np.abs(painting - content).mean()) for painting in paintings]  # from noise too
    assert np.diff(changes).min() > 0, changes
    assert changes[1] < 0.6 * changes[-1], changes


@pytest.mark.parametrize("init", ["noise", "style"])
def test_a_little_style_starts_near_the_content(init):
    content, style = picture(48, 64, seed=1), picture(48, 64, seed=2)
    whole, half, none = (
        build_stylizer(StylizeConfig(**SHORT, init=init, style_strength=strength)).first_image(
            content, [style], (48, 64)
        )
        for strength in (1.0, 0.5, 0.0)
    )
    assert np.abs(whole - content).mean() > 0.1
    np.testing.assert_allclose(half, (whole + content) / 2, atol=1e-6)
    np.testing.assert_allclose(none, content, atol=1e-6)


def test_weights():
    config = StylizeConfig(style_weight=20.0)
    assert config.scaled_style_weight == 20.0
    assert config.replace(style_strength=0).scaled_style_weight == 0
    assert config.replace(style_strength=2 / 3).scaled_style_weight == pytest.approx(2.0)


def test_it_is_a_number_for_each_picture_of_a_network():
    stylizer = build_stylizer(StylizeConfig(network="many_styles"))
    contents = tf.concat([picture(32, 32, seed=1), picture(32, 32, seed=1)], 0)
    code = stylizer.encode_styles(["great_wave"], tf.shape(contents))
    paintings = stylizer.paint(contents, code, tf.constant([0.0, 1.0]))
    np.testing.assert_allclose(paintings[0], contents[0], atol=1e-6)
    assert np.abs(paintings[1] - contents[1]).mean() > 0.02

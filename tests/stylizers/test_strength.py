"""One dial for every preset: 0 is the content, 1 the preset's own painting, and between them the style grows evenly."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import colorful, picture
from tf_style.build import build_stylizer
from tf_style.config import StylizeConfig
from tf_style.presets import preset_config

SHORT = {"backbone": "compact_vgg19", "num_steps": 5, "first_steps": 0, "min_size": 0, "size": 0}
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


def paint_with_each_strength(preset, num_steps, content, style):
    """Paintings [5, H, W, 3] by STRENGTHS, and the square root of each one's style loss.

    Each strength's own stylizer gives the first picture, the weights and the last touch; the steps between are those of
    one compiled optimisation, since tracing one for each strength would take most of the time.
    """
    config, size = preset_config(preset).replace(**SHORT), content.shape[1:3]
    stylizers = [build_stylizer(config.replace(style_strength=strength)) for strength in STRENGTHS]
    optimization = stylizers[-1].optimization
    terms = [{term.name: weight for weight, term in each.optimization.objective.terms} for each in stylizers]
    weights = {name: tf.constant([own.get(name, 0.0) for own in terms]) for name in terms[-1]}
    targets = optimization.targets(tf.repeat(content, len(STRENGTHS), 0), [style])
    state = optimization.start(tf.concat([each.first_image(content, [style], size) for each in stylizers], 0))
    while int(state.step) < num_steps:
        chunk = min(optimization.optimizer.steps_per_call, num_steps - int(state.step))
        state = optimization.step(state, targets, tf.constant(chunk), weights)
    painted = tf.split(optimization.picture(state), len(STRENGTHS))
    paintings = tf.concat([each.shown(image, content) for each, image in zip(stylizers, painted, strict=True)], 0)
    losses = optimization.objective.reading("styles")(optimization.backbone(paintings), targets)
    return paintings.numpy(), np.sqrt(losses)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "side", "num_steps"),
    [("fine", 56, 25), ("draft", 56, 25), ("gatys2016", 56, 20), ("gatys2016-adam", 96, 45)],
)
def test_the_style_grows_evenly(preset, side, num_steps):
    """At 0 it is the content. From there the distance (not squared) falls noticeably from strength to strength."""
    content, style = picture(side, side, seed=1), colorful(2, (side, side))
    paintings, distances = paint_with_each_strength(preset, num_steps, content, style)
    np.testing.assert_allclose(paintings[:1], content, atol=1e-6)
    way = distances[0] - distances[-1]
    assert way > 0
    steps = -np.diff(distances) / way
    assert steps.min() > 0.03, distances
    assert 0.15 < (distances[0] - distances[2]) / way < 0.9, distances
    changes = np.abs(paintings - content).mean((1, 2, 3))  # also when the run starts from noise
    assert np.diff(changes).min() > 0, changes
    assert changes[1] < 0.6 * changes[-1], changes


def test_without_strength_a_network_gives_the_content():
    content, style = picture(48, 64, seed=1), colorful(2, (48, 48))
    config = preset_config("instant").replace(style_strength=0)
    np.testing.assert_allclose(build_stylizer(config)(content, [style]), content, atol=1e-6)


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_the_stylizer_paints_with_its_strength(strength):
    """One whole call: at 0 it gives the content back, and between 0 and 1 it paints less than at 1."""
    content, style = picture(48, 64, seed=1), colorful(2, (48, 48))
    options = {**SHORT, "style_layers": ("conv1_1",), "content_layers": ("conv1_1",)}
    painting, whole = (
        build_stylizer(StylizeConfig(**options, style_strength=each))(content, [style]) for each in (strength, 1.0)
    )
    changes = [float(np.abs(image - content).mean()) for image in (painting, whole)]
    assert changes[0] < 1e-6 if strength == 0 else 0 < changes[0] < changes[1]


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

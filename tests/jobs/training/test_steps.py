"""Training steps of a network: what they learn, what they leave alone, and what each loss counts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.materials import picture, tiny_vgg
from tf_style.losses import content_loss, style_loss
from tf_style.networks.arbitrary import ENCODER_LAYERS, ArbitraryStyleNetwork
from tf_style.networks.many_styles import ManyStylesNetwork
from tf_style.networks.training import RunningAverage, Trainer
from tf_style.networks.training_losses import COLORS, RECONSTRUCTION, STABILITY

LAYERS = ("block2_conv1",)
KINDS = ("arbitrary", "many_styles")
STYLES = picture(40, 40, seed=7), picture(40, 40, seed=8)


#: Without warm-up, larger steps drive the network for any style into the flat ends of its last activation.
LEARNING_RATES = {"arbitrary": 1e-4, "many_styles": 3e-3}


def trainer(kind, seed=0, learning_rate=None):
    """A trainer of a tiny network under tiny losses."""
    keras.utils.set_random_seed(seed)
    backbone = tiny_vgg((*ENCODER_LAYERS, *LAYERS))
    objective = (
        content_loss(LAYERS)
        + 5.0 * style_loss(LAYERS, statistic="mean_std")
        + 5.0 * content_loss(("image",), name=RECONSTRUCTION)
    )
    network = ArbitraryStyleNetwork(backbone, (4, 4, 8, 8)) if kind == "arbitrary" else ManyStylesNetwork(("a", "b"))
    made = Trainer(network, backbone, objective, keras.optimizers.Adam(learning_rate or LEARNING_RATES[kind]))
    if kind == "many_styles":
        made.prepare_styles(list(STYLES))
    return made


def batch(kind):
    contents = tf.concat([picture(32, 32, seed=seed) for seed in range(4)], 0)
    styles = tf.constant([0, 1, 0, 1]) if kind == "many_styles" else tf.concat([*STYLES, *STYLES], 0)
    return contents, styles, tf.constant([False, False, False, True])


@pytest.mark.parametrize("kind", KINDS)
def test_training_lowers_the_losses(kind):
    made, data = trainer(kind), batch(kind)
    step = tf.function(made.step, autograph=False)
    totals = [float(tf.add_n(list(step(*data).values()))) for _ in range(60)]
    assert np.isfinite(totals).all()
    assert np.mean(totals[-5:]) < 0.6 * np.mean(totals[:5])


def test_each_picture_and_each_step_gets_its_own_noise():
    made, (contents, styles, neutral) = trainer("arbitrary"), batch("arbitrary")
    given, paint = [], made.network.paint
    made.network.paint = lambda *args: given.append(args[4]) or paint(*args)
    for _ in range(3):
        made.step(contents, styles, neutral)
    seeds = np.concatenate([noise.seed for noise in given])
    assert len(np.unique(seeds)) == len(seeds) == 12


@pytest.mark.parametrize("kind", KINDS)
def test_the_backbone_stays_as_it_is(kind):
    made = trainer(kind)
    before = [np.array(weight) for weight in made.backbone.weights]
    made.step(*batch(kind))
    for weight, value in zip(made.backbone.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), value)


@pytest.mark.parametrize("kind", KINDS)
def test_neutral_pictures_count_by_reconstruction_only_and_others_by_style_only(kind):
    made = trainer(kind)
    contents, styles, _ = batch(kind)
    every = tf.fill([4], True)
    assert float(made.losses(contents, styles, every)[0]["style"]) == 0.0
    assert float(made.losses(contents, styles, every)[0][RECONSTRUCTION]) > 0.0
    assert float(made.losses(contents, styles, ~every)[0]["style"]) > 0.0
    assert float(made.losses(contents, styles, ~every)[0][RECONSTRUCTION]) == 0.0


def test_style_losses_of_flat_styles_are_softened():
    """Near the target they count as they are, far from it by their logarithm."""
    made = trainer("many_styles")
    contents, styles, _ = batch("many_styles")
    none = tf.fill([4], False)
    losses, image = made.losses(contents, styles, none)
    targets = tf.nest.map_structure(lambda target: tf.gather(target, styles), made._style_targets)
    style = made.objective.reading("styles")
    plain = style.losses(made.features(image), targets)["style"].numpy()
    limit = 5.0 * 3.0
    np.testing.assert_allclose(float(losses["style"]), np.mean(limit * np.log1p(plain / limit)), rtol=1e-4)


def test_stability_is_learned():
    """Beside nothing else that would hold it back."""
    made, data = trainer("many_styles"), batch("many_styles")
    made = Trainer(made.network, made.backbone, 0.1 * content_loss(LAYERS), made.optimizer, stability_weight=20.0)
    made.prepare_styles(list(STYLES))
    step = tf.function(made.step, autograph=False)
    losses = [float(step(*data)[STABILITY]) for _ in range(40)]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])


def test_with_a_teacher_its_paintings_are_what_is_to_come_out():
    """Those of twice the size, shrunk."""
    made = trainer("many_styles")
    teacher = ArbitraryStyleNetwork(made.backbone, (4, 4, 8, 8))
    made.prepare_styles(list(STYLES), teacher)
    contents, styles, neutral = batch("many_styles")
    losses, image = made.losses(contents, styles, neutral)
    codes = tf.concat([teacher.encode_style(style) for style in STYLES], 0)
    content = teacher.encode_content(tf.image.resize(contents, [64, 64]))
    painted = teacher.paint(content, tf.gather(codes, styles)[:, None], tf.ones([1]), tf.ones([4]))
    painted = tf.nn.avg_pool2d(painted, 2, 2, "VALID")
    wanted = np.concatenate([np.clip(painted, 0, 1)[:3], contents[3:]])
    errors = np.sum((image - wanted) ** 2, axis=(1, 2, 3)) / np.sum(wanted**2, axis=(1, 2, 3))
    np.testing.assert_allclose(losses[RECONSTRUCTION], 5.0 * errors.mean(), rtol=1e-4)
    assert float(losses["style"]) > 0.0


def test_colors_are_compared_without_strokes():
    """Of a picture that differs from what it should be by a checkerboard, nothing is seen; by a stain, all of it."""
    made = trainer("many_styles")
    made.objective = content_loss((COLORS,), name=COLORS)
    made.prepare_styles(list(STYLES))
    contents, styles, _ = batch("many_styles")
    none = tf.fill([4], False)
    board = 0.1 * (2.0 * (np.indices((32, 32)).sum(0) % 2) - 1.0)[None, ..., None]
    stain = np.zeros((1, 32, 32, 1))
    stain[:, :8, 8:16] = 0.1
    losses = []
    for change in (0.0, board, stain):
        made.network.paint = lambda content, *_, change=change: content + tf.constant(change, tf.float32)
        losses.append(float(made.losses(contents, styles, none)[0][COLORS]))
    pooled = made.features(contents)[COLORS].numpy()
    np.testing.assert_allclose(losses[:2], 0.0, atol=1e-9)
    wanted = 3 * 0.1**2 / np.sum(pooled**2, axis=(1, 2, 3))
    np.testing.assert_allclose(losses[2], wanted.mean(), rtol=1e-3)


def test_a_teacher_learns_nothing_and_is_matched():
    made = trainer("many_styles", learning_rate=1e-2)
    teacher = ArbitraryStyleNetwork(made.backbone, (4, 4, 8, 8))
    made.objective = 5.0 * content_loss(("image",), name=RECONSTRUCTION)
    made.prepare_styles(list(STYLES), teacher)
    weights = [variable for layer in teacher.all_layers for variable in layer.weights]
    before = [np.array(weight) for weight in weights]
    step, data = tf.function(made.step, autograph=False), batch("many_styles")
    losses = [float(step(*data)[RECONSTRUCTION]) for _ in range(100)]
    assert np.mean(losses[-5:]) < 0.2 * losses[0]
    for weight, value in zip(weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), value)


def test_features_of_the_encoder_are_those_of_the_backbone():
    """Sharing them saves work and changes nothing."""
    shared = trainer("arbitrary")
    apart = Trainer(shared.network, shared.backbone, shared.objective, keras.optimizers.Adam())
    data = batch("arbitrary")
    for name, loss in shared.losses(*data)[0].items():
        np.testing.assert_allclose(loss, apart.losses(*data)[0][name], rtol=1e-5)


def test_the_average_forgets_early_weights_and_gives_the_own_ones_back():
    variable = keras.Variable([0.0])
    average = RunningAverage([variable], 0.999)
    for step in range(1, 51):
        variable.assign([1.0 if step > 10 else 0.0])
        average.update(tf.constant(step))
    with average.in_place():
        assert 0.9 < float(variable[0]) < 1.0  # a fixed decay would be at 0.04
    assert float(variable[0]) == 1.0
    last = RunningAverage([variable], 0.0)
    variable.assign([3.0])
    last.update(tf.constant(1))
    assert float(last.values[0][0]) == 3.0

"""Loss terms and their objective against values worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import assert_one_sentence
from tf_style.losses import Objective, content_loss, style_loss, temporal_loss, total_variation_loss
from tf_style.ops import gram_matrix
from tf_style.types import References, Term


def random_features(seed, layers=("one", "two"), scale=1.0):
    rng = np.random.default_rng(seed)
    return {layer: tf.constant(scale * rng.uniform(size=(1, 4, 6, 3)), tf.float32) for layer in layers}


def value(objective, features, content=None, styles=()):
    targets = objective.targets(References(content or features, tuple(styles)))
    return float(objective(features, targets)[0])


def constant(number):
    return tf.fill([1, 2, 2, 1], float(number))


# --- content ----------------------------------------------------------------------------------------------------------


def test_content_is_a_mean_squared_error():
    features, target = {"one": constant(5)}, {"one": constant(2)}
    assert value(content_loss(["one"], normalization="none"), features, target) == 9.0
    np.testing.assert_allclose(value(content_loss(["one"]), features, target), 9.0 / 4.0)


def test_content_layers_are_averaged():
    features = {"one": constant(5), "two": constant(3)}
    target = {"one": constant(2), "two": constant(2)}
    assert value(content_loss(["one", "two"], normalization="none"), features, target) == (9 + 1) / 2


@pytest.mark.parametrize("weights", [(2.0, 10.0), {"two": 10.0, "one": 2.0, "three": 5.0}])
def test_content_layer_weights(weights):
    features = {"one": constant(5), "two": constant(3)}
    target = {"one": constant(2), "two": constant(2)}
    objective = content_loss(["one", "two"], layer_weights=weights, normalization="none")
    assert value(objective, features, target) == 2 * 9 + 10 * 1


def test_content_does_not_look_at_styles():
    features, target = random_features(1), random_features(2)
    objective = content_loss(["one"])
    assert value(objective, features, target, [random_features(3)]) == value(objective, features, target)


# --- temporal ---------------------------------------------------------------------------------------------------------


def before(value, mask=None):
    """A painted frame that is flat, and its mask, as lists of rows."""
    features = {"image": tf.fill([1, 2, 2, 3], float(value))}
    return features if mask is None else {**features, "mask": tf.constant(mask, tf.float32, [1, 2, 2, 1])}


def temporal(image, *previous):
    objective = temporal_loss()
    targets = objective.targets(References({}, (), previous))
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = objective({"image": image}, targets)
    return loss.numpy().tolist(), tape.gradient(loss, image)


def test_temporal_is_a_mean_squared_error_over_what_is_seen():
    image = tf.fill([1, 2, 2, 3], 0.5)
    assert temporal(image, before(0.0))[0] == [0.25]
    loss, gradient = temporal(image, before(0.0, [[1, 0.5], [0, 0]]))
    assert loss == [0.25 * 1.5 / 4]
    # of each of 12 values: 2 (x - w) / 12, times the mask
    np.testing.assert_allclose(gradient[0, :, :, 0], np.float32([[1, 0.5], [0, 0]]) / 12)


def test_temporal_adds_up_over_frames_and_is_zero_without_any():
    image = tf.fill([1, 2, 2, 3], 0.5)
    loss, _ = temporal(image, before(0.0, [[1, 1], [0, 0]]), before(1.5, [[0, 0], [1, 0]]))
    assert loss == [(0.25 * 2 + 1.0) / 4]
    assert temporal(image)[0] == [0.0]


# --- style ------------------------------------------------------------------------------------------------------------


def test_gram_style_by_hand():
    features, style = {"one": constant(3)}, {"one": constant(2)}  # Gram 9 and 4
    assert value(style_loss(["one"], normalization="none"), features, styles=[style]) == 25.0
    np.testing.assert_allclose(value(style_loss(["one"]), features, styles=[style]), 25.0 / 16.0)


def test_mean_std_style_by_hand():
    features, style = {"one": constant(3)}, {"one": constant(2)}  # no deviation in either
    loss = value(style_loss(["one"], statistic="mean_std", normalization="none"), features, styles=[style])
    np.testing.assert_allclose(loss, 1.0, rtol=1e-5)


def test_wasserstein_style_by_hand():
    features, style = {"one": constant(3)}, {"one": constant(2)}
    loss = value(style_loss(["one"], statistic="wasserstein", normalization="none"), features, styles=[style])
    np.testing.assert_allclose(loss, 1.0, rtol=1e-3)


def test_style_layer_weights():
    features = {"one": constant(3), "two": constant(1)}
    style = {"one": constant(2), "two": constant(2)}  # squared differences of Gram: 25 and 9
    for weights in ((0.5, 4.0), {"one": 0.5, "two": 4.0}):
        objective = style_loss(["one", "two"], layer_weights=weights, normalization="none")
        assert value(objective, features, styles=[style]) == 0.5 * 25 + 4 * 9
    assert value(style_loss(["one", "two"], normalization="none"), features, styles=[style]) == (25 + 9) / 2


@pytest.mark.parametrize("blend", [(0.7, 0.3), (7.0, 3.0)])
def test_blend_is_a_weighted_mean_of_grams(blend):
    styles = [random_features(1), random_features(2)]
    objective = style_loss(["one"], style_blend=blend)
    target = objective.targets(References(styles[0], tuple(styles)))["style"]["one"]
    by_hand = 0.7 * gram_matrix(styles[0]["one"]) + 0.3 * gram_matrix(styles[1]["one"])
    np.testing.assert_allclose(target, by_hand, rtol=1e-6)


def test_no_blend_is_equal_shares():
    styles = [random_features(seed) for seed in (1, 2, 3)]
    target = style_loss(["one"]).targets(References(styles[0], tuple(styles)))["style"]["one"]
    np.testing.assert_allclose(target, sum(gram_matrix(style["one"]) for style in styles) / 3, rtol=1e-6)


@pytest.mark.parametrize("statistic", ["gram", "mean_std", "wasserstein"])
def test_a_share_of_zero_is_not_there(statistic):
    features, styles = random_features(1), [random_features(2), random_features(3)]
    both = style_loss(["one"], statistic=statistic, style_blend=(0.0, 1.0))
    only = style_loss(["one"], statistic=statistic)
    np.testing.assert_allclose(
        value(both, features, styles=styles), value(only, features, styles=styles[1:]), rtol=1e-5
    )


def test_styles_may_have_other_sizes():
    style = {"one": tf.random.stateless_uniform([1, 7, 3, 3], seed=[0, 0])}
    assert value(style_loss(["one"]), random_features(1), styles=[style]) > 0


# --- normalization ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: content_loss(["one", "two"]),
        lambda: style_loss(["one", "two"], statistic="gram"),
        lambda: style_loss(["one", "two"], statistic="mean_std"),
        lambda: style_loss(["one", "two"], statistic="wasserstein"),
    ],
    ids=["content", "gram", "mean_std", "wasserstein"],
)
def test_target_normalization_does_not_see_the_scale_of_features(make):
    """So one weight holds for backbones whose activations are larger or smaller."""
    losses = [
        value(
            make(), random_features(1, scale=scale), random_features(2, scale=scale), [random_features(3, scale=scale)]
        )
        for scale in (1.0, 10.0, 100.0)
    ]
    np.testing.assert_allclose(losses[1:], losses[0], rtol=1e-3)


@pytest.mark.parametrize("statistic", ["gram", "mean_std", "wasserstein"])
def test_nothing_of_the_target_costs_about_one(statistic):
    """The unit of the "target" normalization: a black feature map loses all of the style."""
    nothing = {"one": tf.zeros([1, 4, 6, 3])}
    loss = value(style_loss(["one"], statistic=statistic), nothing, styles=[random_features(1)])
    np.testing.assert_allclose(loss, 1.0, atol=0.02)
    np.testing.assert_allclose(value(content_loss(["one"]), nothing, random_features(1)), 1.0, rtol=1e-5)


@pytest.mark.parametrize("statistic", ["gram", "mean_std", "wasserstein"])
def test_size_of_the_picture_does_not_matter(statistic):
    features, style = random_features(1), random_features(2)
    tiled = {layer: tf.tile(tensor, [1, 3, 2, 1]) for layer, tensor in features.items()}
    objective = style_loss(["one"], statistic=statistic)
    np.testing.assert_allclose(
        value(objective, tiled, styles=[style]), value(objective, features, styles=[style]), rtol=1e-4
    )


# --- errors -----------------------------------------------------------------------------------------------------------

ERRORS = {
    "statistic": (lambda: style_loss(statistic="grams"), "grams.*gram, mean_std, wasserstein"),
    "style normalization": (lambda: style_loss(normalization="sum"), "sum.*target, none"),
    "content normalization": (lambda: content_loss(normalization="sum"), "sum.*target, none"),
    "too few weights": (lambda: style_loss(["one", "two"], layer_weights=[1.0]), "1 .*2 layers"),
    "a weight missing": (lambda: content_loss(["one", "two"], layer_weights={"one": 1.0}), "two"),
    "no layers": (lambda: style_loss([]), "block4_conv2"),
    "shares for other styles": (
        lambda: value(style_loss(["one"], style_blend=[0.7, 0.3]), random_features(1), styles=[random_features(2)]),
        "2 shares.*1 style",
    ),
    "a share below zero": (
        lambda: value(
            style_loss(["one"], style_blend=[1.5, -0.5]), random_features(1), styles=[random_features(2)] * 2
        ),
        "at least 0",
    ),
    "shares of nothing": (
        lambda: value(style_loss(["one"], style_blend=[0.0, 0.0]), random_features(1), styles=[random_features(2)] * 2),
        "positive sum",
    ),
    "names": (lambda: content_loss() + content_loss(), "content appears twice.*name="),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_is_allowed(name):
    provoke, pattern = ERRORS[name]
    with pytest.raises(ValueError, match=pattern) as caught:
        provoke()
    assert_one_sentence(caught.value)


# --- objective --------------------------------------------------------------------------------------------------------


def number(name, loss):
    """A term that is always `loss`."""
    return Objective(((1.0, Term(name, lambda references: (), lambda features, target: tf.constant([loss]))),))


def test_objective_adds_and_multiplies():
    objective = 2.0 * number("a", 3.0) + number("b", 5.0) * 10.0
    assert float(objective({}, {"a": (), "b": ()})[0]) == 2 * 3 + 5 * 10
    assert float((0.5 * objective)({}, {"a": (), "b": ()})[0]) == 28.0
    losses = objective.losses({}, {"a": (), "b": ()})
    assert {name: float(loss[0]) for name, loss in losses.items()} == {"a": 6.0, "b": 50.0}


def test_objective_stays_as_it_was():
    """Algebra makes new objectives."""
    one = number("a", 1.0)
    _ = 5.0 * one + number("b", 1.0)
    assert [weight for weight, _ in one.terms] == [1.0]
    with pytest.raises(AttributeError):
        one.terms = ()


def test_objective_reads_as_its_formula():
    objective = content_loss() + 1000 * style_loss(statistic="wasserstein") + 0.5 * total_variation_loss("l1")
    assert repr(objective) == "1*content + 1000*style(wasserstein) + 0.5*total_variation(l1)"
    assert repr(2.0 * (content_loss(name="faces") + style_loss())) == "2*faces + 2*style(gram)"


def test_a_name_may_be_given_twice_under_other_names():
    objective = style_loss(["one"], name="fine") + style_loss(["two"], name="coarse")
    targets = objective.targets(References(random_features(1), (random_features(2),)))
    assert set(targets) == {"fine", "coarse"}


def test_terms_do_not_remember_pictures():
    """Two pairs of targets of the same objective do not disturb each other."""
    objective = content_loss(["one"]) + style_loss(["one"])
    first, second = random_features(1), random_features(2)
    targets = objective.targets(References(first, (first,)))
    before = float(objective(second, targets)[0])
    objective.targets(References(second, (second,)))
    assert float(objective(second, targets)[0]) == before

"""The network for any style: codes, attention to a style's tokens, noise that belongs to places, parts of pictures."""

import numpy as np
import pytest
import tensorflow as tf

from tests import command
from tests.conformance.table import NETWORK_ROWS
from tests.materials import flat_picture, picture
from tests.networks.test_networks import stir
from tf_style import images
from tf_style.build.network import build_network
from tf_style.config import StylizeConfig
from tf_style.networks.arbitrary import ENCODER_LAYERS, Statistics
from tf_style.networks.blocks import moments
from tf_style.ops.noise import Noise
from tf_style.stylizers import FeedForwardStylizer

ROW = NETWORK_ROWS[0]
DEEPEST = ENCODER_LAYERS[-1]
ONE = tf.ones([1])  # the share of the only style, and full strength
NOISE = Noise(tf.constant([5]))
STRIDES = (2, 4, 8, 16)


@pytest.fixture(scope="module")
def network():
    return stir(ROW.make())


@pytest.fixture(scope="module")
def stylizer(network):
    """Traced once."""
    return FeedForwardStylizer(network)


@pytest.fixture(scope="module")
def content(network):
    return network.encode_content(picture(40, 48, seed=1))


@pytest.fixture(scope="module")
def codes(network):
    """Of two styles, [1, 2, N]."""
    return tf.stack([network.encode_style(style) for style in ROW.styles], axis=1)


def random_features(network, height, width, seed):
    """Features of two pictures, the deepest [2, height, width, C]; like the encoder's, none is below zero."""
    sizes = [(height << depth, width << depth) for depth in (3, 2, 1, 0)]
    return {
        layer: 300.0 * tf.nn.relu(tf.random.stateless_normal([2, *size, channels], [seed, channels], 0.3))
        for layer, size, channels in zip(ENCODER_LAYERS, sizes, network.channels, strict=True)
    }


def dense(network, layer, x):
    kernel, bias = (np.asarray(weight) for weight in network._layers[layer].weights)
    return np.asarray(x) @ kernel + bias


def standardized(x):
    x = np.asarray(x, np.float64)
    return (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)


def distance(one, other):
    return np.abs(np.asarray(one) - np.asarray(other)).mean()


# --- codes ------------------------------------------------------------------------------------------------------------


def test_a_code_is_means_and_deviations_and_tokens():
    """A token is a place of a 32 x 32 grid: a key of its standardised features, and a value of them as they are."""
    network = ROW.make()
    features = random_features(network, 40, 70, 1)
    code = np.asarray(network.code(features))
    deepest = np.asarray(features[DEEPEST])
    total = sum(network.channels)
    np.testing.assert_allclose(code[:, total - 8 : total], deepest.mean((1, 2)), rtol=1e-4)
    np.testing.assert_allclose(code[:, 2 * total - 8 : 2 * total], deepest.std((1, 2)), rtol=1e-4)
    tokens = code[:, 2 * total :].reshape(2, 32, 32, 64 + 192)
    rows, columns = (((np.arange(32) + 0.5) / 32 * side).astype(int) for side in (40, 70))
    grid = deepest[:, rows][:, :, columns] / 512
    np.testing.assert_allclose(tokens[..., :64], dense(network, "key", standardized(grid)), atol=1e-3)
    np.testing.assert_allclose(tokens[..., 64:], dense(network, "value", grid), atol=1e-4)


def test_adapts_to_how_codes_are_spread():
    network = ROW.make()
    codes = tf.random.stateless_uniform([50, network.code_length], [1, 2], 0.0, 100.0)
    network.adapt(codes)
    spread = network._layers["spread"](tf.math.log1p(codes[:, : 2 * sum(network.channels)])).numpy()
    np.testing.assert_allclose(spread.mean(0), 0.0, atol=1e-4)
    np.testing.assert_allclose(spread.std(0), 1.0, atol=1e-3)


@pytest.mark.usefixtures("eagerly")
def test_one_style_for_each_picture_of_a_batch(stylizer):
    contents, styles = picture(40, 48, seed=4, batch=2), picture(36, 36, seed=5, batch=2)
    together = stylizer(contents, [styles]).numpy()
    for index in range(2):
        alone = stylizer(contents[index : index + 1], [styles[index : index + 1]])
        np.testing.assert_allclose(together[index : index + 1], alone, atol=1e-4)


def test_works_in_a_dataset_as_eagerly(stylizer):
    content, style = picture(40, 48, seed=1), ROW.styles[0]
    dataset = tf.data.Dataset.from_tensors((content, style)).map(lambda c, s: stylizer(c, [s]))
    np.testing.assert_allclose(next(iter(dataset)), stylizer(content, [style]), atol=1e-5)


# --- attention --------------------------------------------------------------------------------------------------------


def taken_directly(network, content, keys, values, shares):
    """What each place takes from all styles' tokens, [2, K, T, ...], by the definition."""
    queries = dense(network, "query", standardized(content[DEEPEST])).reshape(2, 1, -1, 64)
    weights = np.exp(queries @ keys.swapaxes(2, 3) / 64**0.5) * np.reshape(shares, (-1, 1, 1))
    weights /= weights.sum((1, 3), keepdims=True)
    return np.sum(weights @ values, axis=1)


@pytest.mark.parametrize("shares", [(1.0,), (0.3, 0.7)])
def test_places_take_from_all_styles_what_fits(network, monkeypatch, shares):
    """Mixed values have lost contrast: they get the values' mean and deviation back. Structure is the content's own."""
    content = random_features(network, 6, 5, 1)
    codes = tf.stack([network.code(random_features(network, 9, 8, seed)) for seed in range(len(shares))], axis=1)
    tokens = codes[..., 2 * sum(network.channels) :].numpy().reshape(2, len(shares), 32 * 32, 64 + 192)
    keys, values = tokens[..., :64], tokens[..., 64:]
    taken = network.take_values(content, codes, tf.constant(shares)).numpy()
    np.testing.assert_allclose(taken.reshape(2, 30, 192), taken_directly(network, content, keys, values, shares),
                               atol=1e-4)  # fmt: skip

    inputs, block = {}, network._block
    monkeypatch.setattr(network, "_block", lambda name, x, *rest: block(name, inputs.setdefault(name, x), *rest))
    network.paint(content, codes, tf.constant(shares), tf.ones([2]))
    mean, deviation = (np.einsum("k,bkc->bc", shares, part)[:, None, None] for part in (values.mean(2), values.std(2)))
    structure = dense(network, "structure", standardized(content[DEEPEST]))
    np.testing.assert_allclose(inputs["mix"], standardized(taken) * deviation + mean + structure, atol=2e-3)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.1, 0.9)])
def test_a_style_mixed_with_itself_is_that_style(network, content, codes, shares):
    first = codes[:, :1]
    alone = network.paint(content, first, ONE, ONE)
    twice = network.paint(content, tf.concat([first, first], 1), tf.constant(shares), ONE)
    np.testing.assert_allclose(twice, alone, atol=1e-5)


def test_mixtures_lie_between_their_styles(network, content, codes):
    first, second = (network.paint(content, codes[:, style : style + 1], ONE, ONE) for style in (0, 1))
    only_first, mixed = (network.paint(content, codes, tf.constant(shares), ONE) for shares in ((1.0, 0.0), (0.6, 0.4)))
    np.testing.assert_allclose(only_first, first, atol=1e-5)
    assert distance(mixed, first) < distance(second, first)
    assert distance(mixed, second) < distance(second, first)


# --- noise ------------------------------------------------------------------------------------------------------------


def plane(seed, height, width, stride, **options):
    """Noise of `height` x `width` pixels."""
    return Noise(tf.constant([seed]), **options).plane(height // stride, width // stride, stride).numpy()[0, ..., 0]


def correlation(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.mark.parametrize("stride", STRIDES)
def test_a_window_has_the_noise_of_its_place(stride):
    whole = plane(3, 160, 192, stride)
    window = plane(3, 96, 64, stride, origin=(32, 112))
    np.testing.assert_array_equal(window, whole[32 // stride : 128 // stride, 112 // stride : 176 // stride])


@pytest.mark.parametrize("stride", STRIDES)
def test_noise_repeats_after_its_period(stride):
    """Also before the picture's first row and column."""
    once = plane(3, 64, 96, stride)
    again = plane(3, 128, 192, stride, origin=(-64, -96), period=(64, 96))
    np.testing.assert_array_equal(again, np.tile(once, (2, 2)))


def test_noise_is_gaussian_and_without_pattern():
    noise = plane(0, 512, 512, 2)
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1.0) < 0.02
    assert abs((np.abs(noise) < 1.0).mean() - 0.6827) < 0.01
    neighbours = (noise[1:], noise[:-1]), (noise[:, 1:], noise[:, :-1]), (noise[1:, 1:], noise[:-1, :-1])
    others = [(noise, plane(seed, 512, 512, 2)) for seed in (1, 2, 1000)]
    strides = [(plane(0, 256 * stride, 256 * stride, stride), noise) for stride in STRIDES[1:]]
    for one, other in (*neighbours, *others, *strides):
        assert abs(correlation(one, other)) < 0.02


def test_noise_has_the_deviation_it_is_given():
    np.testing.assert_allclose(plane(0, 64, 64, 2, deviation=0.5), 0.5 * plane(0, 64, 64, 2), rtol=1e-6)


def test_noise_is_finite_at_the_ends_of_the_hash():
    """Places whose bits are all ones, one in sixteen million."""
    for seed, row, column in ((0, 1795, 3587), (0, 3561, 3078), (4, 1047, 2064)):
        assert np.isfinite(plane(seed, 2, 2, 2, origin=(2 * row, 2 * column)))


def test_each_picture_of_a_batch_has_the_noise_of_its_seed():
    together = Noise(tf.constant([3, 4])).plane(8, 12, 4).numpy()
    for index, seed in enumerate((3, 4)):
        np.testing.assert_array_equal(together[index, ..., 0], plane(seed, 32, 48, 4))


def test_noise_goes_where_the_network_asks_for_it(network, content, codes):
    plain, first, again, second, twice = (
        network.paint(content, codes[:, :1], ONE, ONE, noise)
        for noise in (None, *(Noise(tf.constant([seed])) for seed in (1, 1, 2)), Noise(tf.constant([1]), 2.0))
    )
    np.testing.assert_array_equal(first, again)
    assert 0.0 < distance(first, plain) < distance(twice, plain)
    assert distance(second, first) > 1e-3


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.usefixtures("eagerly")
def test_a_stylizer_gives_its_noise_and_its_seed(network, noise):
    one, other = (FeedForwardStylizer(network, noise=noise, seed=seed)(picture(), ROW.styles[:1]) for seed in (1, 2))
    assert (distance(one, other) > 0.0) == (noise > 0.0)


# --- parts, sizes, gradients, compilers -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def embedded():
    return build_network(StylizeConfig(network="arbitrary", compute_dtype="float32"))


def example(name, size):
    """A picture of the repository of size x size pixels, float32 [1, size, size, 3]."""
    source = images.read_image(command.ROOT / "examples" / "pictures" / f"{name}.jpg")
    return tf.constant(images.resize(source, (size, size)).pixels[None])


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_part_is_painted_as_in_the_whole(embedded, strength):
    """Given the whole's statistics, and away from the part's edges."""
    whole = embedded.encode_content(example("lighthouse", 256))
    codes = embedded.encode_style(example("starry_night", 128))[:, None]
    strength, seed = tf.constant([strength]), tf.constant([5])
    painting = embedded.paint(whole, codes, ONE, strength, Noise(seed)).numpy()
    statistics = Statistics(
        {layer: moments(features) for layer, features in whole.items()},
        moments(embedded.take_values(whole, codes, ONE)),
    )
    top, left, side, margin = 48, 32, 192, 64
    part = {
        layer: whole[layer][:, top >> depth : (top + side) >> depth, left >> depth : (left + side) >> depth]
        for depth, layer in enumerate(ENCODER_LAYERS)
    }
    noise = Noise(seed, origin=(top, left))
    own, without = (embedded.paint(part, codes, ONE, strength, noise, given).numpy() for given in (statistics, None))
    inner = np.s_[:, margin : side - margin, margin : side - margin]
    expected = painting[:, top:, left:][inner]
    np.testing.assert_allclose(own[inner], expected, atol=1e-3)
    assert distance(without[inner], expected) > 5e-3


@pytest.mark.parametrize("size", [(32, 32), (33, 57), (101, 199)])
@pytest.mark.usefixtures("eagerly")
def test_flat_pictures_stay_finite(stylizer, size):
    """As content, as style, and as both."""
    flat, other = flat_picture(0.3, *size), picture(*size, seed=6)
    for content, style in ((flat, other), (other, flat), (flat, flat)):
        painting = stylizer(content, [style]).numpy()
        assert painting.shape == content.shape
        assert np.isfinite(painting).all()


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("content", [picture(40, 48, seed=1), flat_picture(0.3, 40, 48)], ids=["picture", "flat"])
def test_pictures_get_gradients(network, content, strength):
    style = ROW.styles[0]
    with tf.GradientTape() as tape:
        tape.watch([content, style])
        codes = network.encode_style(style)[:, None]
        painting = network.paint(network.encode_content(content), codes, ONE, tf.constant([strength]), NOISE)
        loss = tf.reduce_sum(tf.square(painting - 0.3))
    for gradient in tape.gradient(loss, [content, style]):
        assert np.isfinite(gradient).all()
        assert gradient.numpy().any()


def test_xla_compiles_it(network, codes):
    def paint(image, strength):
        return network.paint(network.encode_content(image), codes, tf.constant([0.6, 0.4]), strength, NOISE)

    compiled = tf.function(paint, jit_compile=True)
    for strength in (1.0, 0.5):
        given = picture(40, 48, seed=1), tf.constant([strength])
        np.testing.assert_allclose(compiled(*given), paint(*given), atol=1e-3)

"""Feed-forward networks and the stylizer that paints with them: what each promises, whatever its weights."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_style
from tests.conformance.table import NETWORK_ROWS, walk
from tests.materials import assert_one_sentence, flat_picture, network_weights, picture, tiny_encoder
from tf_style.build.network import build_network, make_network
from tf_style.config import ConfigError, StylizeConfig, check_given
from tf_style.networks import archive
from tf_style.networks.archive import NetworkError
from tf_style.networks.blocks import EnlargingConvolution, ReflectPadding
from tf_style.networks.many_styles import ManyStylesNetwork
from tf_style.ops.noise import Noise
from tf_style.stylizers import FeedForwardStylizer

_IDLE = ("key/bias",)  # adds the same to all of a place's scores, of which only differences count
_ALIVE = 500  # a seed under which every layer has channels above zero


def stir(network, size=0.03):
    """Random values for all weights that begin at zero, so that styles differ; and kernels that are always the same.

    With so few channels one seed in four leaves a layer without a channel above zero: nothing reaches the picture then.
    """
    keras.utils.set_random_seed(0)
    for layer in network.layers:
        for number, variable in enumerate(layer.trainable_weights):
            if not np.asarray(variable).any():
                variable.assign(tf.random.normal(variable.shape, stddev=size))
            elif variable.path.endswith("kernel"):
                variable.assign(keras.initializers.GlorotUniform(seed=_ALIVE + number)(variable.shape))
    if hasattr(network, "adapt"):
        network.adapt(tf.random.uniform([20, 2 * sum(network.channels)], 0.0, 80.0))  # adapts to no tokens
    return network


def npy():
    """A file of NumPy that is no archive."""
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.fixture(scope="module", params=NETWORK_ROWS, ids=lambda row: row.name)
def row(request):
    return request.param


@pytest.fixture(scope="module")
def network(row):
    return stir(row.make())


@pytest.fixture(scope="module")
def stylizer(network):
    """Traced once for all tests that ask for nothing special."""
    return FeedForwardStylizer(network)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 40), (32, 200)])
def test_paints_any_size(stylizer, row, size):
    content = picture(*size, seed=1)
    painting = stylizer(content, row.styles[:1]).numpy()
    assert painting.shape == content.shape
    assert painting.min() >= 0.0
    assert painting.max() <= 1.0
    assert np.abs(painting - content.numpy()).mean() > 0.01


def test_a_trace_for_single_pictures_and_one_for_batches(stylizer, row):
    """Whatever their sizes and styles."""
    for side in (32, 40, 56):
        stylizer(picture(side, 48, seed=side), row.styles[:1])
        stylizer(picture(side, 40, seed=side, batch=2), row.styles)
    assert stylizer.num_traces == 2


def test_a_batch_paints_as_its_pictures_do(stylizer, row):
    contents = picture(40, 48, seed=4, batch=3)
    together = stylizer(contents, row.styles[:1]).numpy()
    for index in range(3):
        np.testing.assert_allclose(together[index : index + 1], stylizer(contents[index : index + 1], row.styles[:1]),
                                   atol=1e-4)  # fmt: skip


@pytest.mark.usefixtures("eagerly")
def test_styles_differ_and_mix(network, stylizer, row):
    content = picture(40, 48, seed=1)
    first, second = (stylizer(content, [style]).numpy() for style in row.styles)
    mixed = FeedForwardStylizer(network, style_blend=(3.0, 1.0))(content, row.styles).numpy()
    only_first = FeedForwardStylizer(network, style_blend=(2.0, 0.0))(content, row.styles).numpy()
    np.testing.assert_allclose(only_first, first, atol=1e-5)
    far, near = np.abs(second - first).mean(), np.abs(mixed - first).mean()
    assert 0.0 < near < far


@pytest.mark.usefixtures("eagerly")
def test_strength(network, stylizer, row):
    content = picture(40, 48, seed=1)
    whole = stylizer(content, row.styles[:1]).numpy()
    distances = []
    for strength in (0.0, 0.125, 0.5, 1.0):
        painting = FeedForwardStylizer(network, style_strength=strength)(content, row.styles[:1]).numpy()
        distances.append(np.abs(painting - content.numpy()).mean())
    np.testing.assert_allclose(painting, whole, atol=1e-6)
    assert distances[0] == 0.0
    assert 0.0 < distances[1] < distances[2]


def test_each_picture_of_a_batch_may_have_its_own_strength(stylizer, row):
    contents = picture(40, 48, seed=1, batch=2)
    code = stylizer.encode_styles(row.styles[:1], tf.shape(contents))
    painting = stylizer.paint(contents, code, tf.constant([0.0, 1.0]))
    np.testing.assert_array_equal(painting[0], contents[0])
    np.testing.assert_allclose(painting[1], stylizer(contents, row.styles[:1])[1], atol=1e-4)


def test_on_step_hears_of_the_one_step(stylizer, row):
    heard = []
    painting = stylizer(picture(40, 48, seed=1), row.styles[:1], on_step=heard.append)
    assert [(progress.step, progress.num_steps, progress.size) for progress in heard] == [(1, 1, (40, 48))]
    np.testing.assert_array_equal(heard[0].image, painting)


def test_every_weight_learns(network, row):
    """A finite gradient, not zero everywhere, for each."""
    content = network.encode_content(picture(40, 48, seed=1))
    variables = [variable for layer in network.layers for variable in layer.trainable_variables]
    with tf.GradientTape() as tape:
        codes = network.encode_style(tf.constant([0]) if row.name == "many_styles" else row.styles[0])[:, None]
        painting = network.paint(content, codes, tf.ones([1]), tf.ones([1]), Noise(tf.constant([0])))
        loss = tf.reduce_sum(tf.square(painting - 0.3))
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    for variable, gradient in zip(variables, gradients, strict=True):
        values = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(values).all(), variable.path
        if variable.path not in _IDLE:
            assert np.abs(values).max() > 1e-6, variable.path


@pytest.mark.usefixtures("eagerly")
def test_bfloat16_paints_alike(row):
    full, half = stir(row.make()), row.make("bfloat16")
    archive.set_weights(half.layers, archive.weights_of(full.layers), "test")
    content = picture(64, 64, seed=1)
    difference = np.abs(
        FeedForwardStylizer(full)(content, row.styles[:1]) - FeedForwardStylizer(half)(content, row.styles[:1])
    )
    assert difference.mean() < 0.02


@pytest.mark.usefixtures("eagerly")
def test_no_border_and_no_checkerboard_of_its_own():
    """Of a flat picture the residual network makes a flat one: mirrored borders, resizing before convolving.

    But for rounding, which normalising a flat picture makes larger: it has no pattern.
    """
    network = stir(NETWORK_ROWS[1].make(), 0.004)
    painting = FeedForwardStylizer(network)(flat_picture(0.4, 64, 64), ["a"]).numpy()[0]
    assert np.ptp(painting, axis=(0, 1)).max() < 0.03
    phases = [painting[y::2, x::2].mean((0, 1)) for y in (0, 1) for x in (0, 1)]
    assert np.ptp(phases, axis=0).max() < 1e-3
    border = np.concatenate([painting[0], painting[-1], painting[:, 0], painting[:, -1]]).mean(0)
    assert np.abs(border - painting.mean((0, 1))).max() < 3e-3


@pytest.mark.parametrize("size", [(1, 1), (5, 7)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_enlarging_convolution_is_repeating_then_convolving(size, use_bias):
    x = tf.random.stateless_normal([2, *size, 4], [1, 2])
    layer = EnlargingConvolution(3, use_bias=use_bias)
    layer.build(x.shape)
    bias = tf.constant([0.5, -1.0, 2.0]) if use_bias else 0.0
    if use_bias:
        layer.bias.assign(bias)
    large = ReflectPadding()(tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2))
    expected = tf.nn.conv2d(large, layer.kernel.value, 1, "VALID") + bias
    assert layer(x).shape == layer.compute_output_shape(tuple(x.shape)) == (2, 2 * size[0], 2 * size[1], 3)
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)
    again = EnlargingConvolution.from_config(layer.get_config())
    assert (again.channels, again.use_bias) == (3, use_bias)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("eagerly")
def test_file_holds_all(tmp_path, row):
    network, other = stir(row.make()), row.make()
    path = tmp_path / "network.npz"
    archive.write_network(path, {"kind": row.name}, archive.weights_of(network.layers))
    assert archive.read_card(path)["kind"] == row.name
    archive.set_weights(other.layers, archive.read_weights(path), str(path))
    content = picture(40, 48, seed=1)
    painted, again = (FeedForwardStylizer(each)(content, row.styles[:1]) for each in (network, other))
    np.testing.assert_allclose(painted, again, atol=0.01)  # float16
    assert [file.name for file in tmp_path.iterdir()] == ["network.npz"]


STYLE = picture(36, 32, seed=2)


def written_arbitrary(path, **encoder):
    """The path of a network for any style with the tiny encoder, and the network."""
    network = stir(make_network("arbitrary", "float32", encoder=tiny_encoder()))
    weights = network_weights(network, encoder.get("encoder", tiny_encoder()))
    widths = {layer: kernel.shape[-1] for layer, (kernel, _) in tiny_encoder().items()}
    archive.write_network(path, {"kind": "arbitrary", "encoder": widths}, weights)
    return network


@pytest.mark.usefixtures("eagerly")
def test_a_network_keeps_the_encoder_it_was_trained_with(tmp_path, monkeypatch):
    """It paints the same when the embedded backbone is another one."""
    path, content = tmp_path / "network.npz", picture(40, 48, seed=1)
    network = written_arbitrary(path)
    monkeypatch.setattr("tf_style.backbones.compact._EMBEDDED", tmp_path / "no such file")
    again = build_network(StylizeConfig(network=str(path), compute_dtype="float32"))
    assert again.channels == (4, 4, 8, 8)
    painted, repainted = (FeedForwardStylizer(each)(content, [STYLE]) for each in (network, again))
    np.testing.assert_allclose(painted, repainted, atol=0.02)  # float16


@pytest.mark.usefixtures("eagerly")
def test_the_layer_keeps_an_encoder_of_any_width(tmp_path):
    path, content = tmp_path / "network.npz", picture(40, 48, seed=1)
    written_arbitrary(path)
    places = [keras.Input((None, None, 3)) for _ in range(2)]
    options = {"network": str(path), "compute_dtype": "float32"}
    model = keras.Model(places, tf_style.StylizeLayer("instant", options=options)(places))
    model.save(tmp_path / "model.keras")
    painted = model([content, STYLE])
    path.unlink()
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again([content, STYLE]), painted, atol=1e-5)
    saved = again.layers[-1].get_config()
    del saved["card"]["format"]  # as the first version saved it
    with pytest.raises(TypeError, match="earlier version of tf_style; make the model anew"):  # Keras's kind of error
        tf_style.StylizeLayer.from_config(saved)


def test_refuses_a_network_without_its_encoder(tmp_path):
    written_arbitrary(tmp_path / "network.npz", encoder={})
    with pytest.raises(NetworkError, match="no encoder") as caught:
        build_network(StylizeConfig(network=str(tmp_path / "network.npz"), compute_dtype="float32"))
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("bad", [b"", b"PK\x03\x04 no archive", b"text", npy()])
def test_refuses_what_is_no_network(tmp_path, bad):
    path = tmp_path / "network.npz"
    path.write_bytes(bad)
    for read in (archive.read_card, archive.read_weights):
        with pytest.raises(NetworkError) as caught:
            read(path)
        assert_one_sentence(caught.value)


def test_refuses_another_archive_and_another_version(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    archive.write_network(tmp_path / "newer.npz", {"format": 99, "kind": "x"}, {})
    np.savez(tmp_path / "list.npz", card=np.array("[1]"))
    archive.write_network(tmp_path / "kindless.npz", {}, {})
    for name in ("other", "newer", "list", "kindless"):
        with pytest.raises(NetworkError) as caught:
            archive.read_card(tmp_path / f"{name}.npz")
        assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (1, "arbitrary", "from an earlier version of tf_style; train "),
        (3, "arbitrary", "from a later version of tf_style; update "),
        (99, "arbitrary", "from a later version"),
        (2, "many_styles", "from a later version"),
    ],
)
def test_refuses_the_design_of_another_version(tmp_path, number, kind, words):
    path = tmp_path / "network.npz"
    archive.write_network(path, {"format": number, "kind": kind}, {})
    for read in (archive.read_card, archive.read_weights):
        with pytest.raises(NetworkError, match=words) as caught:
            read(path)
        assert_one_sentence(caught.value)


def test_refuses_weights_of_another_shape(row):
    weights = archive.weights_of(row.make().layers)
    name = next(iter(weights))
    for broken in ({**weights, name: weights[name][:-1]}, {k: v for k, v in weights.items() if k != name}):
        with pytest.raises(NetworkError) as caught:
            archive.set_weights(row.make().layers, broken, "file.npz")
        assert_one_sentence(caught.value)
        assert name in str(caught.value)


def test_refuses_weights_beyond_float16(tmp_path):
    with pytest.raises(ValueError, match="float16"):
        archive.write_network(tmp_path / "network.npz", {}, {"a": np.array([1e6])})
    assert not list(tmp_path.iterdir())


def test_find_network(tmp_path):
    path = tmp_path / "network.npz"
    archive.write_network(path, {"kind": "x"}, {})
    assert archive.find_network(str(tmp_path)) == archive.find_network(str(path)) == path
    with pytest.raises(NetworkError) as caught:
        archive.find_network("arbitary")
    assert_one_sentence(caught.value)
    assert "Did you mean 'arbitrary'?" in str(caught.value)


def test_unknown_style_gets_a_hint():
    with pytest.raises(NetworkError, match="Did you mean 'great_wave'") as caught:
        archive.check_style("grate_wave", ["starry_night", "great_wave"])
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("option", ["num_steps", "content_weight", "init", "jit_compile", "save_every"])
def test_options_of_the_optimisation_are_refused(option):
    with pytest.raises(ConfigError, match=option) as caught:
        check_given(StylizeConfig(network="x"), ["size", option])
    assert_one_sentence(caught.value)
    check_given(StylizeConfig(), [option])
    allowed = ["size", "style_strength", "style_blend", "preserve_color", "network", "seed", "noise"]
    check_given(StylizeConfig(network="x"), allowed)


def test_noise_is_for_networks_and_not_below_zero():
    with pytest.raises(ConfigError, match="noise is for networks") as caught:
        check_given(StylizeConfig(), ["noise"])
    assert_one_sentence(caught.value)
    with pytest.raises(ConfigError, match="noise must be .* of at least 0") as caught:
        StylizeConfig(network="arbitrary", noise=-1.0)
    assert_one_sentence(caught.value)


@pytest.mark.usefixtures("eagerly")
def test_the_library_sees_that_a_network_was_trained_on(tmp_path):
    content = picture(40, 48, seed=1)[0]
    paintings = []
    for size in (0.01, 0.05):
        network = stir(ManyStylesNetwork(("a",)), size)
        archive.write_network(
            tmp_path / "network.npz", {"kind": "many_styles", "styles": ["a"]}, archive.weights_of(network.layers)
        )
        paintings.append(tf_style.stylize(content, "a", network=str(tmp_path), size=0).numpy())
    assert np.abs(paintings[0] - paintings[1]).max() > 0.01


@walk(NETWORK_ROWS)
def test_refuses_shares_for_other_styles(row):
    with pytest.raises(ValueError, match="style_blend"):
        FeedForwardStylizer(row.make(), style_blend=(1.0,))(picture(), row.styles)

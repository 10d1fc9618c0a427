"""Pictures that repeat without a seam: each piece on a torus, then whole paintings and textures."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

import tf_style
from tests import command
from tests.materials import (
    QUICK,
    assert_one_sentence,
    assert_refused,
    colorful,
    flat_picture,
    picture,
    tiny_vgg,
)
from tf_style import images
from tf_style.build import build_stylizer
from tf_style.config import ConfigError, StylizeConfig
from tf_style.layers import StylizeLayer
from tf_style.ops import periodic_component, total_variation
from tf_style.ops.periodic import periodic_blur, wrap_pad
from tf_style.serving.export.saved_model import export_model
from tf_style.stylizers.torus import on_a_torus, resize_on_a_torus, without_margin

QUICK_LAYERS = ("--style_layers=conv1_1,conv2_1", "--style_layer_weights=0.5,0.5", "--style_statistic=gram")
TILEABLE = {**QUICK, "num_steps": 20, "tileable": True}


def ramp(height=64, width=96):
    """Dark on the left and on top, light on the right and below, with some texture."""
    rows, columns = np.mgrid[:height, :width]
    slope = 0.15 + 0.35 * (rows / height + columns / width)
    texture = 0.03 * np.random.default_rng(0).normal(size=(height, width, 3))
    return tf.constant(np.clip(slope[..., None] + texture, 0, 1)[None], tf.float32)


def jumps(image):
    """Mean difference of opposite edges, relative to that of neighbours inside: rows, columns."""
    pixels = np.asarray(image, np.float64).reshape(image.shape[-3:])
    return [
        np.abs(np.take(pixels, 0, axis) - np.take(pixels, -1, axis)).mean() / np.abs(np.diff(pixels, axis=axis)).mean()
        for axis in (0, 1)
    ]


# --- pieces -----------------------------------------------------------------------------------------------------------


def test_wrap_pad_and_back():
    tensor = tf.random.stateless_normal([2, 5, 7, 3], [1, 2])
    padded = wrap_pad(tensor, 2, 3)
    np.testing.assert_array_equal(padded, np.pad(tensor, [(0, 0), (2, 2), (3, 3), (0, 0)], mode="wrap"))
    np.testing.assert_array_equal(without_margin(padded, (2, 3)), tensor)


def test_features_move_with_the_picture_over_its_edges():
    backbone, image = tiny_vgg(padding="circular"), picture(32, 48, seed=1)
    moved = backbone(tf.roll(image, [16, -16], [1, 2]))
    for layer, features in backbone(image).items():
        stride = 2 ** (int(layer[5]) - 1)
        expected = tf.roll(features, [16 // stride, -16 // stride], [1, 2])
        np.testing.assert_allclose(moved[layer], expected, rtol=1e-4, atol=1e-3, err_msg=layer)


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_total_variation_over_the_edges(norm):
    image = ramp()
    around = total_variation(image, norm, wrap=True)
    np.testing.assert_allclose(total_variation(tf.roll(image, [5, 7], [1, 2]), norm, wrap=True), around, rtol=1e-5)
    assert float(around[0]) > 1.1 * float(total_variation(image, norm)[0])  # the jump counts


def test_enlarging_moves_with_the_picture_over_its_edges():
    state = {"picture": picture(32, 48, seed=1), "stack": picture(32, 48, seed=2)[tf.newaxis], "count": tf.constant(3)}

    def resize(state, size):
        big = tf.image.resize(state["picture"], size, "bicubic")
        return {**state, "picture": big, "stack": tf.image.resize(state["stack"][0], size)[tf.newaxis]}

    def enlarged(shift):
        moved = {name: tf.roll(leaf, shift, [-3, -2]) if leaf.shape.rank else leaf for name, leaf in state.items()}
        return resize_on_a_torus(moved, (32, 48), (64, 96), resize)

    plain, moved = enlarged([0, 0]), enlarged([16, 16])
    assert int(moved["count"]) == 3
    for name in ("picture", "stack"):
        assert plain[name].shape[-3:] == (64, 96, 3)
        np.testing.assert_allclose(moved[name], tf.roll(plain[name], [32, 32], [-3, -2]), atol=1e-5)


def test_no_row_of_an_enlarged_picture_is_another_one():
    """Even rows lie between two old pixels, as the edges do; their differences are those of odd ones."""
    optimization = build_stylizer(StylizeConfig(**TILEABLE)).optimization
    start = optimization.start(picture(64, 64, seed=1))
    rows = np.asarray(optimization.resize(start, (128, 128)).image[0], np.float64)
    rows = np.abs(rows - np.roll(rows, 1, 0)).mean((1, 2))
    assert rows[::2].mean() < 1.3 * rows[1::2].mean()  # noise, which is the hardest: a cubic makes it 2.1


def test_periodic_component_has_no_jump():
    image = ramp()
    found = periodic_component(image)
    assert min(jumps(image)) > 5
    assert max(jumps(found)) < 1.5
    np.testing.assert_allclose(tf.reduce_mean(found, [1, 2]), tf.reduce_mean(image, [1, 2]), atol=1e-4)
    inside = (slice(None), slice(1, -1), slice(1, -1))  # but for a slow change, inside all stays
    laplacian = [np.asarray(tf.image.sobel_edges(part)[inside]).std() for part in (image - found, image)]
    assert laplacian[0] < 0.6 * laplacian[1]


def test_what_is_periodic_stays():
    rows, columns = np.mgrid[:32, :48]
    waves = 0.5 + 0.2 * np.sin(2 * np.pi * rows / 32) * np.cos(4 * np.pi * columns / 48)
    image = tf.constant(np.repeat(waves[None, ..., None], 3, -1), tf.float32)
    jump_free = periodic_component(image)
    np.testing.assert_allclose(jump_free, image, atol=0.03)
    np.testing.assert_allclose(periodic_component(flat_picture(0.4, 32, 48)), flat_picture(0.4, 32, 48), atol=1e-5)


def test_blurs_across_the_edges():
    image = ramp(32, 48)
    expected = gaussian_filter(image, (0, 2, 2, 0), mode="wrap", truncate=6)
    np.testing.assert_allclose(periodic_blur(image, tf.constant(2.0)), expected, atol=1e-4)


def test_contents_meet_at_their_edges():
    found = on_a_torus(ramp())
    assert max(jumps(found)) < 1.0
    np.testing.assert_allclose(found[:, 16:48, 24:72], periodic_component(ramp())[:, 16:48, 24:72], atol=1e-6)


def test_detail_is_as_strong_at_the_edges_as_inside():
    """A mean of two pictures would have seven tenths of it."""
    noise = np.random.default_rng(0).normal(0.5, 0.05, (1, 256, 256, 3)).astype(np.float32)
    found = on_a_torus(noise).numpy()[0]
    inside = found[64:192, 64:192].std()
    assert found[[-2, -1, 0, 1, 2]].std() == pytest.approx(inside, rel=0.1)
    assert found[:, [-2, -1, 0, 1, 2]].std() == pytest.approx(inside, rel=0.1)


def test_sides_must_be_multiples():
    with pytest.raises(tf.errors.InvalidArgumentError, match="multiples of 16"):
        on_a_torus(picture(40, 48))


@pytest.mark.parametrize(
    ("size", "long_side", "expected"),
    [((300, 400), 200, (144, 208)), ((33, 47), 0, (32, 48)), ((512, 512), 512, (512, 512)), ((40, 40), 39, (32, 32))],
)
def test_nearest_size_that_tiles(size, long_side, expected):
    asked = images.fit_size(size, long_side)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert images.painting_size(size, long_side, multiple=16) == expected
    (height, width), sentences = expected, [str(warning.message) for warning in caught]
    assert len(sentences) == (asked != expected)
    assert all(text.startswith(f"The result is {width} x {height} pixels, not {asked[1]} x") for text in sentences)


# --- paintings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{}, {"min_size": 32, "num_steps": 8}, {"network": "arbitrary"}],
    ids=["one scale", "pyramid", "network"],
)
@pytest.mark.usefixtures("eagerly")
def test_paintings_have_no_seam(options):
    config, styles = StylizeConfig(**{**TILEABLE, **options}), [picture(64, 64, seed=3)]
    seams, plain = (
        jumps(build_stylizer(config.replace(tileable=tileable))(ramp(), styles)) for tileable in (True, False)
    )
    assert max(seams) < 2.0
    assert max(seams) < 0.7 * min(plain)


def test_in_a_graph_as_eagerly():
    stylizer = build_stylizer(StylizeConfig(**{**TILEABLE, "num_steps": 2, "min_size": 32}))
    content, style = ramp(), picture(64, 64, seed=3)
    np.testing.assert_allclose(tf.function(stylizer)(content, [style]), stylizer(content, [style]), atol=2e-3)


def test_styles_keep_their_edges():
    """Their features are those of a picture whose edges are edges."""
    plain, tileable = (
        build_stylizer(StylizeConfig(**{**TILEABLE, "tileable": tileable})).style_targets([ramp()], (64, 96))
        for tileable in (False, True)
    )
    for one, other in zip(tf.nest.flatten(plain), tf.nest.flatten(tileable), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_python_brings_it_to_the_nearest_size():
    painting = tf_style.stylize(ramp(70, 100)[0], picture(48, 48)[0], **{**TILEABLE, "num_steps": 1})
    assert painting.shape == (64, 96, 3)


@pytest.mark.parametrize("make", [lambda config: export_model(config, "unused"), lambda config: StylizeLayer(
    options={"tileable": True, "backbone": "compact_vgg19"})])  # fmt: skip
def test_where_it_cannot_be(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="leave it out") as caught:
        make(StylizeConfig(**TILEABLE))
    assert_one_sentence(str(caught.value))
    assert not list(tmp_path.iterdir())


# --- tf-style texture -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    images.write_image(tmp_path / "style.png", colorful(1, (64, 64))[0].numpy())
    return tmp_path


TEXTURE = ["--size=64", "--num_steps=20", "--first_steps=20", "--quiet", *QUICK_LAYERS]


def texture(folder, *more):
    return command.run(command.over(["texture", "--style=style.png", "--output=tile.png", *TEXTURE], more), folder)


def test_texture(folder):
    given = ["texture", "--style=style.png", *TEXTURE]
    lines = {"once": ["--output=tile.png", "--json=run.json"], "again": ["--output=again.png"],
             "another": ["--output=another.png", "--seed=1"]}  # fmt: skip
    outcomes = command.run_lines({name: [*given, *more] for name, more in lines.items()}, folder)
    assert [outcome.status for outcome in outcomes.values()] == [0, 0, 0], outcomes
    once, again, another = ((folder / f"{name}.png").read_bytes() for name in ("tile", "again", "another"))
    assert once == again
    assert once != another
    tile, style = (images.read_image(folder / f"{name}.png").pixels for name in ("tile", "style"))
    assert tile.shape == (64, 64, 3)
    assert max(jumps(tile)) < 1.5
    np.testing.assert_allclose(tile.mean((0, 1)), style.mean((0, 1)), atol=0.1)  # noise was grey
    assert tile.std() > 0.5 * style.std()


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        (["--style="], "--style"),
        (["--size=0"], "side in pixels"),
        (["--size=16"], "at least"),
        (["--preset=instant"], "instant"),
        (["--content=style.png"], "content"),
        (["--output=style.png"], "another name"),
        (["--size=4000", "--max_pixels=10000"], "max_pixels=10000"),
    ],
)
def test_textures_that_cannot_be(folder, flags, hint):
    outcome = texture(folder, *flags)
    assert_refused(outcome, hint)

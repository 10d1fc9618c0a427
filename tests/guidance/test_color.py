"""Colours kept and colours taken: the maps, and the stylizers that use them."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests import command
from tests.materials import QUICK, assert_one_sentence, assert_refused, colorful, picture
from tf_style import guidance, images
from tf_style.build import Guides, build_stylizer
from tf_style.build.guides import guide_colors
from tf_style.config import PRESERVE_COLOR, ConfigError, StylizeConfig
from tf_style.guidance import match_colors, preserve_color
from tf_style.ops.color import match_distribution, match_mean_and_covariance

MATCHES = {"linear": match_mean_and_covariance, "histogram": match_distribution}


def moments(image):
    flat = np.asarray(image, np.float64).reshape(-1, 3)
    return flat.mean(0), np.cov(flat.T, bias=True)


def sliced_distance(one, other):
    """Mean distance of sorted values along many directions: 0 for equal distributions."""
    directions = np.random.default_rng(7).normal(size=(50, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    places = np.linspace(0, 1, 200)
    one, other = (
        np.quantile(np.asarray(image).reshape(-1, 3) @ directions.T, places, axis=0) for image in (one, other)
    )
    return np.abs(one - other).mean()


@pytest.mark.parametrize("method", MATCHES)
def test_mean_and_covariance_become_those_of_the_reference(method):
    reference = colorful(2, (30, 70))
    for found, wanted in zip(moments(MATCHES[method](colorful(1), reference)), moments(reference), strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_histogram_matches_what_is_no_gaussian():
    image, reference = colorful(1), colorful(2)
    linear, histogram = (sliced_distance(match(image, reference), reference) for match in MATCHES.values())
    assert linear > 0.03
    assert histogram < linear / 4


@pytest.mark.parametrize("method", MATCHES)
def test_its_own_colors_change_nothing(method):
    image = colorful(1)
    np.testing.assert_allclose(MATCHES[method](image, image), image, atol=5e-3)


@pytest.mark.parametrize("method", MATCHES)
def test_flat_and_grey_pictures(method):
    """No colour comes out of grey, nothing infinite out of flat."""
    grey = tf.repeat(tf.reduce_mean(picture(32, 32, seed=1), axis=-1, keepdims=True), 3, axis=-1)
    flat = tf.fill([1, 32, 32, 3], 0.3)
    assert np.isfinite(MATCHES[method](flat, colorful(1))).all()
    np.testing.assert_allclose(MATCHES[method](colorful(1), flat), np.full((1, 40, 48, 3), 0.3), atol=0.01)
    found = MATCHES[method](colorful(1), grey)
    assert float(tf.reduce_max(tf.math.reduce_std(found, axis=-1))) < 0.03


@pytest.mark.parametrize("method", MATCHES)
def test_pictures_of_a_batch_do_not_meet(method):
    """But for rounding, which counts more where few colours are."""
    ours, theirs = colorful(1, batch=2), colorful(2, (30, 70), batch=2)
    both, one_for_all = match_colors(ours, theirs, method), match_colors(ours[:1], theirs, method)
    for index in range(2):
        own, other = ours[index : index + 1], theirs[index : index + 1]
        np.testing.assert_allclose(both[index], match_colors(own, other, method)[0], atol=5e-3)
        np.testing.assert_allclose(one_for_all[index], match_colors(ours[:1], other, method)[0], atol=5e-3)


@pytest.mark.parametrize("method", MATCHES)
def test_the_same_in_a_graph_of_any_size(method):
    spec = tf.TensorSpec([None, None, None, 3])
    compiled = tf.function(lambda image, reference: match_colors(image, reference, method), input_signature=[spec] * 2)
    for size in ((40, 48), (25, 30)):
        image, reference = colorful(1, size), colorful(2)
        np.testing.assert_allclose(compiled(image, reference), match_colors(image, reference, method), atol=1e-5)


def partly_hidden(seen, under, size=(40, 48)):
    """A picture [B, H, W, 3] with other colours where an alpha is 0, to its right and below."""
    wide = np.full((seen.shape[0], *size, 4), [*under, 0.0], np.float32)
    wide[:, : seen.shape[1], : seen.shape[2]] = np.concatenate([seen, np.ones_like(seen[..., :1])], -1)
    return tf.constant(wide)


@pytest.mark.parametrize("size", [(40, 48), (280, 300)])
@pytest.mark.parametrize("method", MATCHES)
def test_what_is_hidden_does_not_count(method, size):
    """A picture with hidden parts is recolored as what can be seen of it alone, and so is one by its colours."""
    height, width = size[0] - 9, size[1] - 20
    seen, reference = colorful(1, (height, width), batch=2), colorful(2, (height, width))
    wanted = match_colors(seen, reference, method)
    for under in ((0.0, 1.0, 0.0), (1.0, 0.0, 1.0)):
        ours, theirs = (partly_hidden(image.numpy(), under, size) for image in (seen, reference))
        found = match_colors(ours, theirs, method)
        np.testing.assert_array_equal(found[..., 3], ours[..., 3])
        tolerance = 1e-4 if size == (40, 48) else 0.02  # of large ones, samples
        assert np.abs(found[:, :height, :width, :3] - wanted).mean() < tolerance


def test_hidden_everywhere_is_no_nan():
    nothing = partly_hidden(np.zeros((1, 0, 0, 3), np.float32), (0.2, 0.5, 0.7))
    for method in MATCHES:
        assert np.isfinite(match_colors(nothing, colorful(1), method)).all()
        assert np.isfinite(match_colors(colorful(1), nothing, method)).all()


def test_large_pictures_are_sampled_in_all_columns():
    """Stripes in every second column; every second pixel in the order of rows would be none of them, or all."""
    image = np.full((1, 300, 300, 3), 0.2, np.float32)
    image[:, :, 1::2] = 0.8
    found = match_colors(colorful(1), tf.constant(image), "histogram").numpy()
    assert abs((found[..., 1] > 0.5).mean() - 0.5) < 0.02


def test_luminance_keeps_chrominance():
    painting, content = picture(seed=1) * 0.2 + 0.4, picture(seed=2) * 0.2 + 0.4
    kept = preserve_color(painting, content)
    np.testing.assert_allclose(tf.image.rgb_to_yiq(kept)[..., 0], tf.image.rgb_to_yiq(painting)[..., 0], atol=1e-4)
    np.testing.assert_allclose(tf.image.rgb_to_yiq(kept)[..., 1:], tf.image.rgb_to_yiq(content)[..., 1:], atol=1e-4)


def test_none_and_unknown():
    painting = picture(seed=1)
    assert preserve_color(painting, picture(seed=2), "none") is painting
    with pytest.raises(ValueError, match="luminance"):
        preserve_color(painting, painting, "hue")
    with pytest.raises(ValueError, match="linear, histogram"):
        match_colors(painting, painting, "luminance")


def test_config_and_guidance_know_the_same():
    assert guidance.PRESERVE_COLOR == PRESERVE_COLOR


# --- in stylizers -----------------------------------------------------------------------------------------------------


@functools.cache
def plain_stylizer(network=""):
    """One that leaves colours alone; it is traced once for all tests."""
    return build_stylizer(StylizeConfig(network=network, **QUICK))


@pytest.mark.parametrize("network", ["", "arbitrary"])
@pytest.mark.parametrize("method", MATCHES)
@pytest.mark.usefixtures("eagerly")
def test_before_is_painting_with_recolored_styles(network, method):
    content, style = colorful(1, (32, 48)), colorful(2, (48, 32))
    options = {**QUICK, "network": network}
    painting = build_stylizer(StylizeConfig(preserve_color=method, **options))(content, [style])
    recolored = match_colors(style, content, method)
    np.testing.assert_allclose(painting, plain_stylizer(network)(content, [recolored]), atol=1e-4)


@pytest.mark.parametrize("network", ["", "arbitrary", "many_styles"])
@pytest.mark.usefixtures("eagerly")
def test_after_gives_the_painting_the_colors(network):
    content = colorful(1, (32, 48))
    styles = ["starry_night"] if network == "many_styles" else [colorful(2)]
    stage = "auto" if network == "many_styles" else "after"
    config = StylizeConfig(preserve_color="linear", color_stage=stage, network=network, **QUICK)
    plain = plain_stylizer(network)(content, styles)
    np.testing.assert_allclose(build_stylizer(config)(content, styles), match_colors(plain, content), atol=1e-4)


@pytest.mark.parametrize("method", MATCHES)
def test_each_content_of_a_batch_gives_a_style_its_own_colors(method):
    """Styles with an alpha too."""
    guidance = guide_colors(StylizeConfig(preserve_color=method), None, before=True)
    style, contents = colorful(2), colorful(1, (32, 48), batch=2)
    found = guidance.prepare(partly_hidden(style.numpy(), (0.0, 1.0, 0.0), (60, 60)), contents)
    assert found.shape == (2, 60, 60, 4)
    for index in range(2):
        wanted = match_colors(style, contents[index : index + 1], method)
        np.testing.assert_allclose(found[index : index + 1, :40, :48, :3], wanted, atol=5e-3)


@pytest.mark.parametrize("network", ["", "arbitrary"])
@pytest.mark.usefixtures("eagerly")
def test_only_what_is_painted_counts(network):
    """Before, by the content; after, by the painting too: each of a batch by its own mask."""
    contents, style = colorful(1, (48, 64), batch=2), colorful(2)
    regions = np.zeros((2, 48, 64, 1), np.float32)
    regions[0, :, :32], regions[1, 8:40, 16:] = 1.0, 1.0
    parts = [contents[:1, :, :32], contents[1:, 8:40, 16:]]
    masks = {"regions": tf.constant(regions)}
    options = {**QUICK, "network": network, "preserve_color": "linear"}
    stylizer = build_stylizer(StylizeConfig(**options), guides=Guides(1))
    prepared = stylizer.prepared([style], contents, masks)[0]
    for index, part in enumerate(parts):
        np.testing.assert_allclose(prepared[index : index + 1], match_colors(style, part), atol=1e-4)
    stylizer = build_stylizer(StylizeConfig(**options, color_stage="after"), guides=Guides(1))
    painting = stylizer(contents, [style], masks=masks)
    for found, part in zip([painting[:1, :, :32], painting[1:, 8:40, 16:]], parts, strict=True):
        for one, other in zip(moments(found), moments(part), strict=True):
            np.testing.assert_allclose(one, other, atol=0.02)  # but for what is clipped
    np.testing.assert_array_equal(painting[0, :, 32:], contents[0, :, 32:])


@pytest.mark.usefixtures("eagerly")
def test_a_third_picture():
    content, style, colors = colorful(1, (32, 48)), colorful(2), colorful(3)
    config = StylizeConfig(preserve_color="linear", **QUICK)
    painting = build_stylizer(config, guides=Guides(colors=colors))(content, [style])
    plain = plain_stylizer()(content, [match_colors(style, colors)])
    np.testing.assert_allclose(painting, plain, atol=1e-4)


def test_in_a_graph_as_eagerly():
    content, style = colorful(1, (32, 48)), colorful(2)
    stylizer = build_stylizer(StylizeConfig(preserve_color="linear", **QUICK))
    np.testing.assert_allclose(tf.function(stylizer)(content, [style]), stylizer(content, [style]), atol=2e-3)


def test_named_styles_cannot_be_recolored():
    config = StylizeConfig(network="many_styles", preserve_color="linear", color_stage="before")
    with pytest.raises(ConfigError, match="color_stage=after") as caught:
        build_stylizer(config)
    assert_one_sentence(str(caught.value))


# --- on the command line ----------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    for name, seed in (("content", 1), ("style", 2), ("colors", 3)):
        images.write_image(tmp_path / f"{name}.png", colorful(seed)[0].numpy())
    return tmp_path


def stylize(folder, *more):
    given = [
        "--content=content.png",
        "--style=style.png",
        "--output=out.png",
        "--preset=instant",
        "--size=0",
        "--quiet",
    ]
    return command.run(["stylize", *given, *more], folder)


@pytest.mark.usefixtures("eagerly")
def test_color_from_on_the_command_line(files):
    outcome = stylize(files, "--preserve_color=linear", "--color_stage=after", "--color_from=colors.png")
    assert outcome.status == 0, outcome.stderr
    painting, wanted = (images.read_image(files / f"{name}.png").pixels for name in ("out", "colors"))
    np.testing.assert_allclose(moments(painting)[0], moments(wanted)[0], atol=0.03)


@pytest.mark.usefixtures("eagerly")
def test_hidden_colors_of_pictures_do_not_count(files):
    """Of --color_from, and of every sprite in a folder by its own colours; however small the former is."""
    stamp, alpha = colorful(3, (20, 24))[0].numpy(), np.zeros((20, 24), np.float32)
    alpha[:10] = 1.0
    rgba = images.to_uint8(np.concatenate([stamp, alpha[..., None]], -1))
    rgba[10:, :, :3] = (0, 255, 0)
    Image.fromarray(rgba).save(files / "stamp.png")
    (files / "sprites").mkdir()
    sprites = {
        name: partly_hidden(colorful(seed, (40, 48)).numpy(), (0, 1, 0), (64, 64))
        for name, seed in (("a", 5), ("b", 6))
    }
    for name, sprite in sprites.items():
        Image.fromarray(images.to_uint8(sprite[0].numpy())).save(files / "sprites" / f"{name}.png")
    base = ["stylize", "--style=style.png", "--preset=instant", "--size=0", "--quiet", "--preserve_color=linear"]
    after = [*base, "--color_stage=after"]
    outcomes = command.run_lines(
        {
            "stamp": [*after, "--content=content.png", "--color_from=stamp.png", "--output=stamped.png"],
            "folder": [*after, "--content=sprites", "--output=painted"],
        },
        files,
    )
    for name, outcome in outcomes.items():
        assert outcome.status == 0, (name, outcome.stderr)
    painting = images.read_image(files / "stamped.png").pixels
    np.testing.assert_allclose(moments(painting)[0], moments(stamp[:10])[0], atol=0.02)
    for name, sprite in sprites.items():
        found = images.read_image(files / "painted" / f"{name}.png")
        seen = found.alpha > 0
        np.testing.assert_allclose(found.pixels[seen].mean(0), sprite[0].numpy()[seen][:, :3].mean(0), atol=0.02)


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        (["--color_from=colors.png"], "--preserve_color=linear"),
        (["--color_stage=after", "--preserve_color=luminance"], "--preserve_color=linear"),
        (["--preserve_color=sepia"], "luminance, linear, histogram"),
        (["--preserve_color=linear", "--color_from=out.png", "--output=out.png"], "out.png"),
    ],
)
def test_what_cannot_be_is_one_sentence(files, flags, hint):
    outcome = stylize(files, *flags)
    assert_refused(outcome, hint)

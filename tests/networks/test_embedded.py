"""The networks in the package: small, described, and trained: they paint in the style they are given."""

import re
import zipfile

import numpy as np
import pytest
import tensorflow as tf

import tf_style
from tests import command
from tests.materials import assert_one_sentence, flat_picture, picture
from tf_style import images
from tf_style.build import build_stylizer
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.evaluation import Evaluation
from tf_style.jobs.run.inputs import read_inputs
from tf_style.networks.archive import EMBEDDED, read_card
from tf_style.presets import preset_config

STYLE_LAYERS = [f"block{block}_conv1" for block in range(1, 6)]
PICTURES = command.ROOT / "examples" / "pictures"
SIZE = 192


@pytest.fixture(scope="module")
def evaluation():
    return Evaluation(tf_style.compact_vgg19([*STYLE_LAYERS, "block4_conv2"]), STYLE_LAYERS, ["block4_conv2"])


def example(name, size=SIZE):
    """A picture of the repository, float32 [1, H, W, 3]."""
    source = images.read_image(PICTURES / f"{name}.jpg")
    return tf.constant(images.resize(source, images.fit_size(source.size, size)).pixels[None])


def paint(style, **options):
    return tf.constant(tf_style.stylize(example("lighthouse")[0], style, size=0, **options).numpy()[None])


def test_there_are_both_kinds_in_16_megabytes():
    assert {read_card(path)["kind"] for path in EMBEDDED.values()} == {"arbitrary", "many_styles"}
    assert sum(path.stat().st_size for path in EMBEDDED.values()) < 16e6


@pytest.mark.parametrize("name", EMBEDDED)
def test_card_says_how_it_was_made(name):
    """For people, beside the file; its figures are those that the file itself holds."""
    text = EMBEDDED[name].with_suffix(".md").read_text(encoding="utf-8")
    for heading in ("Data", "Training", "Measured", "Limits", "Licence"):
        assert f"\n## {heading}\n" in text
    training = read_card(EMBEDDED[name])["training"]
    assert training["steps_done"] == training["num_steps"]
    for option in ("num_steps", "crop_size", "batch_size"):
        value = training[option]
        assert f"--{option}={value}" in text or re.search(rf"\b{value:,} (steps|crops|px)", text)
    assert str(training["photos"]) in text
    assert str(training["paintings"]) in text


@pytest.mark.parametrize("name", EMBEDDED)
def test_weights_are_float16(name):
    with np.load(EMBEDDED[name]) as archive:
        assert {str(archive[member].dtype) for member in archive.files if member != "card"} == {"float16"}
    assert zipfile.ZipFile(EMBEDDED[name]).testzip() is None


@pytest.mark.usefixtures("eagerly")
def test_instant_comes_near_the_style_and_keeps_the_content(evaluation):
    photo, style = example("lighthouse"), example("starry_night")
    targets = evaluation.style_targets(style)
    painting = paint(style[0], preset="instant")
    before, after = evaluation(photo, photo, targets), evaluation(painting, photo, targets)
    assert after.style_distance[0] < 0.3 * before.style_distance[0]
    assert after.content_distance[0] < 1.0
    assert after.structural_similarity[0] > 0.15


@pytest.mark.usefixtures("eagerly")
def test_bfloat16_paints_alike():
    full, rounded = (paint(example("starry_night")[0], preset="instant", compute_dtype=dtype).numpy()
                     for dtype in ("float32", "bfloat16"))  # fmt: skip
    assert np.abs(rounded - full).mean() < 0.003
    assert np.abs(rounded - full).max() < 0.05


@pytest.mark.usefixtures("eagerly")
def test_the_seed_counts_for_strokes_only():
    """Another seed, other strokes; the same seed, the same picture; without noise, any seed gives the same."""
    content, style = picture(48, 64, seed=1)[0], example("starry_night", 64)[0]
    first, again, other, plain, also_plain = (
        tf_style.stylize(content, style, preset="instant", size=0, seed=seed, noise=noise).numpy()
        for seed, noise in ((0, 1), (0, 1), (1, 1), (0, 0), (1, 0))
    )
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(plain, also_plain)
    assert np.abs(other - first).mean() > 0.01
    assert np.abs(plain - first).mean() > 0.01


@pytest.mark.usefixtures("eagerly")
def test_named_styles_are_what_their_names_say(evaluation):
    """At least a dozen; the picture in a style that is at hand is nearer to that painting than the others are."""
    names = read_card(EMBEDDED["many_styles"])["styles"]
    assert len(set(names)) >= 12
    targets = evaluation.style_targets(example("starry_night"))
    distances = {
        name: float(evaluation(painting := paint(name, network="many_styles"), painting, targets).style_distance[0])
        for name in names
    }
    assert min(distances, key=distances.get) == "starry_night"


@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.usefixtures("eagerly")
def test_strength_goes_from_photo_to_painting(name):
    style = "starry_night" if name == "many_styles" else example("starry_night")
    strengths = tf.linspace(0.0, 1.0, 11)
    photos = tf.repeat(example("lighthouse"), len(strengths), 0)
    stylizer = build_stylizer(StylizeConfig(network=name))
    paintings = stylizer.paint(photos, stylizer.encode_styles([style], tf.shape(photos)), strengths)
    changes = np.abs(paintings - photos).mean((1, 2, 3))
    assert changes[0] < 1e-6
    assert np.diff(changes).min() > 0.0, changes
    assert changes[3] > 0.01


@pytest.mark.parametrize("preset", ["instant", "fine"])
def test_a_name_without_its_network_gets_a_hint(preset):
    files = StylizeFiles(content=str(PICTURES / "lighthouse.jpg"), style=("starry_night",), output="unwritten.png")
    with pytest.raises(ConfigError, match="--network=many_styles") as caught:
        read_inputs(preset_config(preset), files)
    assert_one_sentence(caught.value)


@pytest.mark.usefixtures("eagerly")
def test_the_photo_itself_as_style_almost_keeps_it():
    photo = example("lighthouse")
    assert np.abs(paint(photo[0], preset="instant").numpy() - photo.numpy()).mean() < 0.1


@pytest.mark.parametrize(("value", "size"), [(0.0, 200), (0.4, 64), (1.0, 256)])
def test_a_flat_picture_stays_flat_in_a_named_style(value, size):
    """As a black frame of a film: what rounding leaves is not made a pattern."""
    painting = tf_style.stylize(
        flat_picture(value, size, size)[0], "starry_night", network="many_styles", size=0
    ).numpy()
    assert np.ptp(painting, axis=(0, 1)).max() < 1e-3


def paint_flat(value, size, **options):
    """A flat picture in a painting's style, with the network for any style."""
    content, style = flat_picture(value, size, size)[0], example("starry_night")[0]
    return tf_style.stylize(
        content, style, **{"preset": "instant", "size": 0, "compute_dtype": "float32", **options}
    ).numpy()


@pytest.mark.parametrize(("value", "size"), [(0.0, 200), (0.4, 64), (1.0, 256)])
@pytest.mark.usefixtures("eagerly")
def test_a_flat_picture_stays_flat_in_any_style(value, size):
    """No frame, which an encoder that sees black beyond the edges would make; rounding is below a level of 255."""
    painting = paint_flat(value, size, noise=0)
    assert np.ptp(painting, axis=(0, 1)).max() < 1 / 255


@pytest.mark.parametrize(("value", "size"), [(0.0, 192), (0.4, 64), (1.0, 256)])
@pytest.mark.usefixtures("eagerly")
def test_a_flat_picture_gets_strokes_and_no_pattern(value, size):
    """They come from noise and not from rounding, so they are the same in another type. From afar, flat is flat."""
    plain, strokes, rounded = (
        paint_flat(value, size, noise=noise, compute_dtype=dtype)
        for noise, dtype in ((0, "float32"), (1, "float32"), (1, "bfloat16"))
    )
    assert 0.01 < strokes.std((0, 1)).max() < 0.15
    assert np.abs(rounded - strokes).mean() < 0.03
    afar = strokes.reshape(size // 32, 32, size // 32, 32, 3).mean((1, 3))
    assert np.abs(afar - plain.mean((0, 1))).max() < 0.1
    assert np.ptp(afar, axis=(0, 1)).max() < 0.1


@pytest.mark.usefixtures("eagerly")
def test_flat_pictures_and_noise_stay_finite_and_calm():
    for content in (flat_picture(0.0, 40, 48), flat_picture(1.0, 40, 48), picture(40, 48, seed=3)):
        painting = tf_style.stylize(content[0], flat_picture(0.7, 48, 40)[0], preset="instant", size=0).numpy()
        assert np.isfinite(painting).all()

"""Masks: what regions paint and what they leave, by themselves, in the engine, and from the command line."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import (
    QUICK,
    assert_one_sentence,
    colorful,
    features_of,
    picture,
    small_stylizer,
)
from tf_style import images
from tf_style.build import Guides, build_stylizer
from tf_style.config import StylizeConfig, parse_palette
from tf_style.guidance import color_difference, regional
from tf_style.losses import Objective, additive_term, content_loss, style_loss, total_variation_loss
from tf_style.ops import STATISTICS, position_weights
from tf_style.types import References, Term


def halves(height=32, width=48):
    """Masks of the left and of the right half, [1, H, W, 2]."""
    left = np.zeros((1, height, width, 1), np.float32)
    left[:, :, : width // 2] = 1.0
    return tf.constant(np.concatenate([left, 1.0 - left], -1))


def grey(mask):
    """A mask [H, W] as a picture."""
    return images.Picture(np.repeat(np.asarray(mask, np.float32)[..., None], 3, -1))


# --- positions and statistics -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(32, 40), (33, 47), (35, 63), (100, 36)])
@pytest.mark.parametrize("poolings", [0, 1, 2, 4])
def test_a_mask_is_pooled_as_features_are(size, poolings):
    mask = picture(*size)[..., :1]
    wanted = mask
    for _ in range(poolings):
        wanted = tf.nn.avg_pool2d(wanted, 2, 2, "VALID")
    features = tf.repeat(wanted, 3, axis=-1)
    np.testing.assert_allclose(position_weights(features, mask), wanted[..., 0], atol=1e-6)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_hard_mask_is_a_crop(name):
    """Statistics of half a feature map are those of the half on its own; and halves add up to the whole."""
    statistic, features = STATISTICS[name], tf.random.stateless_normal([2, 6, 8, 5], [1, 2]) + 1.0
    weights = tf.broadcast_to(tf.constant([1.0] * 4 + [0.0] * 4), [2, 6, 8])
    tf.nest.map_structure(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5),
        statistic.describe(features, weights),
        statistic.describe(features[:, :, :4]),
    )
    both = tf.nest.map_structure(tf.add, statistic.sums(features, weights), statistic.sums(features[:, :, 4:], None))
    tf.nest.map_structure(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5),
        statistic.summary(both),
        statistic.describe(features),
    )


@pytest.mark.parametrize("name", STATISTICS)
def test_an_empty_mask_is_no_nan(name):
    statistic, features = STATISTICS[name], picture(8, 8)
    with tf.GradientTape() as tape:
        tape.watch(features)
        summary = statistic.describe(features, tf.zeros([1, 8, 8]))
        loss = tf.add_n([tf.reduce_sum(leaf) for leaf in tf.nest.flatten(summary)])
    assert np.all(np.isfinite(tape.gradient(loss, features)))


# --- regional losses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statistic", STATISTICS)
def test_each_region_has_its_own_statistics(statistic, shallow):
    """The loss of two regions is that of their styles, by their share of the picture; a region sees only itself."""
    plain = style_loss(("block1_conv1",), statistic=statistic)
    objective = regional(plain, "regions", 2, by_style=True)
    styles = [features_of(shallow, picture(32, 32, seed=seed)) for seed in (1, 2)]
    image = features_of(shallow, picture(32, 48, seed=3))
    masks = tf.concat([halves()[..., :1][:, :, :48], 1.0 - halves()[..., :1]], -1)
    found = objective({**image, "regions": masks}, objective.targets(References({}, tuple(styles))))
    wanted = 0.0
    for half, style in zip((image["block1_conv1"][:, :, :24], image["block1_conv1"][:, :, 24:]), styles, strict=True):
        wanted += 0.5 * plain({"block1_conv1": half}, plain.targets(References({}, (style,))))
    np.testing.assert_allclose(found, wanted, rtol=1e-3)


def test_one_region_of_everything_changes_nothing(shallow):
    plain = style_loss(("block1_conv1", "block2_conv1")) + total_variation_loss() + content_loss(("block2_conv1",))
    objective = regional(plain, "regions", 1)
    content, style, image = (features_of(shallow, picture(32, 48, seed=seed)) for seed in (1, 2, 3))
    references = References(content, (style,))
    features = {**image, "regions": tf.ones([1, 32, 48, 1])}
    np.testing.assert_allclose(
        objective(features, objective.targets(references)), plain(image, plain.targets(references)), rtol=1e-5
    )


def test_a_term_that_is_not_made_from_sums():
    term = Term("mine", lambda references: (), lambda features, target: tf.zeros([1]))
    with pytest.raises(ValueError, match="additive_term") as caught:
        regional(Objective(((1.0, term),)), "regions", 1)
    assert_one_sentence(caught.value)


def test_an_additive_term_is_its_sums():
    term = additive_term(
        "brightness", lambda references: (), lambda features, target: tf.reduce_sum(features["image"], [1, 2, 3]),
        lambda total, target: 2.0 * total,
    )  # fmt: skip
    np.testing.assert_allclose(term.loss({"image": tf.ones([2, 3, 4, 3])}, ()), [72.0, 72.0])


# --- the engine -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("options", [{}, {"min_size": 32}, {"init": "noise", "average_decay": 0.0}])
@pytest.mark.usefixtures("eagerly")
def test_what_is_outside_stays(statistic, options):
    """To the bit, with a pyramid and from noise too; what is inside is painted."""
    content, style = picture(48, 64, seed=1), picture(40, 40, seed=2)
    regions = tf.constant(np.pad(np.ones((1, 24, 32, 1), np.float32), [[0, 0], [12, 12], [16, 16], [0, 0]]))
    config = StylizeConfig(**{**QUICK, "style_statistic": statistic, **options})
    painting = build_stylizer(config, guides=Guides(1))(content, [style], masks={"regions": regions})
    inside = regions[0, ..., 0].numpy() > 0
    difference = np.abs(painting[0] - content[0])
    assert difference[~inside].max() == 0
    assert difference[inside].mean() > 0.01


def test_each_style_goes_to_its_region():
    """Red on the left and blue on the right, from a red and a blue style."""
    shade = picture(40, 40, seed=5)[..., :1]
    red, blue = (shade * tf.constant(color, tf.float32) for color in ([1, 0, 0], [0, 0, 1]))
    content = picture(48, 64, seed=1)
    config = StylizeConfig(**{**QUICK, "num_steps": 30, "content_weight": 0.1})
    masks = {"regions": halves(48, 64)}
    stylizer = build_stylizer(config, guides=Guides(2))
    painting = stylizer(content, [red, blue], masks=masks)[0].numpy()
    left, right = painting[:, :28].mean((0, 1)), painting[:, 36:].mean((0, 1))
    assert left[0] > left[2] + 0.1
    assert right[2] > right[0] + 0.1
    swapped = stylizer(content, [blue, red], masks=masks)[0].numpy()
    assert swapped[:, :28].mean((0, 1))[2] > swapped[:, :28].mean((0, 1))[0] + 0.1


def test_in_a_graph_as_eagerly():
    content, style = picture(48, 64, seed=1), picture(40, 40, seed=2)
    masks = {"regions": halves(48, 64), "keep": picture(48, 64, seed=3)[..., :1]}
    stylizer = build_stylizer(StylizeConfig(**{**QUICK, "min_size": 32}), guides=Guides(2, keep=True))
    styles = [style, style[:, ::-1]]
    in_graph = tf.function(lambda content: stylizer(content, styles, masks=masks))(content)
    assert np.abs(in_graph - stylizer(content, styles, masks=masks)).mean() < 1e-3


def test_what_is_kept_stays_nearer_to_the_content():
    content, style = picture(64, 64, seed=1), colorful(2, (64, 64))
    masks = {"keep": halves(64, 64)[..., :1]}
    config = StylizeConfig(**{**QUICK, "num_steps": 30, "total_variation_weight": 0.0})
    kept = build_stylizer(config, guides=Guides(keep=True))(content, [style], masks=masks)
    plain = build_stylizer(config)(content, [style])
    changed = [np.abs(image - content)[0, :, :32].mean() for image in (kept, plain)]
    assert changed[0] < 0.8 * changed[1]


@pytest.mark.usefixtures("eagerly")
def test_transparent_parts_of_a_style_do_not_count():
    """Whatever the colours under the transparency are, the targets are those of what can be seen."""
    style = picture(64, 64, seed=2).numpy()
    seen = np.zeros((1, 64, 64, 1), np.float32)
    seen[:, :, :48] = 1.0
    content, config = picture(48, 48, seed=1), StylizeConfig(**{**QUICK, "style_statistic": "wasserstein"})
    stylizer = build_stylizer(config)
    targets = [
        stylizer.style_targets([tf.constant(np.concatenate([np.where(seen > 0, style, under), seen], -1))], (64, 64))
        for under in (0.0, 1.0)
    ]
    alone = stylizer.style_targets([tf.constant(style[:, :, :48])], (64, 64))
    for found in targets:
        mean, wanted = (target["style"]["block1_conv1"]["mean"] for target in (found, alone))
        assert np.abs(mean - wanted).mean() < 0.1 * np.abs(wanted).mean()  # the last column sees what is beyond
    assert stylizer(content, [tf.constant(np.concatenate([style, seen], -1))]).shape == content.shape


@pytest.mark.parametrize("network", ["arbitrary", "many_styles"])
@pytest.mark.usefixtures("eagerly")
def test_networks(network):
    content = picture(64, 96, seed=1)
    styles = [picture(48, 48, seed=2), picture(48, 48, seed=3)] if network == "arbitrary" else ["great_wave", "senecio"]
    stylizer = build_stylizer(StylizeConfig(network=network), guides=Guides(2))
    masks = halves(64, 96) * tf.constant([1.0, 0.0])
    painting = stylizer(content, styles, masks={"regions": masks})
    np.testing.assert_array_equal(painting[:, :, 48:], content[:, :, 48:])
    np.testing.assert_allclose(painting[:, :, :48], stylizer(content, styles[:1])[:, :, :48], atol=1e-6)
    kept = stylizer(content, styles[:1], masks={"keep": tf.ones([1, 64, 96, 1])})
    plain = stylizer(content, styles[:1])
    changes = [tf.image.image_gradients(image)[0] - tf.image.image_gradients(content)[0] for image in (kept, plain)]
    assert np.abs(changes[0]).mean() < 0.7 * np.abs(changes[1]).mean()


@pytest.mark.usefixtures("eagerly")
def test_the_picture_so_far_at_a_coarse_scale():
    """It has the result's size, is the content outside the regions, to the bit, and keeps to its palette inside."""
    content, style = picture(96, 128, seed=1), picture(40, 40, seed=2)
    regions = np.zeros((1, 96, 128, 1), np.float32)
    regions[:, 30:70, 20:90] = 1.0
    options = {**QUICK, "min_size": 48, "palette": ("#0b3954", "#bfd7ea")}
    stylizer = build_stylizer(StylizeConfig(**options), guides=Guides(1))
    progress = next(stylizer.run(content, [style], masks={"regions": regions}))
    assert progress.size < (96, 128)
    found = stylizer.picture_at_full_size(progress.state, content, {"regions": regions})
    inside = regions[0, ..., 0] > 0
    np.testing.assert_array_equal(found[0][~inside], content[0][~inside])
    colors = np.array(parse_palette(("#0b3954", "#bfd7ea")))[:, None]
    assert np.min(color_difference(colors, found[0].numpy()[inside]), axis=0).max() < 5.5


def test_masks_cost_no_trace():
    stylizer = small_stylizer(lambda image: {"block1_conv1": image, "block2_conv1": image}, num_steps=2)
    for seed, size in ((1, (32, 40)), (2, (48, 36))):
        masks = {"regions": picture(*size, seed=seed + 5)[..., :1]}
        stylizer(picture(*size, seed=seed), [picture(32, 32, seed=9)], masks=masks)
    assert stylizer.optimization.num_traces == 1

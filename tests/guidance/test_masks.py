"""Masks: what regions paint and what they leave, by themselves, in the engine, and from the command line."""

import numpy as np
import pytest
import tensorflow as tf

import tf_style
from tests import command
from tests.materials import assert_one_sentence, assert_refused, colorful, features_of, picture, small_stylizer
from tf_style import images
from tf_style.build import Guides, build_stylizer
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles, parse_palette
from tf_style.guidance import color_difference, regional
from tf_style.jobs.run.checkpoint import fingerprint
from tf_style.jobs.run.inputs import Inputs, read_inputs
from tf_style.losses import Objective, additive_term, content_loss, style_loss, total_variation_loss
from tf_style.ops import STATISTICS, position_weights
from tf_style.types import References, Term

QUICK = {"backbone": "compact_vgg19", "num_steps": 4, "first_steps": 0, "min_size": 0, "size": 0}


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
    painting = build_stylizer(config, guides=Guides(2))(content, [red, blue], masks=masks)[0].numpy()
    left, right = painting[:, :28].mean((0, 1)), painting[:, 36:].mean((0, 1))
    assert left[0] > left[2] + 0.1
    assert right[2] > right[0] + 0.1
    swapped = build_stylizer(config, guides=Guides(2))(content, [blue, red], masks=masks)[0].numpy()
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


def test_transparent_parts_of_a_style_do_not_count():
    """Whatever the colours under the transparency are, the targets are those of what can be seen."""
    style = picture(64, 64, seed=2).numpy()
    seen = np.zeros((1, 64, 64, 1), np.float32)
    seen[:, :, :48] = 1.0
    content, config = picture(48, 48, seed=1), StylizeConfig(**{**QUICK, "style_layers": ("block1_conv1",)})
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


# --- masks from pictures ----------------------------------------------------------------------------------------------


def test_soft_edges_lie_inside():
    content = grey(np.ones((40, 60)))
    mask = np.zeros((40, 60), np.float32)
    mask[10:30, 20:50] = 1.0
    soft = images.make_masks(content, content_mask=mask, feather=0.1).regions[..., 0]
    assert soft[mask == 0].max() == 0
    assert soft[20, 35] == 1
    assert 0 < soft[10, 35] < soft[12, 35] < 1
    hard = images.make_masks(content, content_mask=mask).regions[..., 0]
    np.testing.assert_array_equal(hard, mask)


@pytest.mark.parametrize("thickness", [1, 2, 4, 9, 60])
def test_every_part_reaches_full_strength(thickness):
    """A thin line beside a wide area, both in one mask; outside nothing, and edges inside are soft."""
    mask = np.zeros((512, 512), np.float32)
    mask[100 : 100 + thickness, 40:400], mask[250:450, 60:300] = 1.0, 1.0
    soft = images.make_masks(grey(mask), content_mask=mask, feather=0.02).regions[..., 0]
    assert soft[mask == 0].max() == 0
    assert soft[100 : 100 + thickness, 200].max() == 1
    assert soft[350, 200] == 1
    assert soft[250, 200] < 0.2
    two = images.make_masks(grey(mask), style_masks=[mask, 1.0 - mask], feather=0.02).regions
    np.testing.assert_allclose(two.sum(-1), 1.0, atol=1e-5)
    assert two[100 : 100 + thickness, 200, 0].max() > 0.9


def test_faint_masks_are_refused():
    """As programs for segmentation write them, with 0 and 1 of 255; and lines that a small size leaves nothing of."""
    labels = np.zeros((512, 512), np.float32)
    labels[100:300] = 1 / 255
    with pytest.raises(images.ImageError, match="brightest pixel of it is 1 of 255") as caught:
        images.resize_mask("content_mask", "it", grey(labels), (512, 512))
    assert_one_sentence(caught.value)
    line = np.zeros((512, 512), np.float32)
    line[100] = 1.0
    with pytest.raises(images.ImageError, match="so thin that at 32 x 32 pixels") as caught:
        images.resize_mask("content_mask", "it", grey(line), (32, 32))
    assert_one_sentence(caught.value)
    assert images.resize_mask("content_mask", "it", grey(60 * labels), (512, 512)).max() > 0.2


def test_messages_name_what_came():
    mask, alpha = np.zeros((2, 40, 60), np.float32)
    mask[:10], alpha[20:] = 1.0, 1.0
    content = images.Picture(np.ones((40, 60, 3), np.float32), alpha)
    with pytest.raises(images.ImageError, match="^content_mask and what is opaque in the content have next") as caught:
        images.make_masks(content, content_mask=mask)
    assert_one_sentence(caught.value)
    faint = np.pad(np.full((20, 40), 0.05, np.float32), 1)
    faint[1, 1] = 0.15
    with pytest.raises(images.ImageError, match="^content_mask selects next to nothing") as caught:
        images.make_masks(grey(faint), content_mask=faint, feather=0.2)
    assert_one_sentence(caught.value)
    with pytest.raises(ConfigError, match="feather must be 0 to 0.5") as caught:
        StylizeFiles(content="a.png", style=("b.png",), output="c.png", feather=2)
    assert_one_sentence(caught.value)


def test_two_styles_meet_softly_and_fill_the_picture():
    left = np.zeros((40, 60), np.float32)
    left[:, :30] = 1.0
    regions = images.make_masks(grey(np.ones((40, 60))), style_masks=[left, 1.0 - left], feather=0.1).regions
    np.testing.assert_allclose(regions.sum(-1), 1.0, atol=1e-6)
    assert 0.1 < regions[20, 30, 0] < 0.9
    assert regions[20, 5, 0] > 0.99


def test_style_masks_within_the_content_mask():
    left, top = np.zeros((2, 40, 60), np.float32)
    left[:, :30], top[:20] = 1.0, 1.0
    regions = images.make_masks(grey(np.ones((40, 60))), content_mask=top, style_masks=[left, 1.0 - left]).regions
    np.testing.assert_array_equal(regions.sum(-1), top)


def test_an_alpha_counts_in_a_mask():
    alpha = np.zeros((40, 60), np.float32)
    alpha[:, :30] = 1.0
    mask = images.Picture(np.ones((40, 60, 3), np.float32), alpha)
    np.testing.assert_array_equal(images.resize_mask("content_mask", "it", mask, (40, 60)), alpha)


@pytest.mark.parametrize("size", [(20, 30), (200, 300), (41, 60)])
def test_masks_of_any_size(size):
    assert images.resize_mask("content_mask", "it", grey(np.ones(size)), (40, 60)).shape == (40, 60)


def test_python_takes_arrays():
    content, style = picture(48, 64, seed=1)[0].numpy(), picture(40, 40, seed=2)[0].numpy()
    mask = np.zeros((24, 32), np.uint8)
    mask[:, 16:] = 255
    painting = tf_style.stylize(content, style, content_mask=mask, **QUICK).numpy()
    np.testing.assert_array_equal(painting[:, :28], content[:, :28])
    assert np.abs(painting - content)[:, 40:].mean() > 0.01
    two = tf_style.stylize(content, [style, style[::-1]], style_masks=[mask, 255 - mask], keep_mask=mask, **QUICK)
    assert two.shape == (48, 64, 3)
    found = tf_style.stylize(content, style, content_mask=mask > 0, **QUICK).numpy()
    np.testing.assert_array_equal(found, painting)
    with pytest.raises(images.ImageError, match="1 masks came in style_masks for 2 styles"):
        tf_style.stylize(content, [style, style], style_masks=[mask], **QUICK)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"content_mask": True, "tileable": True}, "leave out tileable or the masks"),
        ({"style_masks": True, "style_blend": (1, 2)}, "leave one of them out"),
        ({"keep_weight": 3.0}, "give keep_mask too"),
        ({"palette_difference": 3.0}, "give palette too"),
        ({"tile_steps": 3, "tileable": True}, "leave tile_steps or tileable out"),
        ({"tile_size": 64, "network": "arbitrary"}, "leave it out"),
    ],
)
def test_python_refuses_what_would_be_left_undone(options, hint):
    mask = np.ones((48, 64), bool)
    given = {"content_mask": mask, "style_masks": [mask, mask]}
    options = {name: given.get(name, value) for name, value in options.items()}
    content, style = picture(48, 64, seed=1)[0].numpy(), picture(40, 40, seed=2)[0].numpy()
    with pytest.raises(ConfigError, match=hint) as caught:
        tf_style.stylize(content, [style, style] if "style_masks" in options else style, **options)
    assert_one_sentence(caught.value)


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("masks")
    for name, size, seed in (("content", (48, 64), 1), ("style", (40, 40), 2), ("other", (40, 40), 3)):
        images.write_image(place / f"{name}.png", picture(*size, seed=seed)[0].numpy())
    mask = np.zeros((96, 128, 3), np.float32)
    images.write_image(place / "black.png", mask)
    mask[:, 64:] = 1.0
    images.write_image(place / "right.png", mask)
    images.write_image(place / "left.png", 1.0 - mask)
    images.write_image(place / "faint.png", mask / 255)
    images.write_image(place / "square.png", np.ones((64, 64, 3), np.float32))
    (place / "empty.png").write_bytes(b"")
    (place / "photos").mkdir()
    images.write_image(place / "photos" / "one.png", picture(48, 64, seed=1)[0].numpy())
    return place


BASE = ["stylize", "--content=content.png", "--style=style.png", *command.SHORT, "--size=0", "--quiet"]

RUNS = {
    "content_mask": ["--content_mask=right.png", "--output=masked.png", "--json=run.json"],
    "two": ["--style=style.png,other.png", "--style_masks=left.png,right.png", "--output=two.png"],
    "keep": ["--keep_mask=left.png", "--keep_weight=3", "--output=keep.png", "--json=keep.json"],
    "network": ["--preset=instant", "--content_mask=right.png", "--output=network.png"],
}
REFUSED = {
    "black": (["--content_mask=black.png"], "all black"),
    "empty": (["--content_mask=empty.png"], "empty"),
    "missing": (["--keep_mask=nowhere.png"], "nowhere.png"),
    "aspect": (["--content_mask=square.png"], "64 x 64"),
    "count": (["--style_masks=left.png,right.png"], "2 masks came in style_masks for 1 styles"),
    "nothing in common": (["--content_mask=left.png", "--style_masks=right.png"], "next to no pixel in common"),
    "blend": (
        ["--style=style.png,other.png", "--style_masks=left.png,right.png", "--style_blend=1,2"], "style_blend",
    ),
    "tileable": (["--content_mask=left.png", "--tileable"], "tileable"),
    "keep weight without": (["--keep_weight=3"], "give keep_mask too"),
    "difference without": (["--palette_difference=3"], "give palette too"),
    "tiles of a tileable": (["--tile_size=64", "--tileable"], "leave tile_size or tileable out"),
    "faint": (["--content_mask=faint.png"], "brightest pixel of 'faint.png' is 1 of 255"),
    "wide feather": (["--content_mask=left.png", "--feather=0.6"], "0 to 0.5"),
    "feather without": (["--feather=0.1"], "--content_mask"),
    "a folder": (["--content=photos", "--content_mask=left.png", "--output=paintings"], "--content_mask"),
    "over a mask": (["--content_mask=left.png", "--output=left.png"], "another name"),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(folder):
    lines = {name: [*BASE, *more] for name, more in RUNS.items()}
    lines["network"] = [argument for argument in BASE if argument not in command.SHORT] + RUNS["network"]
    lines |= {name: [*BASE, "--output=refused.png", *more] for name, (more, _) in REFUSED.items()}
    return command.run_lines(lines, folder)


@pytest.mark.parametrize("name", RUNS)
def test_runs(name, outcomes, folder):
    assert outcomes[name].status == 0, outcomes[name].stderr
    if name in ("content_mask", "network"):
        content = images.to_uint8(images.read_image(folder / "content.png").pixels)
        result = images.to_uint8(
            images.read_image(folder / ("masked.png" if name == "content_mask" else "network.png")).pixels
        )
        np.testing.assert_array_equal(result[:, :32], content[:, :32])  # the bytes outside the mask
        assert (result[:, 36:] != content[:, 36:]).mean() > 0.5
    if name == "keep":
        assert "keep" in (folder / "keep.json").read_text()


def test_what_is_written_early_keeps_what_is_outside(folder):
    """As `--save_every` and Ctrl-C write it at the coarsest scale."""
    from tf_style.jobs.picture.session import Session

    config = StylizeConfig(**{**QUICK, "size": 128, "min_size": 48})
    names = {"content": "content.png", "content_mask": "right.png", "output": "early.png"}
    files = StylizeFiles(
        **{name: str(folder / path) for name, path in names.items()}, style=(str(folder / "style.png"),)
    )
    inputs = read_inputs(config, files)
    session = Session(config, files, inputs)
    next(iter(session.steps()))
    assert session.progress.size < (96, 128)
    session.write_picture()
    found = images.to_uint8(images.read_image(folder / "early.png").pixels)
    np.testing.assert_array_equal(found[:, :64], images.to_uint8(inputs.content.pixels)[:, :64])
    assert (found[:, 70:] != images.to_uint8(inputs.content.pixels)[:, 70:]).mean() > 0.5


def test_a_mask_of_another_kind_is_another_run():
    """Though all its values are the same."""
    content, mask = grey(np.ones((40, 60))), np.ones((40, 60, 1), np.float32)
    kinds = [images.Masks(mask, None), images.Masks(None, mask)]
    found = [fingerprint({}, Inputs(content, (content,), masks=masks).all_pixels()) for masks in kinds]
    found.append(fingerprint({}, Inputs(content, (content,), colors=content).all_pixels()))
    found.append(fingerprint({}, Inputs(content, (content, content)).all_pixels()))
    assert len(set(found)) == 4


@pytest.mark.parametrize("name", REFUSED)
def test_bad_masks(name, outcomes, folder):
    outcome = outcomes[name]
    assert_refused(outcome, REFUSED[name][1])
    assert not (folder / "refused.png").exists()

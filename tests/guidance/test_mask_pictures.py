"""Masks from pictures: how they are read, from Python and from the command line, and what is refused."""

import numpy as np
import pytest

import tf_style
from tests import command
from tests.materials import QUICK, assert_one_sentence, assert_refused, picture
from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.run.checkpoint import fingerprint
from tf_style.jobs.run.inputs import Inputs, read_inputs


def grey(mask):
    """A mask [H, W] as a picture."""
    return images.Picture(np.repeat(np.asarray(mask, np.float32)[..., None], 3, -1))


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
    with pytest.raises(images.ImageError, match="so thin that .* at 32 x 32 pixels") as caught:
        images.resize_mask("content_mask", "it", grey(line), (32, 32))
    assert_one_sentence(caught.value)
    assert images.resize_mask("content_mask", "it", grey(60 * labels), (512, 512)).max() > 0.2


def test_messages_name_what_came():
    mask, alpha = np.zeros((2, 40, 60), np.float32)
    mask[:10], alpha[20:] = 1.0, 1.0
    content = images.Picture(np.ones((40, 60, 3), np.float32), alpha)
    with pytest.raises(images.ImageError, match="^content_mask and the content.s opaque part have next") as caught:
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


@pytest.mark.usefixtures("eagerly")
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
    with pytest.raises(images.ImageError, match="style_masks has 1 masks for 2 styles"):
        tf_style.stylize(content, [style, style], style_masks=[mask], **QUICK)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"content_mask": True, "tileable": True}, "leave out tileable or the masks"),
        ({"style_masks": True, "style_blend": (1, 2)}, "leave one of them out"),
        ({"keep_weight": 3.0}, "give keep_mask as well"),
        ({"palette_difference": 3.0}, "give palette as well"),
        ({"tile_steps": 3, "tileable": True}, "leave tile_steps or tileable out"),
        ({"tile_size": 64}, "whole pictures; leave it out"),
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
    "count": (["--style_masks=left.png,right.png"], "style_masks has 2 masks for 1 styles"),
    "nothing in common": (["--content_mask=left.png", "--style_masks=right.png"], "next to no pixel in common"),
    "blend": (
        ["--style=style.png,other.png", "--style_masks=left.png,right.png", "--style_blend=1,2"], "style_blend",
    ),
    "tileable": (["--content_mask=left.png", "--tileable"], "tileable"),
    "keep weight without": (["--keep_weight=3"], "give keep_mask as well"),
    "difference without": (["--palette_difference=3"], "give palette as well"),
    "tiles of a tileable": (["--tile_size=64", "--tileable"], "leave tile_size or tileable out"),
    "faint": (["--content_mask=faint.png"], "brightest pixel of 'faint.png' is 1 of 255"),
    "wide feather": (["--content_mask=left.png", "--feather=0.6"], "0 to 0.5"),
    "feather without": (["--feather=0.1"], "--content_mask"),
    "a folder": (["--content=photos", "--content_mask=left.png", "--output=paintings"], "--content_mask"),
    "over a mask": (["--content_mask=left.png", "--output=left.png"], "another name"),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(folder):
    lines = {name: command.over(BASE, more) for name, more in RUNS.items()}
    lines["network"] = [argument for argument in BASE if argument not in command.SHORT] + RUNS["network"]
    lines |= {name: command.over([*BASE, "--output=refused.png"], more) for name, (more, _) in REFUSED.items()}
    with command.eagerly():
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


@pytest.mark.usefixtures("eagerly")
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


def test_a_coloured_mask_is_mentioned(tmp_path):
    colors = np.zeros((40, 56, 3), np.float32)
    colors[:, 20:] = (1.0, 0.2, 0.2)
    images.write_image(tmp_path / "red.png", colors)
    with pytest.warns(
        images.PictureWarning, match=r"content_mask: .*red.png' has colours; only its lightness counts\.$"
    ):
        mask = images.read_mask("content_mask", tmp_path / "red.png", (40, 56), max_pixels=10**6)
    np.testing.assert_allclose(mask[:, 30], 0.2126 + 0.2 * (0.7152 + 0.0722), atol=0.01)

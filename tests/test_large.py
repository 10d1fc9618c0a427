"""Large pictures from files to a file: as whole ones, with what a file carries, stopped and gone on with, refused."""

import json
import shutil
import signal
import time

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from tests import command
from tests.materials import assert_one_sentence, assert_refused, colorful, picture
from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.images.planes import Plane
from tf_style.images.profiles import srgb_profile
from tf_style.images.streams import Original, check_streamed_output, decode_to_plane, encode_plane, read_source
from tf_style.runners import large_inputs
from tf_style.runners import large_masks as large_masks_module
from tf_style.runners.inputs import read_masks
from tf_style.runners.large_inputs import LargeInputs, disk_bytes, large_size, read_large_inputs
from tf_style.runners.large_masks import write_masks
from tf_style.runners.large_work import WorkFolder
from tf_style.runners.tiled_scale import Count

SIZE = (96, 144)


def _tags(profile):
    places = [132 + 12 * index for index in range(int.from_bytes(profile[128:132], "big"))]
    return {bytes(profile[place : place + 4]): place for place in places}


def swapped_profile():
    """A profile of an RGB space far from sRGB: its red and blue change places."""
    profile = bytearray(srgb_profile())
    red, blue = (_tags(profile)[name] for name in (b"rXYZ", b"bXYZ"))
    profile[red + 4 : red + 12], profile[blue + 4 : blue + 12] = (
        profile[blue + 4 : blue + 12], profile[red + 4 : red + 12],
    )  # fmt: skip
    return bytes(profile)


def wide_profile():
    """A profile with colours that sRGB does not have: the primaries of Adobe RGB (1998)."""
    profile = bytearray(srgb_profile())
    for name, color in {b"rXYZ": (0.60974, 0.31111, 0.01947), b"gXYZ": (0.20528, 0.62567, 0.06087),
                        b"bXYZ": (0.14919, 0.06322, 0.74457)}.items():  # fmt: skip
        place = int.from_bytes(profile[_tags(profile)[name] + 4 :][:4], "big") + 8
        profile[place : place + 12] = b"".join(round(value * 65536).to_bytes(4, "big") for value in color)
    return bytes(profile)


# --- streams ----------------------------------------------------------------------------------------------------------


def decoded(path, size, folder):
    plane = Plane(folder / "plane.f32", size)
    source = decode_to_plane(path, plane)
    return plane.read(0, 0, *size), source


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp", "a.jpg"])
@pytest.mark.parametrize("bits", [8, 16])
def test_what_is_written_is_read_alike(tmp_path, name, bits):
    if bits == 16 and name in ("a.webp", "a.jpg"):
        pytest.skip("the format holds 8 bits only")
    pixels = picture(*SIZE, seed=1)[0].numpy()
    levels = Plane(tmp_path / "levels.raw", SIZE, 3, f"uint{bits}").create()
    levels.write(0, 0, images.to_uint8(pixels) if bits == 8 else images.to_uint16(pixels))
    encode_plane(tmp_path / name, levels, dpi=(300, 300))
    ours = images.read_image(tmp_path / name)
    streamed, source = decoded(tmp_path / name, SIZE, tmp_path)
    tolerance = 0.1 if name == "a.jpg" else 0.3 if name == "a.webp" else 0.51 / (2**bits - 1)
    np.testing.assert_allclose(ours.pixels, pixels, atol=tolerance)
    np.testing.assert_allclose(streamed, ours.pixels, atol=2 / 255 if name in ("a.jpg", "a.webp") else 1e-6)
    assert source.bit_depth == ours.bit_depth == bits
    assert source.profile is None
    if name != "a.webp":
        assert source.dpi == pytest.approx((300, 300), abs=0.1)
        with Image.open(tmp_path / name) as image:
            assert image.info["icc_profile"] == srgb_profile()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "levels.raw", "plane.f32"])


def test_alpha_and_what_is_hidden(tmp_path):
    alpha = np.zeros(SIZE, np.float32)
    alpha[:, :72] = 1.0
    pixels = np.where(alpha[..., None] > 0, np.float32(0.25), np.float32(1.0))
    images.write_image(tmp_path / "a.png", np.broadcast_to(pixels, (*SIZE, 3)), alpha=alpha)
    plane, opacity = Plane(tmp_path / "p.f32", (48, 72)), Plane(tmp_path / "a.f32", (48, 72), 1)
    assert decode_to_plane(tmp_path / "a.png", plane, opacity).has_alpha
    np.testing.assert_allclose(plane.read(0, 0, 48, 72), 64 / 255, atol=0.01)
    assert opacity.read(0, 0, 48, 30).min() == 1.0
    assert opacity.read(0, 40, 48, 72).max() < 0.01


def test_grey_and_palette(tmp_path):
    rgb = Image.fromarray(images.to_uint8(picture(*SIZE, seed=1)[0].numpy()))
    rgb.convert("L").save(tmp_path / "grey.png")
    rgb.convert("P").save(tmp_path / "palette.png")
    for name in ("grey.png", "palette.png"):
        wanted = images.read_image(tmp_path / name)
        found, _ = decoded(tmp_path / name, wanted.size, tmp_path)
        np.testing.assert_allclose(found, wanted.pixels, atol=0.03)


@pytest.mark.parametrize("kind", ["jpg", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned(tmp_path, orientation, kind):
    """Pictures with more rows than libvips keeps at hand."""
    rows, columns = np.mgrid[:900, :600]
    levels = np.stack([rows / 900, columns / 600, (rows > columns) * 0.5], -1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(images.to_uint8(levels)).save(tmp_path / f"a.{kind}", exif=exif, quality=95, subsampling=0)
    wanted = images.read_image(tmp_path / f"a.{kind}")
    assert wanted.size == ((900, 600) if orientation < 5 else (600, 900))
    found, _ = decoded(tmp_path / f"a.{kind}", wanted.size, tmp_path)
    np.testing.assert_allclose(found, wanted.pixels, atol=0.03)


def test_resolution_is_not_invented(tmp_path):
    for name in ("a.png", "a.jpg", "a.tif", "a.webp"):
        Image.new("RGB", (40, 30)).save(tmp_path / name)
        assert read_source(tmp_path / name).dpi is None, name


@pytest.mark.parametrize("size", [(48, 72), (96, 144), (250, 375)])
def test_alpha_has_no_rings(tmp_path, size):
    """A disc, reduced and enlarged, stays opaque within and ends where it ends."""
    rows, columns = np.mgrid[:96, :144]
    alpha = (np.hypot(rows - 48, columns - 72) < 36).astype(np.float32)
    images.write_image(tmp_path / "a.png", picture(*SIZE, seed=1)[0].numpy(), alpha=alpha)
    plane, opacity = Plane(tmp_path / "p.f32", size), Plane(tmp_path / "a.f32", size, 1)
    decode_to_plane(tmp_path / "a.png", plane, opacity)
    rows, columns = np.mgrid[: size[0], : size[1]]
    ratio = size[0] / 96
    distance = np.hypot((rows + 0.5) / ratio - 48.5, (columns + 0.5) / ratio - 72.5)
    found, slack = opacity.read(0, 0, *size)[..., 0], max(1.5, 1.5 / ratio)
    assert found[distance < 36 - slack].min() > 0.999
    assert found[distance > 36 + slack].max() < 0.001


def test_levels_outside_a_mask_are_the_files_own(tmp_path):
    """A picture with a wide profile: a way to sRGB and back would cut its colours."""
    levels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    Image.fromarray(levels).save(tmp_path / "own.png", icc_profile=wide_profile())
    found, source = decoded(tmp_path / "own.png", SIZE, tmp_path)
    plane = Plane(tmp_path / "levels.raw", SIZE, 3, "uint8").create()
    plane.write(0, 0, images.to_uint8(found))
    masks = [Plane(tmp_path / f"{index}.f32", SIZE, 1).create() for index in (0, 1)]
    for index, mask in enumerate(masks):
        mask.write(0, 60 + 30 * index, np.full((96, 30, 1), 0.5, np.float32))
    encode_plane(tmp_path / "a.png", plane, profile=source.profile)
    encode_plane(tmp_path / "b.png", plane, profile=source.profile, original=Original(tmp_path / "own.png", (*masks,)))
    there_and_back, kept = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    assert (there_and_back != levels).mean() > 0.1
    np.testing.assert_array_equal(kept[:, 60:120], there_and_back[:, 60:120])
    np.testing.assert_array_equal(np.delete(kept, slice(60, 120), 1), np.delete(levels, slice(60, 120), 1))


def test_profiles_are_used_and_kept(tmp_path):
    """Colours come in through the profile and leave through it; sRGB by another name changes nothing, to the byte."""
    levels = images.to_uint8(colorful(1, SIZE)[0].numpy())
    Image.fromarray(levels).save(tmp_path / "own.png", icc_profile=swapped_profile())
    found, source = decoded(tmp_path / "own.png", SIZE, tmp_path)
    assert source.profile == swapped_profile()
    np.testing.assert_allclose(found, images.read_image(tmp_path / "own.png").pixels, atol=0.02)
    assert np.abs(found - levels / 255).mean() > 0.05
    plane = Plane(tmp_path / "levels.raw", SIZE, 3, "uint8").create()
    plane.write(0, 0, images.to_uint8(found))
    encode_plane(tmp_path / "back.tif", plane, profile=source.profile)
    with Image.open(tmp_path / "back.tif") as image:
        assert image.info["icc_profile"] == swapped_profile()
        assert np.abs(np.asarray(image, int) - levels).mean() < 3
    Image.fromarray(levels).save(tmp_path / "srgb.png", icc_profile=ImageCms.ImageCmsProfile(
        ImageCms.createProfile("sRGB")).tobytes())  # fmt: skip
    found, source = decoded(tmp_path / "srgb.png", SIZE, tmp_path)
    assert source.profile is None
    np.testing.assert_array_equal(images.to_uint8(found), levels)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_cut_short(tmp_path, name):
    images.write_image(tmp_path / name, picture(300, 300, seed=1)[0].numpy())
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(images.ImageError, match="cut short") as caught:
        decoded(tmp_path / name, (300, 300), tmp_path)
    assert_one_sentence(caught.value)


def test_kinds_that_are_read_whole_are_painted_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = images.to_uint8(picture(*SIZE, seed=1)[0].numpy())
    for name in ("a.bmp", "a.tga", "a.png"):
        images.write_image(name, pixels / np.float32(255))
    tifffile.imwrite("float.tif", (pixels / 255).astype(np.float32), photometric="rgb")
    Image.fromarray(pixels).convert("CMYK").save("cmyk.jpg")
    config = StylizeConfig(size=0, tile_size=48)
    large = {name: large_size(config, StylizeFiles(name, ("s.png",), "o.png")) is not None
             for name in ("a.bmp", "a.tga", "a.png", "float.tif", "cmyk.jpg")}  # fmt: skip
    assert large == {"a.bmp": False, "a.tga": False, "a.png": True, "float.tif": False, "cmyk.jpg": False}


def test_damaged(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    with pytest.raises(images.ImageError, match="cannot be read piece by piece") as caught:
        read_source(tmp_path / "a.png")
    assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    ("name", "size", "bits", "words"),
    [
        ("a.bmp", (64, 64), 8, "piece by piece"),
        ("a.tga", (64, 64), 8, "piece by piece"),
        ("a.jpg", (64, 64), 16, "16 bits"),
        ("a.webp", (64, 20000), 8, "16383"),
    ],
)
def test_outputs_that_cannot_be(name, size, bits, words):
    with pytest.raises(images.ImageError, match=words) as caught:
        check_streamed_output(name, size, bits)
    assert_one_sentence(caught.value)


# --- masks ------------------------------------------------------------------------------------------------------------


def large_masks(tmp_path, monkeypatch, size=(300, 400), **given):
    """What `write_masks` makes, and what the same files give a picture that is painted whole."""
    content = tmp_path / "content.png"
    if not content.exists():
        images.write_image(content, np.full((*size, 3), 0.5, np.float32))
    monkeypatch.setattr(large_masks_module, "_SOFT_SIDE", 200)
    files = StylizeFiles(str(content), ("style.png",), "out.png", **given)
    colors, alpha = Plane(tmp_path / "content.f32", size), Plane(tmp_path / "alpha.f32", size, 1)
    source = decode_to_plane(content, colors, alpha)
    inputs = LargeInputs(content, size, ())
    found, guides = write_masks(files, inputs, alpha if source.has_alpha else None, tmp_path)
    wanted = read_masks(images.read_image(content), files)
    return {name: stacked.read(0, 0, *size) for name, stacked in found.full().items()}, wanted, guides


def disc(path, center, radius, size=(300, 400)):
    rows, columns = np.mgrid[: size[0], : size[1]]
    inside = np.hypot(rows - center[0] * size[0], columns - center[1] * size[1]) < radius * size[0]
    images.write_image(path, np.repeat(inside[..., None], 3, -1).astype(np.float32))
    return str(path)


@pytest.mark.parametrize("feather", [0.0, 0.05])
@pytest.mark.parametrize("styles", [0, 1, 2])
def test_masks_by_strips_are_those_of_whole_pictures(tmp_path, monkeypatch, feather, styles):
    """Hard edges to the number; soft ones, which are made at half the size, nearly, and nothing outside."""
    monkeypatch.setattr(Plane, "strips", _short_strips)
    names = [disc(tmp_path / f"style_{index}.png", (0.5, 0.3 + 0.4 * index), 0.45) for index in range(styles)]
    content = disc(tmp_path / "mask.png", (0.5, 0.5), 0.48)
    given = {"content_mask": content, "style_masks": tuple(names), "keep_mask": content, "feather": feather}
    found, wanted, guides = large_masks(tmp_path, monkeypatch, **given)
    assert guides.num_regions == wanted.num_regions == max(1, styles)
    np.testing.assert_allclose(found["keep"], wanted.keep, atol=1e-6)
    if feather:
        assert np.abs(found["regions"] - wanted.regions).max() < 0.2
        assert np.abs(found["regions"] - wanted.regions).mean() < 0.02
        assert found["regions"][wanted.regions.sum(-1) == 0.0].max(initial=0.0) == 0.0
    else:
        np.testing.assert_allclose(found["regions"], wanted.regions, atol=1e-6)


def _short_strips(self, pixels=2_000_000):
    yield from ((top, min(top + 70, self.size[0])) for top in range(0, self.size[0], 70))


def test_masks_of_other_sizes_and_sprites(tmp_path, monkeypatch):
    """A mask of another size, of a kind that is read whole, and a content with holes."""
    alpha = np.ones((300, 400), np.float32)
    alpha[:100] = 0.0
    images.write_image(tmp_path / "content.png", np.full((300, 400, 3), 0.5, np.float32), alpha=alpha)
    mask = disc(tmp_path / "mask.tga", (0.5, 0.5), 0.4, (150, 200))
    for given in ({}, {"content_mask": mask, "feather": 0.0}):
        found, wanted, _ = large_masks(tmp_path, monkeypatch, **given)
        np.testing.assert_allclose(found["regions"], wanted.regions, atol=1e-6)
    found, _, _ = large_masks(tmp_path, monkeypatch, content_mask=disc(tmp_path / "m.png", (0.5, 0.5), 0.4, (150, 200)))
    assert found["regions"][:100].max() == 0.0
    assert found["regions"][150, 200] == 1.0
    with pytest.raises(images.ImageError, match="no pixel in common") as caught:
        large_masks(tmp_path, monkeypatch, content_mask=disc(tmp_path / "top.png", (0.15, 0.5), 0.1))
    assert_one_sentence(caught.value)


@pytest.mark.parametrize(("level", "size", "words"), [(0, (300, 400), "all black"), (1, (300, 400), "1 of 255"),
                                                      (255, (300, 300), "not the aspect")])  # fmt: skip
def test_masks_that_cannot_be(tmp_path, monkeypatch, level, size, words):
    Image.new("L", size[::-1], level).save(tmp_path / "mask.png")
    with pytest.raises(images.ImageError, match=words) as caught:
        large_masks(tmp_path, monkeypatch, content_mask=str(tmp_path / "mask.png"))
    assert_one_sentence(caught.value)


# --- from the command line --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("large")
    pixels = images.to_uint8(picture(*SIZE, seed=1)[0].numpy())
    tifffile.imwrite(place / "content.tif", pixels, photometric="rgb", resolution=(240, 240), resolutionunit="INCH")
    images.write_image(place / "style.png", colorful(2, (80, 100))[0].numpy())
    mask = np.zeros((*SIZE, 3), np.float32)
    mask[:, 72:] = 1.0
    images.write_image(place / "right.png", mask)
    images.write_image(place / "left.png", 1.0 - mask)
    images.write_image(place / "black.png", 0.0 * mask)
    alpha = np.ones(SIZE, np.float32)
    alpha[:40] = 0.0
    images.write_image(place / "sprite.png", pixels / np.float32(255), alpha=alpha)
    return place


BASE = ["stylize", "--content=content.tif", "--style=style.png", *command.SHORT, "--size=0", "--quiet"]
TILED = [*BASE, "--tile_size=48"]
LONGER = [*TILED, "--min_size=36", "--scale_factor=2", "--num_steps=6", "--bit_depth=16"]
COARSE = [*LONGER, "--tile_size=64", "--num_steps=1", "--first_steps=150"]
RUNS = {
    "uninterrupted": [*LONGER, "--output=uninterrupted.png"],
    "many coarse steps": [*COARSE, "--output=coarse_uninterrupted.png"],
    "whole": [*BASE, "--output=whole.png"],
    "tiled": [*TILED, "--output=tiled.png", "--json=tiled.json"],
    "pyramid whole": [*BASE, "--min_size=36", "--scale_factor=2", "--output=pyramid_whole.png"],
    "pyramid": [*TILED, "--min_size=36", "--scale_factor=2", "--output=pyramid.tif", "--json=pyramid.json"],
    "odd whole": [*BASE, "--min_size=40", "--output=odd_whole.png", "--json=odd_whole.json"],
    "odd": [*TILED, "--tile_size=60", "--min_size=40", "--output=odd.png", "--json=odd.json"],
    "steps": [*TILED, "--min_size=36", "--tile_steps=1", "--output=steps.png", "--json=steps.json"],
    "mask": [*TILED, "--content_mask=right.png", "--output=mask.png"],
    "two": [
        *TILED, "--style=style.png,content.tif", "--style_masks=left.png,right.png", "--keep_mask=left.png",
        "--output=two.png",
    ],
    "sprite": [*TILED, "--content=sprite.png", "--output=sprite_out.png"],
    "sprite jpeg": [*TILED, "--content=sprite.png", "--output=sprite_out.jpg"],
    "colors": [*TILED, "--preserve_color=linear", "--output=colors.png"],
    "luminance": [*TILED, "--preserve_color=luminance", "--output=luminance.png", "--save_every=2"],
    "saved": [*TILED, "--min_size=36", "--scale_factor=2", "--save_every=1", "--output=saved.tif"],
    "deep": [*TILED, "--bit_depth=16", "--output=deep.tif"],
}  # fmt: skip
REFUSED = {
    "lbfgs": (["--optimizer=lbfgs"], "give --optimizer=adam"),
    "tolerance": (["--relative_tolerance=0.1"], "relative_tolerance"),
    "after": (["--preserve_color=linear", "--color_stage=after"], "--color_stage=before"),
    "noise": (["--init=noise"], "--min_size"),
    "style as a start": (["--init=style", "--min_size=140"], "--min_size"),
    "figure": (["--figure=figure.png"], "--figure"),
    "bmp": (["--output=refused.bmp"], "piece by piece"),
    "tile": (["--tile_size=8"], "tile_size must be at least 32"),
    "pixels": (["--size=4000", "--max_pixels=100000"], "max_pixels=100000"),
    "black": (["--content_mask=black.png"], "all black"),
}


@pytest.fixture(scope="module")
def outcomes(folder):
    lines = {**RUNS, **{name: [*TILED, "--output=refused.png", *more] for name, (more, _) in REFUSED.items()}}
    return command.run_lines(lines, folder)


@pytest.mark.parametrize("name", RUNS)
def test_runs(name, outcomes, folder):
    assert outcomes[name].status == 0, outcomes[name].stderr
    assert not list(folder.glob(".tf_style*"))


def read(folder, name):
    return images.read_image(folder / name)


def test_tiled_is_whole(outcomes, folder):
    """One scale: the very same start, so after three steps the same picture, but for rounding."""
    whole, tiled = (read(folder, f"{name}.png").pixels for name in ("whole", "tiled"))
    assert np.abs(whole - tiled).max() < 3 / 255
    assert np.abs(tiled - read(folder, "content.tif").pixels).mean() > 0.01
    record = json.loads((folder / "tiled.json").read_text())
    assert (record["tile_size"], record["steps"]) == (48, 3)
    assert len(record["history"]) == 3


def test_a_pyramid_that_ends_in_tiles(outcomes, folder):
    whole, tiled = (read(folder, name).pixels for name in ("pyramid_whole.png", "pyramid.tif"))
    assert np.abs(whole - tiled).mean() < 0.5 / 255
    record = json.loads((folder / "pyramid.json").read_text())
    assert record["steps"] == 6
    assert [row["step"] for row in record["history"]] == list(range(1, 7))


def test_pictures_on_the_way_change_nothing(outcomes, folder):
    assert (folder / "saved.tif").read_bytes() == (folder / "pyramid.tif").read_bytes()


def test_the_coarse_scales_are_those_of_the_whole(outcomes, folder):
    """Sizes of the pyramid come from the result's size, whatever the largest coarse one is rounded to."""
    whole = json.loads((folder / "odd_whole.json").read_text())
    tiled = json.loads((folder / "odd.json").read_text())
    assert tiled["steps"] == whole["steps"]
    np.testing.assert_allclose(tiled["history"][0]["loss"], whole["history"][0]["loss"], rtol=0.05)


def test_steps_in_tiles(outcomes, folder):
    record = json.loads((folder / "steps.json").read_text())
    assert record["steps"] < 3 * 3


def test_no_seam(outcomes, folder):
    """What tiling added (the difference to the whole) is no larger at the edges of tiles than elsewhere."""
    whole, tiled = (read(folder, f"{name}.png").pixels for name in ("whole", "tiled"))
    jumps = np.abs(np.diff(tiled - whole, axis=1)).mean((0, 2))
    assert jumps[[47, 95]].mean() <= 3 * jumps.mean() + 1e-4


def test_outside_a_mask_bytes_stay(outcomes, folder):
    content, result = (images.to_uint8(read(folder, name).pixels) for name in ("content.tif", "mask.png"))
    np.testing.assert_array_equal(result[:, :72], content[:, :72])
    assert (result[:, 76:] != content[:, 76:]).mean() > 0.5


def test_sprites(outcomes, folder):
    sprite, result = read(folder, "sprite.png"), read(folder, "sprite_out.png")
    np.testing.assert_array_equal(result.alpha, sprite.alpha)
    assert np.abs(result.pixels - sprite.pixels)[44:].mean() > 0.01
    np.testing.assert_allclose(read(folder, "sprite_out.jpg").pixels[:36], 1.0, atol=0.02)


def test_resolution_and_depth(outcomes, folder):
    assert read(folder, "tiled.png").dpi == pytest.approx((240, 240), abs=0.1)
    assert read(folder, "sprite_out.png").dpi == pytest.approx((72, 72), abs=0.1)  # the sprite does not say
    assert read(folder, "deep.tif").bit_depth == 16


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name, outcomes, folder):
    outcome = outcomes[name]
    assert_refused(outcome, REFUSED[name][1])
    assert not (folder / "refused.png").exists()


def test_a_full_disk(folder, monkeypatch):
    monkeypatch.chdir(folder)
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(large_inputs.shutil, "disk_usage", lambda place: usage._replace(free=1000))
    config, files = StylizeConfig(size=0, tile_size=48), StylizeFiles("content.tif", ("style.png",), "out.png")
    with pytest.raises(ConfigError, match="free") as caught:
        read_large_inputs(config, files, large_size(config, files))
    assert_one_sentence(caught.value)


def test_what_is_there_already_is_room(folder, monkeypatch, tmp_path):
    """A run that is gone on with needs no second place for its planes."""
    monkeypatch.chdir(folder)
    config = StylizeConfig(size=0, tile_size=48)
    files = StylizeFiles("content.tif", ("style.png",), "out.png", checkpoint_dir=str(tmp_path))
    needed = disk_bytes(config, files, SIZE)
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(large_inputs.shutil, "disk_usage", lambda place: usage._replace(free=needed // 2))
    with pytest.raises(ConfigError, match="free"):
        read_large_inputs(config, files, SIZE)
    (tmp_path / "tf_style-tiles" / "scale_00").mkdir(parents=True)
    (tmp_path / "tf_style-tiles" / "scale_00" / "image_0.f32").write_bytes(bytes(needed // 2 + 1))
    assert read_large_inputs(config, files, SIZE).size == SIZE


def test_planes_without_a_state_are_of_nobody(tmp_path):
    """Who deletes a state to start anew is not painted with what the other run left."""
    files = StylizeFiles("content.tif", ("style.png",), "out.png", checkpoint_dir=str(tmp_path))
    work = WorkFolder(files, "one")
    (work.path / "scale_00").mkdir()
    (work.path / "scale_00" / "targets_00000.npz").touch()
    (work.path / "content.f32").touch()
    work.save_tiled(0, Count(step=3), [{"step": 3, "loss": 1.0}])
    work.close()
    again = WorkFolder(files, "one")
    assert (again.tiled.count.step, again.history) == (3, [{"step": 3, "loss": 1.0}])
    with pytest.raises(ConfigError, match="another --checkpoint_dir"):
        WorkFolder(files, "two")
    (work.path / "tiles.json").unlink()
    assert WorkFolder(files, "two").tiled is None
    assert not list(work.path.iterdir())


def test_which_are_large(folder, monkeypatch):
    monkeypatch.chdir(folder)
    files = StylizeFiles("content.tif", ("style.png",), "out.png")
    assert large_size(StylizeConfig(size=0), files) is None
    assert large_size(StylizeConfig(size=0, tile_size=64), files) == SIZE
    assert large_size(StylizeConfig(size=0, tile_size=118), files) is None
    assert large_size(StylizeConfig(size=3000), files) == (2000, 3000)
    assert large_size(StylizeConfig(size=3000, network="arbitrary"), files) is None


# --- stopped, and gone on with ----------------------------------------------------------------------------------------


def _stopped(line, folder, number, when):
    """The command's status after a signal that is sent when `when` comes true."""
    process = command.start(line, folder)
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline and not when():
        time.sleep(0.01)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=200)
    assert process.returncode == (130 if number == signal.SIGINT else -number), stderr
    return stderr


def _at_step(state, step):
    try:
        return json.loads(state.read_text())["count"]["step"] >= step
    except (OSError, ValueError):
        return False


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_going_on(outcomes, folder, number):
    """Stopped within the scales in tiles, the same command ends in the same bytes; nothing is left on the disk."""
    name = f"resumed_{number}"
    line = [*LONGER, f"--checkpoint_dir={name}", f"--output={name}.png"]
    (folder / name / "scale_mine").mkdir(parents=True)  # somebody else's
    state = folder / name / "tf_style-tiles" / "tiles.json"
    _stopped(line, folder, number, lambda: _at_step(state, 2))
    assert state.exists()
    if number == signal.SIGINT:
        assert read(folder, f"{name}.png").size == SIZE  # the picture so far
    after = command.run_lines({"other": [*line, "--style_weight=3"], "same": line}, folder)
    assert_refused(after["other"], "another --checkpoint_dir")
    assert after["same"].status == 0, after["same"].stderr
    assert (folder / f"{name}.png").read_bytes() == (folder / "uninterrupted.png").read_bytes()
    assert [path.name for path in (folder / name).iterdir()] == ["scale_mine"]


@pytest.mark.slow
def test_going_on_from_a_coarse_scale(outcomes, folder):
    """Killed before the first scale in tiles, while the coarse ones are saved at every step."""
    line = [*COARSE, "--checkpoint_dir=coarse", "--checkpoint_seconds=0", "--output=coarse.png", "--json=coarse.json"]
    state = folder / "coarse" / "tf_style-tiles" / "state.npz"
    _stopped(line, folder, signal.SIGKILL, state.exists)
    assert state.exists(), "it was at the tiles already"
    outcome = command.run([argument for argument in line if argument != "--quiet"], folder)
    assert outcome.status == 0, outcome.stderr
    assert "Going on from step" in outcome.stderr
    assert (folder / "coarse.png").read_bytes() == (folder / "coarse_uninterrupted.png").read_bytes()
    steps = [row["step"] for row in json.loads((folder / "coarse.json").read_text())["history"]]
    assert steps == list(range(1, len(steps) + 1))
    assert not list((folder / "coarse").iterdir())


@pytest.mark.slow
def test_ctrl_c_leaves_the_picture_and_nothing_else(outcomes, folder):
    line = [*TILED, "--num_steps=300", "--output=stopped/result.png"]
    _stopped(line, folder, signal.SIGINT, lambda: list(folder.glob("stopped/.tf_style*/scale_00/average_1.f32")))
    assert [path.name for path in (folder / "stopped").iterdir()] == ["result.png"]
    assert read(folder, "stopped/result.png").size == SIZE

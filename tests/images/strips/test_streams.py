"""Large pictures piece by piece: files read and written with libvips, masks made by strips."""

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from tests.materials import assert_one_sentence, colorful, picture
from tf_style import images
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.images.profiles import srgb_profile
from tf_style.images.strips.planes import Plane
from tf_style.images.strips.streams import Original, check_streamed_output, decode_to_plane, encode_plane, read_source
from tf_style.jobs.large import masks as large_masks_module
from tf_style.jobs.large.inputs import LargeInputs, large_size
from tf_style.jobs.large.masks import write_masks
from tf_style.jobs.run.inputs import read_masks

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


def test_the_first_page_is_used_and_the_others_are_mentioned(tmp_path):
    pages = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="rgb")
    with pytest.warns(images.PictureWarning, match="has 2 frames or pages; the first one is used.$"):
        streamed, _ = decoded(tmp_path / "a.tif", SIZE, tmp_path)
    np.testing.assert_allclose(streamed, pages[0] / 255, atol=1e-6)


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


def test_a_coloured_mask_is_mentioned(tmp_path, monkeypatch):
    colors = np.zeros((300, 400, 3), np.float32)
    colors[:, 200:] = (1.0, 0.2, 0.2)
    images.write_image(tmp_path / "red.png", colors)
    with pytest.warns(images.PictureWarning, match="red.png' has colours; only its lightness counts.$") as caught:
        large_masks(tmp_path, monkeypatch, content_mask=str(tmp_path / "red.png"))
    assert len(caught) == 2  # read by strips, and whole for comparison


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

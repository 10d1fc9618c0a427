"""Colour profiles of files: pictures come out in sRGB, and broken profiles are ignored."""

import io
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from tests.images.files import (
    DISPLAY_P3,
    GRAY_LINEAR,
    LEVEL,
    SRGB,
    SWAPPED,
    H,
    W,
    cmyk_profile,
    icc_tag,
    linear_to_srgb,
    noise,
    p3_to_srgb,
    palette_image,
    save,
    with_chunk,
)
from tf_style.images import (
    read_image,
    to_float,
)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp", "a.jpg"])
def test_display_p3(tmp_path, name):
    pixels = np.kron(noise(5, 7, 3), np.ones((8, 8, 1), np.uint8))
    options = {"a.webp": {"lossless": True}, "a.jpg": {"quality": 100, "subsampling": 0}}.get(name, {})
    picture = read_image(save(tmp_path / name, Image.fromarray(pixels), icc_profile=DISPLAY_P3, **options))
    tolerance = 0.05 if name == "a.jpg" else 1.01 * LEVEL
    np.testing.assert_allclose(picture.pixels, p3_to_srgb(pixels / 255), atol=tolerance)
    if name == "a.png":  # and what ImageCms says
        source = ImageCms.ImageCmsProfile(io.BytesIO(DISPLAY_P3))
        expected = ImageCms.profileToProfile(
            Image.fromarray(pixels), source, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
        assert np.abs(picture.pixels - to_float(np.asarray(expected))).max() <= 1.01 * LEVEL
        assert np.abs(picture.pixels - to_float(pixels)).max() > 0.05


@pytest.mark.parametrize("kind", ["png", "tif", "float"])
def test_display_p3_keeps_16_bits(tmp_path, kind):
    pixels, path = noise(H, W, 3, dtype=np.uint16), tmp_path / "a"
    if kind == "png":
        data = b"P3\0\0" + zlib.compress(DISPLAY_P3)
        path.write_bytes(with_chunk(imagecodecs.png_encode(pixels), b"iCCP", data))
    else:
        array = pixels if kind == "tif" else to_float(pixels)
        tifffile.imwrite(path, array, photometric="rgb", extratags=icc_tag(DISPLAY_P3))
    picture = read_image(path)
    assert picture.bit_depth == 16
    error = np.abs(picture.pixels - p3_to_srgb(pixels / 65535))
    assert np.median(error) < 0.5 / 65535 and error.max() < 0.2 * LEVEL


def test_swapped_primaries(tmp_path):
    pixels = np.full((H, W, 3), [0, 255, 0], np.uint8)
    picture = read_image(save(tmp_path / "a.png", Image.fromarray(pixels), icc_profile=SWAPPED))
    np.testing.assert_allclose(picture.pixels[0, 0], [1, 0, 0], atol=2 * LEVEL)


def test_palette_and_alpha_through_a_profile(tmp_path):
    rgba = np.broadcast_to(np.array([0, 255, 0, 128], np.uint8), (H, W, 4))
    picture = read_image(save(tmp_path / "a.png", Image.fromarray(rgba.copy()), icc_profile=SWAPPED))
    np.testing.assert_allclose(picture.pixels[0, 0], [1, 0, 0], atol=2 * LEVEL)
    assert picture.alpha[0, 0] == np.float32(128 / 255)
    image = palette_image(np.zeros((H, W), np.uint8), np.array([[0, 255, 0]] * 256, np.uint8))
    picture = read_image(save(tmp_path / "p.png", image, icc_profile=SWAPPED))
    np.testing.assert_allclose(picture.pixels[0, 0], [1, 0, 0], atol=2 * LEVEL)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [False, True])
def test_grey_profile(tmp_path, dtype, alpha):
    top = np.iinfo(dtype).max
    grey = np.broadcast_to(np.linspace(0, top, W).astype(dtype), (H, W))
    levels = np.ascontiguousarray(np.stack([grey, grey], -1) if alpha else grey)
    path = tmp_path / "a.png"
    path.write_bytes(with_chunk(imagecodecs.png_encode(levels), b"iCCP", b"g\0\0" + zlib.compress(GRAY_LINEAR)))
    picture = read_image(path)
    expected = linear_to_srgb(grey / top)
    np.testing.assert_allclose(picture.pixels, np.repeat(expected[..., None], 3, -1), atol=0.51 * LEVEL)
    assert (picture.alpha is not None) == alpha


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_file_with_rgb_profile(tmp_path, dtype):
    gamma = imagecodecs.cms_profile(
        "rgb", whitepoint=[0.3127, 0.329, 1], primaries=[0.64, 0.33, 1, 0.3, 0.6, 1, 0.15, 0.06, 1], gamma=1.0
    )
    grey = np.full((H, W), np.iinfo(dtype).max // 5, dtype)
    path = tmp_path / "a.png"
    path.write_bytes(with_chunk(imagecodecs.png_encode(grey), b"iCCP", b"g\0\0" + zlib.compress(gamma)))
    np.testing.assert_allclose(read_image(path).pixels, linear_to_srgb(0.2), atol=2 * LEVEL)


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "16.tif"])
def test_cmyk_through_its_profile(tmp_path, name):
    # A press whose cyan ink prints a mid red, and whose black is neutral: far from Pillow's naive formula.
    profile = cmyk_profile(lambda c, m, y, k: (95 - 45 * c - 90 * k * (1 - c), 60 * c, 40 * c))
    inks = np.broadcast_to(np.array([255, 0, 0, 0], np.uint8), (H, W, 4)).copy()
    path = tmp_path / name
    if name == "16.tif":
        tifffile.imwrite(path, inks.astype(np.uint16) * 257, photometric="separated", extratags=icc_tag(profile))
    else:
        options = {"quality": 100} if name == "a.jpg" else {}
        save(path, Image.frombytes("CMYK", (W, H), inks.tobytes()), icc_profile=profile, **options)
    expected = ImageCms.profileToProfile(
        Image.new("CMYK", (1, 1), (255, 0, 0, 0)),
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        "RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE,
    ).getpixel((0, 0))
    assert expected[0] > expected[1] + 60  # red, where the naive formula gives cyan
    np.testing.assert_allclose(read_image(path).pixels[3, 3], np.array(expected) / 255, atol=3 * LEVEL)


def test_srgb_profile_changes_nothing(tmp_path):
    pixels = noise(H, W, 3)
    picture = read_image(save(tmp_path / "a.png", Image.fromarray(pixels), icc_profile=SRGB))
    assert np.array_equal(picture.pixels, to_float(pixels))


@pytest.mark.parametrize("profile", [b"junk" * 50, b"", DISPLAY_P3[:200], GRAY_LINEAR, SRGB[:128] + bytes(400)])
@pytest.mark.parametrize("deep", [False, True])
def test_broken_or_unfit_profile_is_ignored(tmp_path, profile, deep):
    path, pixels = tmp_path / "a.png", noise(H, W, 3, dtype=np.uint16 if deep else np.uint8)
    path.write_bytes(with_chunk(imagecodecs.png_encode(pixels), b"iCCP", b"x\0\0" + zlib.compress(profile)))
    assert np.array_equal(read_image(path).pixels, to_float(pixels))

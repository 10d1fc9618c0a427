"""Pictures are written exactly, whole or not at all, and output paths are checked first."""

import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, JpegImagePlugin

from tests.images.files import (
    LEVEL,
    H,
    W,
    noise,
    refused,
    smooth,
)
from tf_style.images import (
    check_output_path,
    read_image,
    resize,
    to_float,
    to_uint8,
    write_image,
)


@pytest.mark.parametrize(
    ("name", "bits"), [("a.png", 8), ("a.png", 16), ("a.tif", 8), ("a.TIFF", 16), ("a.bmp", 8), ("a.tga", 8)]
)
@pytest.mark.parametrize("alpha", [False, True])
def test_exact_round_trip(tmp_path, name, bits, alpha):
    levels = noise(H, W, 4, dtype=np.uint8 if bits == 8 else np.uint16)
    pixels = to_float(levels[..., :3])
    opacity = to_float(levels[..., 3:])[..., 0] if alpha else None
    write_image(tmp_path / name, pixels, alpha=opacity, bit_depth=bits)
    picture = read_image(tmp_path / name)
    if name == "a.bmp" and alpha:
        white = pixels * opacity[..., None] + 1 - opacity[..., None]
        np.testing.assert_allclose(picture.pixels, white, atol=0.51 * LEVEL)
        assert picture.alpha is None
        return
    seen = opacity > 0.5 * LEVEL if alpha else np.full((H, W), True)
    assert np.array_equal(picture.pixels[seen], pixels[seen]) and picture.bit_depth == bits
    assert np.array_equal(picture.alpha, opacity) if alpha else picture.alpha is None


@pytest.mark.parametrize(
    ("name", "bits"), [("a.png", 8), ("a.png", 16), ("a.tif", 8), ("a.tif", 16), ("a.tga", 8), ("a.webp", 8)]
)
def test_hidden_pixels_get_their_neighbours_colours(tmp_path, name, bits):
    pixels, alpha = np.zeros((H, W, 3), np.float32), np.zeros((H, W), np.float32)
    pixels[:, :20], alpha[:, :20], alpha[:, 20] = (0, 0, 1), 1.0, 0.4 * LEVEL
    pixels[:, 20:], pixels[:, 40:] = (1, 0, 0), (0, 1, 0)
    alpha[:, 48:] = 0.5
    write_image(tmp_path / name, pixels, alpha=alpha, bit_depth=bits)
    found = read_image(tmp_path / name).pixels
    np.testing.assert_allclose(found[:, :30], np.broadcast_to([0, 0, 1], (H, 30, 3)), atol=0.03)
    np.testing.assert_allclose(found[:, 40:], np.broadcast_to([0, 1, 0], (H, W - 40, 3)), atol=0.03)
    assert np.array_equal(pixels[0, 20], [1, 0, 0])  # what was given is not changed


def test_a_picture_that_is_hidden_everywhere_is_written_as_it_is(tmp_path):
    write_image(tmp_path / "a.png", smooth(), alpha=np.zeros((H, W), np.float32))
    assert np.abs(read_image(tmp_path / "a.png").pixels - smooth()).max() < LEVEL


def test_others_read_our_16_bits(tmp_path):
    """Not only we ourselves: tifffile and imagecodecs see the levels, Pillow sees a sound file with a profile."""
    levels = noise(H, W, 3, dtype=np.uint16)
    for name, reader in (("a.tif", tifffile.imread), ("a.png", lambda p: imagecodecs.png_decode(p.read_bytes()))):
        write_image(tmp_path / name, to_float(levels), bit_depth=16)
        assert np.array_equal(reader(tmp_path / name), levels)
        with Image.open(tmp_path / name) as image:
            image.load()
            assert ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"])).profile.xcolor_space == "RGB "


@pytest.mark.parametrize(("name", "bits"), [("a.png", 8), ("a.png", 16), ("a.jpg", 8), ("a.tif", 8), ("a.tif", 16)])
def test_resolution(tmp_path, name, bits):
    """Pixels per inch are written as other programs read them, and read back from 8-bit files; a resize keeps them."""
    write_image(tmp_path / name, smooth(), bit_depth=bits, dpi=(300, 150))
    with Image.open(tmp_path / name) as image:
        np.testing.assert_allclose([float(value) for value in image.info["dpi"]], (300, 150), atol=0.1)
    if bits == 8:
        picture = read_image(tmp_path / name)
        np.testing.assert_allclose(resize(picture, (50, 50)).dpi, (300, 150), atol=0.1)
    write_image(tmp_path / "plain.png", smooth())
    assert read_image(tmp_path / "plain.png").dpi is None


def test_tga_without_a_footer(tmp_path):
    """Version 1 of the format ends with the pixels: the suffix tells."""
    write_image(tmp_path / "a.tga", smooth())
    (tmp_path / "b.tga").write_bytes((tmp_path / "a.tga").read_bytes()[:-26])
    assert np.array_equal(read_image(tmp_path / "b.tga").pixels, read_image(tmp_path / "a.tga").pixels)


def test_jpeg(tmp_path):
    write_image(tmp_path / "a.jpg", smooth())
    assert np.abs(read_image(tmp_path / "a.jpg").pixels - smooth()).max() < 0.03
    with Image.open(tmp_path / "a.jpg") as image:
        assert JpegImagePlugin.get_sampling(image) == 0  # 4:4:4
    write_image(tmp_path / "b.jpeg", smooth(), quality=20)
    assert (tmp_path / "b.jpeg").stat().st_size < (tmp_path / "a.jpg").stat().st_size


def test_webp(tmp_path):
    alpha = to_float(noise(H, W, 1) // 2 + 128)[..., 0]
    write_image(tmp_path / "a.webp", smooth(), alpha=alpha)
    picture = read_image(tmp_path / "a.webp")
    assert np.abs(picture.pixels - smooth()).mean() < 0.02
    assert np.array_equal(picture.alpha, alpha)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_srgb_profile_is_embedded(tmp_path, name):
    write_image(tmp_path / name, smooth())
    with Image.open(tmp_path / name) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_alpha_on_white_in_jpeg(tmp_path):
    write_image(tmp_path / "a.jpg", np.zeros((H, W, 3), np.float32), alpha=np.full((H, W), 0.25, np.float32))
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg").pixels, 0.75, atol=0.02)


def test_values_are_clipped_and_rounded(tmp_path):
    pixels = np.full((H, W, 3), 0.5)
    pixels[0] = [-3, 7, np.inf]
    pixels[1] = [0.499 / 255, 0.501 / 255, 254.501 / 255]
    write_image(tmp_path / "a.png", pixels)
    read = to_uint8(read_image(tmp_path / "a.png").pixels)
    assert read[0, 0].tolist() == [0, 255, 255] and read[1, 0].tolist() == [0, 1, 255] and read[2, 0, 0] == 128
    assert pixels[0, 0, 0] == -3  # the caller's array is untouched


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif", "a.bmp", "a.tga", "16.png", "16.tif"])
def test_same_bytes_twice(tmp_path, name):
    bits = 16 if name.startswith("16") else 8
    script = (
        "import numpy as np, sys; from tf_style.images import write_image;"
        f"write_image(sys.argv[1], np.linspace(0, 1, {H * W * 3}).reshape({H}, {W}, 3), bit_depth={bits})"
    )
    files = [tmp_path / "1" / name, tmp_path / "2" / name]
    write_image(files[0], np.linspace(0, 1, H * W * 3).reshape(H, W, 3), bit_depth=bits)
    if name == "16.png":  # another process, later: once is enough
        subprocess.run([sys.executable, "-c", script, files[1]], check=True, cwd=Path(__file__).parents[2])
    else:
        write_image(files[1], np.linspace(0, 1, H * W * 3).reshape(H, W, 3), bit_depth=bits)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_profile_bytes_do_not_hold_the_date():
    from tf_style.images.profiles import srgb_profile

    assert srgb_profile()[24:36] == struct.pack(">6H", 2000, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch, failure, step):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*args):
        raise failure

    monkeypatch.setattr(os, step, fail)
    if isinstance(failure, OSError):
        assert "a.png' cannot be written (No space left on device)" in refused(write_image, path, smooth())
        refused(write_image, tmp_path / "new.png", smooth())
    else:
        with pytest.raises(KeyboardInterrupt):
            write_image(path, smooth())
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"] and path.read_bytes() == b"old"


def test_folder_is_made_link_is_followed_mode_is_usual(tmp_path):
    write_image(tmp_path / "new" / "er" / "a.png", smooth())
    (tmp_path / "plain").touch()
    assert (tmp_path / "new/er/a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "new" / "er" / "a.png")
    write_image(link, 1 - smooth())
    assert link.is_symlink()
    np.testing.assert_allclose(read_image(tmp_path / "new/er/a.png").pixels, 1 - smooth(), atol=LEVEL)


def test_write_refusals(tmp_path):
    path, nan = tmp_path / "a.png", smooth()
    nan[2, 2, 2] = np.nan
    assert "The pixels hold NaN" in refused(write_image, path, nan)
    assert "The alpha hold NaN" in refused(write_image, path, smooth(), alpha=nan[..., 2])
    assert "must be [height, width, 3 or 4], but shape [1, 40, 56, 3]" in refused(write_image, path, smooth()[None])
    assert "alpha must be [40, 56], but shape [3, 3]" in refused(write_image, path, smooth(), alpha=np.ones((3, 3)))
    assert "must be floats in [0, 1], but the type is uint8" in refused(write_image, path, noise(H, W, 3))
    assert "quality must be 1 to 100, but 0" in refused(write_image, path, smooth(), quality=0)
    assert "WebP holds at most 16383" in refused(write_image, tmp_path / "a.webp", np.zeros((1, 16384, 3)))
    assert list(tmp_path.iterdir()) == []


# --- checking an output path ------------------------------------------------------------------------------------------


def test_output_path(tmp_path):
    check_output_path(tmp_path / "new" / "a.png", bit_depth=16)
    check_output_path(str(tmp_path / "A.JPG"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "bits", "words"),
    [
        (
            "a.jpgg",
            8,
            "a.jpgg' has the suffix '.jpgg', but .png, .jpg, .jpeg, .webp, .avif, .tif, .tiff, .bmp, .tga are allowed",
        ),
        ("a.jpgg", 8, "a.jpg'?"),
        ("a.pgn", 8, "a.png'?"),
        ("a.xyz", 8, "end the name with one of these"),
        ("out", 8, "out' has no suffix, but .png"),
        ("a.jpg", 16, "a.jpg' cannot hold 16 bits; choose .png, .tif or .tiff"),
        ("a.webp", 16, "cannot hold 16 bits"),
        ("a.png", 12, "bit depth must be 8 or 16, but 12"),
        ("folder.png", 8, "folder.png' is a folder, but a file is needed"),
        ("file/a.png", 8, "file' is a file; choose another folder"),
        ("pipe.png", 8, "not an ordinary file"),
    ],
)
def test_output_path_refusals(tmp_path, name, bits, words):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe.png")
    assert words in refused(check_output_path, tmp_path / name, bit_depth=bits)
    if bits != 12:
        assert words in refused(write_image, tmp_path / name, smooth(), bit_depth=bits)


def test_output_folder_is_read_only(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # tests may run as root
    assert f"the folder '{tmp_path}' is read-only" in refused(check_output_path, tmp_path / "new" / "a.png")

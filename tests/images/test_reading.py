"""Pictures are read from every kind of file we promise: modes, alpha, orientation, 16 bits and floats."""

import struct
import warnings

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.images.files import (
    LEVEL,
    H,
    W,
    chunk,
    grey_alpha_image,
    linear_to_srgb,
    noise,
    palette_image,
    png_of,
    save,
    smooth,
    with_chunk,
)
from tf_style.images import (
    PictureWarning,
    read_image,
    to_float,
    to_uint8,
    to_uint16,
)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp", ".gif", ".jpg"])
def test_reads_rgb(tmp_path, suffix):
    pixels = to_uint8(smooth())
    options = {".webp": {"lossless": True}, ".jpg": {"quality": 95, "subsampling": 0}}.get(suffix, {})
    picture = read_image(save(tmp_path / f"a{suffix}", Image.fromarray(pixels), **options))
    assert picture.pixels.dtype == np.float32 and picture.pixels.flags.c_contiguous
    assert picture.size == (H, W) and picture.alpha is None and picture.bit_depth == 8
    tolerance = {".jpg": 0.05, ".gif": 0.15}.get(suffix, 0)
    assert np.abs(picture.pixels - to_float(pixels)).max() <= tolerance


def test_kind_is_told_by_content_not_by_suffix(tmp_path):
    path = save(tmp_path / "a.jpg", Image.fromarray(noise(H, W, 3)), format="PNG")
    assert np.array_equal(read_image(path).pixels, to_float(noise(H, W, 3)))
    assert read_image(str(path)).size == (H, W)


def test_grey(tmp_path):
    grey = noise(H, W, 1)
    for name in ("a.png", "a.tif", "a.bmp"):
        picture = read_image(save(tmp_path / name, Image.fromarray(grey[..., 0])))
        assert np.array_equal(picture.pixels, to_float(grey)) and picture.alpha is None


def test_grey_with_alpha(tmp_path):
    grey_alpha = noise(H, W, 2)
    for name in ("a.png", "a.tif"):
        picture = read_image(save(tmp_path / name, grey_alpha_image(grey_alpha)))
        assert np.array_equal(picture.pixels, to_float(grey_alpha[..., :1]))
        assert np.array_equal(picture.alpha, grey_alpha[..., 1] / np.float32(255))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_one_bit(tmp_path, name):
    bits = noise(H, W) > 127
    picture = read_image(save(tmp_path / name, Image.fromarray(bits)))
    assert np.array_equal(picture.pixels, np.repeat(bits[..., None], 3, -1).astype(np.float32))


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.tif", "a.bmp"])
def testpalette_image(tmp_path, name):
    palette = noise(256, 3, seed=1)
    indices = noise(H, W)
    picture = read_image(save(tmp_path / name, palette_image(indices, palette)))
    assert np.array_equal(picture.pixels, to_float(palette[indices])) and picture.alpha is None


def test_palette_with_transparent_entry(tmp_path):
    palette, indices = noise(256, 3, seed=1), noise(H, W)
    for name in ("a.png", "a.gif"):
        picture = read_image(save(tmp_path / name, palette_image(indices, palette), transparency=7))
        assert np.array_equal(picture.alpha, (indices != 7).astype(np.float32))
        assert np.array_equal(picture.pixels[indices != 7], to_float(palette[indices])[indices != 7])


def test_palette_with_transparency_bytes(tmp_path):
    palette, indices, alphas = noise(256, 3, seed=1), noise(H, W), noise(256, seed=2)
    path = save(tmp_path / "a.png", palette_image(indices, palette), transparency=alphas.tobytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = read_image(path)
    assert np.array_equal(picture.alpha, alphas[indices] / np.float32(255))
    assert np.array_equal(picture.pixels, to_float(palette[indices]))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_grey_with_transparent_level(tmp_path, bits):
    levels = noise(H, W).astype(int) % 2**bits
    packed = np.packbits(((levels[..., None] >> np.arange(bits)[::-1]) & 1).reshape(H, -1), axis=1)
    path = tmp_path / "a.png"
    path.write_bytes(png_of([row.tobytes() for row in packed], W, bits, 0, chunk(b"tRNS", struct.pack(">H", 1))))
    picture = read_image(path)
    assert np.array_equal(picture.alpha, (levels != 1).astype(np.float32))
    np.testing.assert_allclose(picture.pixels[..., 0], levels / (2**bits - 1), atol=1e-6)


def test_rgb_with_transparent_color(tmp_path):
    pixels = noise(H, W, 3)
    path = save(tmp_path / "a.png", Image.fromarray(pixels), transparency=tuple(map(int, pixels[3, 4])))
    picture = read_image(path)
    assert picture.alpha[3, 4] == 0 and picture.alpha.mean() > 0.99
    assert np.array_equal(picture.pixels, to_float(pixels))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_rgba(tmp_path, name):
    rgba = noise(H, W, 4)
    options = {"lossless": True, "exact": True} if name == "a.webp" else {}
    picture = read_image(save(tmp_path / name, Image.fromarray(rgba), **options))
    assert np.array_equal(picture.pixels, to_float(rgba[..., :3]))
    assert np.array_equal(picture.alpha, rgba[..., 3] / np.float32(255))


def test_lossy_webp_with_alpha(tmp_path):
    rgba = np.concatenate([to_uint8(smooth()), noise(H, W, 1) // 2 + 128], -1)
    picture = read_image(save(tmp_path / "a.webp", Image.fromarray(rgba), quality=95))
    assert np.array_equal(picture.alpha, rgba[..., 3] / np.float32(255))
    assert np.abs(picture.pixels - smooth()).mean() < 0.02


def test_first_picture_of_a_camera_pair(tmp_path):
    """MPO: a JPEG with a second one behind, as phones write them."""
    first, second = (Image.new("RGB", (W, H), color) for color in ("#ff0000", "#0000ff"))
    path = save(tmp_path / "a.jpg", first, format="MPO", save_all=True, append_images=[second])
    np.testing.assert_allclose(read_image(path).pixels[0, 0], [1, 0, 0], atol=0.02)


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])  # Pillow writes CMYK JPEGs inverted with Adobe's marker
def test_cmyk_without_profile(tmp_path, name):
    inks = (np.broadcast_to(np.array([0.2, 0.4, 0.6, 0.25]), (H, W, 4)) * 255).astype(np.uint8)
    options = {"quality": 100} if name == "a.jpg" else {}
    picture = read_image(save(tmp_path / name, Image.frombytes("CMYK", (W, H), inks.tobytes()), **options))
    expected = (1 - inks[0, 0, :3] / 255) * (1 - inks[0, 0, 3] / 255)
    np.testing.assert_allclose(picture.pixels[5, 5], expected, atol=2 * LEVEL)


def test_lab_tiff(tmp_path):
    lab = Image.frombytes("LAB", (W, H), bytes([136, 0, 0]) * (H * W))
    picture = read_image(save(tmp_path / "a.tif", lab))
    luminance = ((136 / 2.55 + 16) / 116) ** 3
    np.testing.assert_allclose(picture.pixels[0, 0], linear_to_srgb(luminance), atol=2 * LEVEL)


# --- orientation ------------------------------------------------------------------------------------------------------

# EXIF 2.3, tag Orientation: in which corner of the upright picture the stored (first row, first column) lies, and the
# stored (first row, last column).
CORNERS = {1: "TL TR", 2: "TR TL", 3: "BR BL", 4: "BL BR", 5: "TL BL", 6: "TR BR", 7: "BR TR", 8: "BL TL"}
PLACE = {"TL": (0, 0), "TR": (0, -1), "BL": (-1, 0), "BR": (-1, -1)}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif", "tif-lzw", "png16", "tif16"])
def test_orientation(tmp_path, kind, orientation):
    stored = np.zeros((H, W, 3), np.uint8)
    stored[:8, :8] = [255, 0, 0]  # first row, first column
    stored[:8, -8:] = [0, 255, 0]  # first row, last column
    exif = Image.Exif()
    exif[0x0112] = orientation
    path, image = tmp_path / "a", Image.fromarray(stored)
    if kind == "png16":
        path.write_bytes(
            with_chunk(imagecodecs.png_encode(stored.astype(np.uint16) * 257), b"eXIf", exif.tobytes()[6:])
        )
    elif kind == "tif16":
        tag = [(0x0112, "H", 1, orientation, True)]
        tifffile.imwrite(path, stored.astype(np.uint16) * 257, photometric="rgb", extratags=tag, metadata=None)
    elif kind.startswith("tif"):
        extra = {"compression": "tiff_lzw"} if "-" in kind else {}
        save(path, image, format="TIFF", tiffinfo={0x0112: orientation}, **extra)
    else:
        options = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}.get(kind, {})
        save(path, image, format={"jpg": "JPEG"}.get(kind, kind.upper()), exif=exif, **options)
    picture = read_image(path)
    assert picture.size == ((H, W) if orientation < 5 else (W, H))
    first, last = (picture.pixels[PLACE[corner]] for corner in CORNERS[orientation].split())
    np.testing.assert_allclose(first, [1, 0, 0], atol=0.02)
    np.testing.assert_allclose(last, [0, 1, 0], atol=0.02)
    assert picture.pixels.flags.c_contiguous


def test_alpha_turns_along(tmp_path):
    rgba = noise(H, W, 4)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_image(save(tmp_path / "a.png", Image.fromarray(rgba), exif=exif))
    assert np.array_equal(picture.alpha, np.rot90(rgba[..., 3], -1) / np.float32(255))


@pytest.mark.parametrize("value", [0, 9, 77])
def test_senseless_orientation_is_ignored(tmp_path, value):
    exif = Image.Exif()
    exif[0x0112] = value
    assert read_image(save(tmp_path / "a.png", Image.fromarray(noise(H, W, 3)), exif=exif)).size == (H, W)


# --- 16 bits and floats -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [0, 2, 3, 4])
def test_png_16_bits(tmp_path, channels):
    samples = noise(*(H, W, channels)[: 3 if channels else 2], dtype=np.uint16)
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(samples))
    picture = read_image(path)
    assert picture.bit_depth == 16
    colors = samples[..., :1] if channels == 2 else samples[..., :3] if channels else samples[..., None]
    assert np.array_equal(to_uint16(picture.pixels), np.broadcast_to(colors, (H, W, 3)))
    assert (picture.alpha is None) == (channels in (0, 3))
    if picture.alpha is not None:
        assert np.array_equal(to_uint16(picture.alpha), samples[..., -1])


def test_png_16_bits_with_transparent_color(tmp_path):
    samples = noise(H, W, 3, dtype=np.uint16)
    path = tmp_path / "a.png"
    path.write_bytes(with_chunk(imagecodecs.png_encode(samples), b"tRNS", struct.pack(">3H", *map(int, samples[2, 3]))))
    picture = read_image(path)
    assert picture.alpha[2, 3] == 0 and picture.alpha.sum() == H * W - 1
    assert np.array_equal(to_uint16(picture.pixels), samples)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw"},
        {"compression": "lzw", "predictor": True},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"tile": (32, 32)},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "tile": (16, 32), "compression": "zlib"},
        {"rowsperstrip": 7},
        {"byteorder": ">"},
        {"bigtiff": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiff_layouts(tmp_path, options, dtype):
    samples = to_float(noise(H, W, 3)) if dtype == np.float32 else noise(H, W, 3, dtype=dtype)
    stored = samples.transpose(2, 0, 1).copy() if "planarconfig" in options else samples
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", **options)
    picture = read_image(tmp_path / "a.tif")
    assert np.array_equal(picture.pixels, to_float(samples))
    assert picture.bit_depth == (8 if dtype == np.uint8 else 16) and picture.alpha is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_min_is_white(tmp_path, dtype):
    grey = noise(H, W, dtype=dtype)
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="miniswhite")
    np.testing.assert_allclose(read_image(tmp_path / "a.tif").pixels[..., 1], 1 - grey / np.iinfo(dtype).max, atol=1e-6)


def test_tiff_grey_16_bits_first_page(tmp_path):
    pages = noise(3, H, W, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    with pytest.warns(PictureWarning, match="3 pages"):
        assert np.array_equal(to_uint16(read_image(tmp_path / "a.tif").pixels[..., 2]), pages[0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("extra", ["assocalpha", "unassalpha", "unspecified"])
def test_tiff_alpha(tmp_path, dtype, extra):
    color, opacity = np.array([0.8, 0.4, 0.2]), 0.4
    stored = np.append(color * (opacity if extra == "assocalpha" else 1), opacity)
    samples = np.broadcast_to(stored, (H, W, 4)).astype(np.float32)
    samples = {np.uint8: to_uint8, np.uint16: to_uint16, np.float32: np.copy}[dtype](samples)
    samples[:4] = 0  # a transparent strip, nothing to divide by
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", extrasamples=[extra])
    picture = read_image(tmp_path / "a.tif")
    np.testing.assert_allclose(picture.pixels[10, 10], color, atol=2 * LEVEL)
    if extra == "unspecified":  # some other channel of the program that wrote the file
        assert picture.alpha is None
    else:
        assert picture.alpha[0, 0] == 0 and abs(picture.alpha[10, 10] - opacity) < LEVEL


def test_tiff_cmyk_16_bits_without_profile(tmp_path):
    inks = np.broadcast_to(to_uint16([0.2, 0.4, 0.6, 0.25]), (H, W, 4))
    tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated")
    np.testing.assert_allclose(read_image(tmp_path / "a.tif").pixels[0, 0], [0.6, 0.45, 0.3], atol=1e-4)


def test_tiff_float_overshoot_is_clipped(tmp_path):
    samples = np.full((H, W, 3), 1.0005, np.float32)
    samples[0] = -0.0005
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb")
    picture = read_image(tmp_path / "a.tif")
    assert picture.pixels.max() == 1 and picture.pixels.min() == 0

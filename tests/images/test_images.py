"""Files in, pictures out, and back: every kind of file we promise to read, and every refusal."""

import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, JpegImagePlugin

from tf_style.images import (
    ImageError,
    Picture,
    check_output_path,
    fit_size,
    read_image,
    resize,
    to_float,
    to_uint8,
    to_uint16,
    write_image,
)

H, W = 40, 56
LEVEL = 1 / 255


# --- material ---------------------------------------------------------------------------------------------------------


def noise(*shape, dtype=np.uint8, seed=0):
    high = 256 if dtype == np.uint8 else 65536
    return np.random.default_rng(seed).integers(0, high, shape).astype(dtype)


def smooth(height=H, width=W):
    y, x = np.mgrid[:height, :width]
    return np.stack([x / (width - 1), y / (height - 1), (x + y) / (height + width - 2)], -1).astype(np.float32)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(png, kind, data):
    """The PNG with one more chunk, right after its header."""
    return png[:33] + chunk(kind, data) + png[33:]


def icc_tag(profile):
    """For tifffile; its older versions have no argument for it."""
    return [(34675, 7, len(profile), profile, True)]


def png_of(rows, width, bits, color_type, *chunks):
    """A PNG from packed rows, for depths that no library writes."""
    header = struct.pack(">IIBBBBB", width, len(rows), bits, color_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


DISPLAY_P3 = imagecodecs.cms_profile(
    "rgb", whitepoint=[0.3127, 0.3290, 1.0], primaries=[0.680, 0.320, 1, 0.265, 0.690, 1, 0.150, 0.060, 1], gamma=2.2
)
SWAPPED = imagecodecs.cms_profile(  # the red primary of sRGB where green is wanted, and so on: turns green into red
    "rgb", whitepoint=[0.3127, 0.3290, 1.0], primaries=[0.30, 0.60, 1, 0.64, 0.33, 1, 0.15, 0.06, 1], gamma=2.2
)
GRAY_LINEAR = imagecodecs.cms_profile("gray", gamma=1.0)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def linear_to_srgb(x):
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055)


def p3_to_srgb(rgb):
    """By hand: gamma 2.2, matrix from the primaries, clip, sRGB curve (both white points are D65)."""

    def to_xyz(primaries):
        columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
        white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
        return columns * np.linalg.solve(columns, white)

    p3 = to_xyz([(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)])
    srgb = to_xyz([(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)])
    linear = (rgb.astype(np.float64) ** 2.2) @ (np.linalg.inv(srgb) @ p3).T
    return linear_to_srgb(np.clip(linear, 0, 1))


def cmyk_profile(ink_to_lab):
    """A CMYK input profile with one table (lut8, 2 grid points): [16 corners] of (C, M, Y, K) -> Lab."""
    corners = np.array(np.meshgrid(*[[0, 1]] * 4, indexing="ij")).reshape(4, -1).T
    lab = np.array([ink_to_lab(*corner) for corner in corners])
    table = np.round(np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], -1)).astype(np.uint8).tobytes()
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + table + ramp * 3
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(4 + 4 + 2 + 1 + 67)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags, body = [], b""
    for name, data in ((b"desc", text), (b"wtpt", white), (b"A2B0", lut)):
        data += bytes(-len(data) % 4)
        tags.append(name + struct.pack(">II", 128 + 4 + 36 + len(body), len(data)))
        body += data
    size = 128 + 4 + 36 + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    header += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", 3) + b"".join(tags) + body


def save(path, image, **options):
    image.save(path, **options)
    return path


def refused(call, *args, **kwargs):
    """The message of the ImageError, checked for form: one sentence, one line, no chain."""
    with pytest.raises(ImageError) as caught:
        call(*args, **kwargs)
    message = str(caught.value)
    assert message and "\n" not in message and "Traceback" not in message and not message.endswith(".")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


# --- reading: kinds and modes -----------------------------------------------------------------------------------------


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
        picture = read_image(save(tmp_path / name, _la(grey_alpha)))
        assert np.array_equal(picture.pixels, to_float(grey_alpha[..., :1]))
        assert np.array_equal(picture.alpha, grey_alpha[..., 1] / np.float32(255))


def _la(array):
    return Image.merge("LA", [Image.fromarray(np.ascontiguousarray(array[..., i])) for i in range(2)])


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_one_bit(tmp_path, name):
    bits = noise(H, W) > 127
    picture = read_image(save(tmp_path / name, Image.fromarray(bits)))
    assert np.array_equal(picture.pixels, np.repeat(bits[..., None], 3, -1).astype(np.float32))


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.tif", "a.bmp"])
def test_palette(tmp_path, name):
    palette = noise(256, 3, seed=1)
    indices = noise(H, W)
    picture = read_image(save(tmp_path / name, _palette(indices, palette)))
    assert np.array_equal(picture.pixels, to_float(palette[indices])) and picture.alpha is None


def _palette(indices, palette):
    image = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    image.putpalette(palette.tobytes())
    return image


def test_palette_with_transparent_entry(tmp_path):
    palette, indices = noise(256, 3, seed=1), noise(H, W)
    for name in ("a.png", "a.gif"):
        picture = read_image(save(tmp_path / name, _palette(indices, palette), transparency=7))
        assert np.array_equal(picture.alpha, (indices != 7).astype(np.float32))
        assert np.array_equal(picture.pixels[indices != 7], to_float(palette[indices])[indices != 7])


def test_palette_with_transparency_bytes(tmp_path):
    palette, indices, alphas = noise(256, 3, seed=1), noise(H, W), noise(256, seed=2)
    path = save(tmp_path / "a.png", _palette(indices, palette), transparency=alphas.tobytes())
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


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_first_frame_of_an_animation(tmp_path, kind):
    first, second = (Image.new("RGB", (W, H), color) for color in ("#ff0000", "#0000ff"))
    options = {"lossless": True} if kind == "WEBP" else {}
    path = save(tmp_path / "a", first, format=kind, save_all=True, append_images=[second], **options)
    assert np.array_equal(read_image(path).pixels[0, 0], [1, 0, 0])


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


# --- reading: orientation ---------------------------------------------------------------------------------------------

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


# --- reading: colour profiles -----------------------------------------------------------------------------------------


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
    image = _palette(np.zeros((H, W), np.uint8), np.array([[0, 255, 0]] * 256, np.uint8))
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


# --- reading: 16 bits and floats --------------------------------------------------------------------------------------


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


# --- reading: refusals ------------------------------------------------------------------------------------------------


def test_missing_file(tmp_path):
    save(tmp_path / "Sunset.jpg", Image.fromarray(noise(H, W, 3)))
    message = refused(read_image, tmp_path / "sunst.jpg")
    assert message == f"'{tmp_path}/sunst.jpg' does not exist; did you mean '{tmp_path}/Sunset.jpg'?"
    assert refused(read_image, tmp_path / "zzz.webp").endswith("zzz.webp' does not exist; check the path")
    assert "its folder" in refused(read_image, tmp_path / "no" / "a.png")
    assert "does not exist" in refused(read_image, tmp_path / "two\nlines.png")


def test_folder_pipe_and_empty_file(tmp_path):
    assert f"'{tmp_path}' is a folder" in refused(read_image, tmp_path)
    (tmp_path / "empty.png").touch()
    assert "empty.png' is empty (0 bytes)" in refused(read_image, tmp_path / "empty.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert "not an ordinary file" in refused(read_image, tmp_path / "pipe.png")


def test_no_permission(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", Image.fromarray(noise(H, W, 3)))

    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)  # tests may run as root, whom nothing is denied
    assert "a.png' cannot be opened (Permission denied); check its name and its permissions" in refused(
        read_image, path
    )


@pytest.mark.parametrize("content", [b"Hello, this is text", b"%PDF-1.7", b"x", b"\0" * 5000, b"<svg/>"])
def test_not_a_picture(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    message = refused(read_image, tmp_path / "a.jpg")
    assert "a.jpg' is not a picture of a kind that can be read (JPEG, PNG, WebP, TIFF, GIF, BMP and TGA)" in message
    assert "convert it" in message


ENCODED = {
    "jpeg": ("JPEG", {"quality": 90}),
    "jpeg-progressive": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "webp-lossless": ("WEBP", {"lossless": True}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "tiff": ("TIFF", {}),
    "tiff-lzw": ("TIFF", {"compression": "tiff_lzw"}),
    "png16": (np.uint16, "png"),
    "tiff16": (np.uint16, None),
    "tiff16-lzw": (np.uint16, "lzw"),
    "tiff16-zlib": (np.uint16, "zlib"),
    "tiff32": (np.float32, None),
}


def encode(kind):
    """A whole file of 80 x 90 noise."""
    form, options = ENCODED[kind]
    buffer = io.BytesIO()
    if isinstance(form, str):
        Image.fromarray(noise(80, 90, 3)).save(buffer, form, **options)
        return buffer.getvalue()
    samples = noise(80, 90, 3, dtype=np.uint16)
    if options == "png":
        return imagecodecs.png_encode(samples)
    samples = samples if form == np.uint16 else to_float(samples)
    tifffile.imwrite(buffer, samples, photometric="rgb", compression=options)
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore:(Corrupt EXIF|Truncated File)")
@pytest.mark.parametrize("kind", ENCODED)
def test_cut_short(tmp_path, kind):
    whole, path = encode(kind), tmp_path / "a.img"
    path.write_bytes(whole)
    assert read_image(path).size == (80, 90)
    for length in (14, 40, len(whole) // 10, len(whole) // 3, len(whole) // 2, len(whole) * 9 // 10, len(whole) - 40):
        path.write_bytes(whole[:length])
        message = refused(read_image, path)
        assert "a.img' cannot be read as" in message and "damaged, cut short or of a rare kind; copy" in message


@pytest.mark.parametrize("size", [(31, 200), (200, 31), (1, 1)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "TGA"])
def test_too_small(tmp_path, size, kind):
    path = save(tmp_path / "a", Image.new("RGB", size), format=kind)
    assert f"a' is {size[0]} x {size[1]} pixels, but each side must have at least 32" in refused(read_image, path)
    assert read_image(path, min_side=1).size == size[::-1]


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "bmp", "tiff", "png16", "tiff16"])
def test_too_large_is_seen_in_the_header(tmp_path, kind):
    """Cut off after the header: only the pixels are missing, so an answer about the size came before decoding."""
    whole, path = encode(kind), tmp_path / "a"
    path.write_bytes(whole)
    assert read_image(path, max_pixels=7200).size == (80, 90)
    if kind not in ("webp", "jpeg"):  # WebP is opened whole
        path.write_bytes(whole[:1500])
    message = refused(read_image, path, max_pixels=7199)
    assert "is 90 x 80 pixels (7,200), but at most 7,199 are allowed; shrink it, or raise --max_pixels" in message


def bomb(kind, width, height):
    """A few bytes that promise a huge picture."""
    if kind == "png":
        return png_of([b"\0"], width, 8, 2)[:16] + struct.pack(">II", width, height) + _bomb_tail(width, height)
    if kind == "bmp":
        return b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    if kind == "gif":
        screen = struct.pack("<HHBBB", width, height, 0, 0, 0)
        return b"GIF89a" + screen + b"," + struct.pack("<HHHHBB", 0, 0, width, height, 0, 8)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, noise(32, 32, 3, dtype=np.uint16), photometric="rgb", metadata=None)
    buffer.seek(0)
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(buffer) as tiff:
        for name, value in (("ImageWidth", width), ("ImageLength", height)):
            tag = tiff.pages[0].tags[name]
            struct.pack_into("<I" if tag.dtype == 4 else "<H", data, tag.valueoffset, value)
    return bytes(data)


def _bomb_tail(width, height):
    fields = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return fields[8:] + struct.pack(">I", zlib.crc32(b"IHDR" + fields)) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["png", "bmp", "gif", "tiff"])
def test_bombs(tmp_path, kind):
    before = Image.MAX_IMAGE_PIXELS
    (tmp_path / "a").write_bytes(bomb(kind, 60000, 50000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        message = refused(read_image, tmp_path / "a")
    assert "is 60000 x 50000 pixels (3,000,000,000), but at most 100,000,000 are allowed" in message
    assert "--max_pixels" in message and before == Image.MAX_IMAGE_PIXELS


def test_bomb_in_a_gif_frame_larger_than_its_screen(tmp_path):
    small, large = bomb("gif", 40, 40), bomb("gif", 60000, 50000)
    (tmp_path / "a").write_bytes(small[:13] + large[13:])
    assert "pixels, the most that a GIF file may have" in refused(read_image, tmp_path / "a")


def test_pillow_limit_does_not_bind(tmp_path, monkeypatch):
    """More than Pillow's own limit is read, silently, if we are told so."""
    path = save(tmp_path / "a.png", Image.fromarray(noise(H, W, 3)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(path).size == (H, W)


def test_webp_beyond_pillow(tmp_path, monkeypatch):
    path = save(tmp_path / "a.webp", Image.fromarray(noise(H, W, 3)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    try:
        assert read_image(path).size == (H, W)  # older Pillows do not look
    except ImageError as error:
        assert "has more than 200 pixels, the most that a WebP file may have" in str(error)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_float_tiff_not_finite(tmp_path, value):
    samples = np.full((H, W, 3), 0.5, np.float32)
    samples[3, 3, 1] = value
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb")
    assert "a.tif' holds NaN or infinity" in refused(read_image, tmp_path / "a.tif")


def test_unusable_tiffs(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.full((H, W, 3), 7.5, np.float32), photometric="rgb")
    assert "a.tif' holds floats from 7.5 to 7.5, but [0, 1] is needed" in refused(read_image, path)
    tifffile.imwrite(path, np.ones((H, W, 3), np.uint32), photometric="rgb")
    assert "a.tif' has 32-bit unsigned samples" in refused(read_image, path)
    tifffile.imwrite(path, np.ones((H, W), np.int16), photometric="minisblack")
    assert "a.tif' has 16-bit signed samples" in refused(read_image, path)
    tifffile.imwrite(path, np.ones((H, W, 3), np.uint16), photometric="cielab")
    assert "not grey, RGB or CMYK; save it as RGB" in refused(read_image, path)


# --- writing ----------------------------------------------------------------------------------------------------------


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
    assert "shape [1, 40, 56, 3], but [height, width, 3]" in refused(write_image, path, smooth()[None])
    assert "alpha of shape [3, 3], but [40, 56]" in refused(write_image, path, smooth(), alpha=np.ones((3, 3)))
    assert "type uint8, but floats" in refused(write_image, path, noise(H, W, 3))
    assert "quality of 0, but 1 to 100" in refused(write_image, path, smooth(), quality=0)
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
            "a.jpgg' has the suffix '.jpgg', but .png, .jpg, .jpeg, .webp, .tif, .tiff, .bmp, .tga are allowed",
        ),
        ("a.jpgg", 8, "a.jpg'?"),
        ("a.pgn", 8, "a.png'?"),
        ("a.xyz", 8, "end the name with one of these"),
        ("out", 8, "out' has no suffix, but .png"),
        ("a.jpg", 16, "a.jpg' cannot hold 16 bits, only .png, .tif and .tiff can"),
        ("a.webp", 16, "cannot hold 16 bits"),
        ("a.png", 12, "bit depth of 12, but 8 and 16 are allowed"),
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


# --- geometry ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "long_side", "expected"),
    [
        ((600, 800), 512, (384, 512)),
        ((800, 600), 512, (512, 384)),
        ((600, 800), 0, (600, 800)),
        ((100, 100), 7, (7, 7)),
        ((1, 1000), 10, (1, 10)),  # never 0
        ((5, 10), 1, (1, 1)),  # 0.5 up
        ((3, 4), 2, (2, 2)),  # 1.5 up
        ((5, 4), 10, (10, 8)),
        ((2, 3), 4, (3, 4)),  # 2.67
        ((10**9 + 1, 10**9), 10**8, (10**8, 10**8)),  # no floats on the way
    ],
)
def test_fit_size(size, long_side, expected):
    assert fit_size(size, long_side) == expected


def test_fit_size_refusals():
    assert "long side of -1" in refused(fit_size, (5, 5), -1)
    assert "size (0, 5)" in refused(fit_size, (0, 5), 3)


def test_resize():
    picture = Picture(smooth(), None, 16)
    assert resize(picture, (H, W)) is picture
    for size in ((20, 28), (80, 100), (1, 1), (33, 200)):
        result = resize(picture, size)
        assert result.size == size and result.bit_depth == 16 and result.alpha is None
        assert result.pixels.dtype == np.float32 and 0 <= result.pixels.min() <= result.pixels.max() <= 1
        assert abs(result.pixels.mean() - picture.pixels.mean()) < 0.01
    edge = np.zeros((H, W, 3), np.float32)
    edge[:, W // 2 :] = 1  # Lanczos overshoots here
    assert resize(Picture(edge), (80, 112)).pixels.max() == 1
    checkers = np.indices((64, 64)).sum(0) % 2
    result = resize(Picture(np.repeat(checkers[..., None], 3, -1).astype(np.float32)), (8, 8))
    np.testing.assert_allclose(result.pixels[2:-2, 2:-2], 0.5, atol=0.02)  # antialiased
    assert "size (0, 9)" in refused(resize, picture, (0, 9))


@pytest.mark.parametrize("size", [(16, 16), (100, 90)])
def test_resize_does_not_let_the_transparent_bleed(size):
    pixels = np.zeros((64, 64, 3), np.float32)
    pixels[:, :32] = [0, 0, 1]  # visible: blue
    pixels[:, 32:] = [1, 0, 0]  # transparent: red
    alpha = np.zeros((64, 64), np.float32)
    alpha[:, :32] = 1
    result = resize(Picture(pixels, alpha), size)
    visible = result.alpha > 0.01
    np.testing.assert_allclose(result.pixels[visible], np.broadcast_to([0, 0, 1], (visible.sum(), 3)), atol=1e-3)
    np.testing.assert_allclose(result.pixels[:, -1], np.broadcast_to([1, 0, 0], (size[0], 3)), atol=1e-3)
    assert result.alpha.shape == size and result.alpha.min() == 0 and result.alpha.max() == 1


def disc(side, radius):
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    return np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1).astype(np.float32)


@pytest.mark.parametrize("side", [75, 150, 211, 299, 301, 512])
def test_a_resized_disc_has_no_ghost(side):
    """Nothing outside it, by 8 bits or by more; and its body stays opaque, whatever lies under what is hidden."""
    pixels = np.where(disc(300, 100)[..., None] > 0, np.float32([1, 0.5, 0]), np.float32([0, 1, 1]))
    result = resize(Picture(pixels, disc(300, 100)), (side, side))
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    distance, pixel = np.hypot(rows, columns) * 300 / side, max(1.0, 300 / side)  # in those of the source
    assert result.alpha[distance > 101 + 2 * pixel].max() == 0
    assert result.alpha[distance < 99 - 2 * pixel].min() == 1
    assert result.alpha[int(side / 2), int(side / 2)] == 1
    assert np.all(np.diff(result.alpha[side // 2, : side // 2]) >= 0)  # from the left to the middle it only rises
    seen = result.alpha > LEVEL
    np.testing.assert_allclose(result.pixels[seen], np.broadcast_to([1, 0.5, 0], (seen.sum(), 3)), atol=1e-4)


@pytest.mark.parametrize("size", [(30, 31), (80, 100), (41, 55)])
def test_resize_with_full_alpha_equals_without(size):
    with_alpha = resize(Picture(smooth(), np.ones((H, W), np.float32)), size)
    np.testing.assert_allclose(with_alpha.pixels, resize(Picture(smooth()), size).pixels, atol=1e-6)
    assert with_alpha.alpha.min() == 1


def test_the_body_of_a_sprite_is_as_sharp_as_a_photo():
    alpha = np.zeros((H, W), np.float32)
    alpha[4:-4, 4:-4] = 1.0
    checkers = np.repeat((np.indices((H, W)).sum(0) // 3 % 2)[..., None], 3, -1).astype(np.float32)
    for size in ((30, 42), (80, 112)):
        found, wanted = resize(Picture(checkers, alpha), size).pixels, resize(Picture(checkers), size).pixels
        middle = tuple(slice(side // 3, side - side // 3) for side in size)
        np.testing.assert_allclose(found[middle], wanted[middle], atol=1e-5)


# --- arrays -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 3, 1), (5, 2, 3, 3), (2, 2, 2, 3, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_to_float(shape, dtype):
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    array = np.zeros(shape, dtype)
    array[..., -1, :] = top
    result = to_float(array)
    assert result.dtype == np.float32 and result.shape == (*shape[:-1], 3)
    assert (result[..., -1, :] == 1).all() and (result[..., :-1, :] == 0).all()


def test_every_level_survives():
    for quantize, dtype in ((to_uint8, np.uint8), (to_uint16, np.uint16)):
        levels = np.arange(np.iinfo(dtype).max + 1).astype(dtype).reshape(-1, 1, 1)
        result = quantize(to_float(levels)[..., :1])
        assert result.dtype == dtype and np.array_equal(result, levels)


def test_rounding_is_to_the_nearest_level_halves_to_even():
    assert to_uint8(np.array([0.5, 1.5, 2.5, 2.4, 300, -9]) / 255).tolist() == [0, 2, 2, 2, 255, 0]
    assert to_uint16(np.float16([0, 0.5, 1])).tolist() == [0, 32768, 65535]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4), np.uint8), "shape (4, 4), but [..., height, width, channels] is needed"),
        (np.zeros((4, 4, 4), np.uint8), "with 4 channels, but 3 (RGB) or 1 (grey) are allowed; split the alpha off"),
        (np.zeros((3, 4, 5), np.uint8), "with 5 channels"),
        (np.zeros((0, 4, 3)), "without a pixel"),
        (np.full((4, 4, 3), 200.0), "from 200 to 200, but [0, 1] is needed; divide by 255"),
        (np.full((4, 4, 3), -1.0), "from -1 to -1"),
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.full((4, 4, 3), np.inf), "NaN or infinity"),
        (np.zeros((4, 4, 3), np.int64), "type int64, but uint8, uint16 and float are allowed"),
        (np.zeros((4, 4, 3), bool), "type bool"),
    ],
)
def test_to_float_refusals(array, words):
    assert words in refused(to_float, array)


def test_quantize_refusals():
    assert "type uint8, but floats in [0, 1] are needed" in refused(to_uint8, np.zeros(3, np.uint8))
    assert "hold NaN" in refused(to_uint16, [np.nan])


# --- the package ------------------------------------------------------------------------------------------------------


def test_loads_nothing_heavy():
    code = "import tf_style.images, sys; print([m for m in ('tensorflow', 'keras', 'tifffile') if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert run.stdout.strip() == "[]"

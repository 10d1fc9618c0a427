"""Files that are missing, damaged, too small, too large or no pictures are refused in one sentence."""

import io
import os
import struct
import warnings
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.images.files import (
    H,
    W,
    chunk,
    noise,
    png_of,
    refused,
    save,
)
from tf_style.images import (
    ImageError,
    read_image,
    to_float,
)


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
    assert "a.jpg' is not a picture that can be read (JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF," in message
    assert "convert it" in message


def test_a_film_is_for_another_command(tmp_path):
    (tmp_path / "clip.MP4").write_bytes(b"\0\0\0 ftypisom\0\0\2\0isomiso2avc1mp41")
    assert "clip.MP4' is a film, not a picture; tf-style video paints films" in refused(
        read_image, tmp_path / "clip.MP4"
    )


ENCODED = {
    "jpeg": ("JPEG", {"quality": 90}),
    "jpeg-progressive": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "webp-lossless": ("WEBP", {"lossless": True}),
    "gif": ("GIF", {}),
    "avif": ("AVIF", {}),
    "bmp": ("BMP", {}),
    "jpeg2000": ("JPEG2000", {}),
    "ppm": ("PPM", {}),
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
    assert "pixels, the limit for GIF files" in refused(read_image, tmp_path / "a")


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
        assert "has more than 200 pixels, the limit for WebP files" in str(error)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_float_tiff_not_finite(tmp_path, value):
    samples = np.full((H, W, 3), 0.5, np.float32)
    samples[3, 3, 1] = value
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb")
    assert "a.tif' holds NaN or infinity" in refused(read_image, tmp_path / "a.tif")


def test_unusable_tiffs(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.full((H, W, 3), 7.5, np.float32), photometric="rgb")
    assert "a.tif' holds floats from 7.5 to 7.5, but they must lie in [0, 1]" in refused(read_image, path)
    tifffile.imwrite(path, np.ones((H, W, 3), np.uint32), photometric="rgb")
    assert "a.tif' has 32-bit unsigned samples" in refused(read_image, path)
    tifffile.imwrite(path, np.ones((H, W), np.int16), photometric="minisblack")
    assert "a.tif' has 16-bit signed samples" in refused(read_image, path)
    tifffile.imwrite(path, np.ones((H, W, 3), np.uint16), photometric="cielab")
    assert "not grey, RGB or CMYK; save it as RGB" in refused(read_image, path)

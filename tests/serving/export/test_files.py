"""`stylize_bytes`: encoded pictures in, PNG files out."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from tests.serving.export.exported import MAX_BATCH, Served, pixels, small_model, small_module
from tf_style.serving.export.decoding import MAX_FILE_PIXELS, decode

pytestmark = pytest.mark.slow

CONTENT, STYLE = pixels(48, 64, seed=1)[0], pixels(40, 56, seed=2)[0]


@pytest.fixture(scope="module")
def served():
    return Served(small_model(), intra_op_threads=1, inter_op_threads=1)


def encoded(array, kind="PNG", **options):
    file = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(file, kind, **options)
    return file.getvalue()


def painted(served, *files, style=None):
    """Arrays of the PNG files that come back."""
    style = encoded(STYLE) if style is None else style
    answer = served("stylize_bytes", content_bytes=list(files), style_bytes=[style])
    arrays = []
    for file in answer["image_bytes"]:
        image = Image.open(io.BytesIO(file))
        assert image.format == "PNG"
        arrays.append(np.array(image))
    return arrays


@pytest.fixture(scope="module")
def expected(served):
    return served("stylize", content=CONTENT[None], style=STYLE[None])["image"][0]


def check_same(painting, expected):
    """The graphs differ, so sums have another order."""
    difference = np.abs(painting.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_a_png_is_painted_as_its_pixels_are(served, expected):
    check_same(painted(served, encoded(CONTENT))[0], expected)


@pytest.mark.parametrize(("kind", "options"), [("WEBP", {"lossless": True}), ("BMP", {})])
def test_other_lossless_files(served, expected, kind, options):
    check_same(painted(served, encoded(CONTENT, kind, **options))[0], expected)


def test_the_fourth_byte_of_a_bmp_is_no_alpha(served, expected):
    header = b"BM" + struct.pack("<IHHI", 54 + 48 * 64 * 4, 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, 64, -48, 1, 32, 0, 0, 0, 0, 0, 0)
    pixels_of = np.dstack([CONTENT[..., ::-1], np.zeros((48, 64), np.uint8)]).tobytes()
    check_same(painted(served, header + pixels_of)[0], expected)


def test_gif_and_sixteen_bits(served, expected):
    palette = Image.fromarray(CONTENT).quantize(64)
    as_colors = np.array(palette.convert("RGB"))
    wanted = served("stylize", content=as_colors[None], style=STYLE[None])["image"][0]
    for file, own in ((encoded(palette, "GIF"), wanted), (encoded(palette, "PNG"), wanted),
                      (sixteen_bit_png(CONTENT), expected)):  # fmt: skip
        check_same(painted(served, file)[0], own)


def test_grey_pictures(served):
    grey = CONTENT[..., 0]
    wanted = served("stylize", content=np.repeat(grey[..., None], 3, -1)[None], style=STYLE[None])["image"][0]
    difference = np.abs(painted(served, encoded(grey))[0].astype(int) - wanted)
    assert difference.max() <= 1  # the graphs differ, so sums have another order
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(served, orientation):
    """As Pillow turns it, which the engine uses; levels differ a little between JPEG decoders."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(CONTENT, "JPEG", quality=95, subsampling=0, exif=exif.tobytes())
    upright = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(file))))
    decoded, alpha = decode("content_bytes", tf.constant(file))
    assert decoded.shape == upright.shape
    difference = float(np.abs(decoded.numpy().astype(int) - upright).mean())
    assert difference < 2
    assert alpha.shape == (*upright.shape[:2], 1)
    assert painted(served, file)[0].shape == upright.shape


def test_big_endian_exif(served):
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    file = encoded(CONTENT, "JPEG", exif=b"Exif\0\0" + tiff)
    assert painted(served, file)[0].shape == (64, 48, 3)


def test_an_orientation_that_does_not_exist_is_no_turn(served):
    exif = Image.Exif()
    exif[0x0112] = 9
    assert painted(served, encoded(CONTENT, "JPEG", exif=exif.tobytes()))[0].shape == CONTENT.shape


def test_alpha_is_carried(served, expected):
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    result = painted(served, encoded(np.dstack([CONTENT, alpha])))[0]
    np.testing.assert_array_equal(result[..., 3], alpha)
    check_same(result[..., :3], expected)
    grey = painted(served, encoded(Image.fromarray(np.dstack([CONTENT[..., 0], alpha]), "LA")))[0]
    np.testing.assert_array_equal(grey[..., 3], alpha)


def test_sizes_may_differ_within_a_batch(served):
    contents = [pixels(height, width, seed=height)[0] for height, width in ((32, 32), (48, 64), (61, 33))]
    files = [encoded(content) for content in contents]
    together = painted(served, *files)
    for content, result, file in zip(contents, together, files, strict=True):
        assert result.shape == content.shape
        np.testing.assert_array_equal(result, painted(served, file)[0])


def test_pictures_are_reduced_to_the_exported_size(served):
    assert painted(served, encoded(pixels(50, 90)[0]))[0].shape == (36, 64, 3)
    assert painted(served, encoded(pixels(32, 40)[0]))[0].shape == (32, 40, 3)
    with pytest.raises(Exception, match="must have at least 32 pixels after it is reduced"):
        painted(served, encoded(pixels(33, 90)[0]))


def test_jpeg_files_of_any_size_on_request(served, expected):
    stylize_bytes = small_module("jpeg", size="0").signatures()["stylize_bytes"]

    def painted_file(content):
        files = {"content_bytes": tf.constant([encoded(content)]), "style_bytes": tf.constant([encoded(STYLE)])}
        return Image.open(io.BytesIO(stylize_bytes(**files)["image_bytes"].numpy()[0]))

    assert painted_file(pixels(40, 90)[0]).size == (90, 40)
    with pytest.raises(tf.errors.InvalidArgumentError, match="content_bytes may have at most"):
        painted_file(pixels(200, 160)[0])
    image = painted_file(np.dstack([CONTENT, np.full((48, 64), 100, np.uint8)]))
    assert (image.format, image.mode) == ("JPEG", "RGB")  # JPEG has no alpha
    assert image.layer[0][1:3] == image.layer[1][1:3], "colours are kept at full size"
    difference = float(np.abs(np.array(image).astype(int) - expected).mean())
    assert difference < 2


def png_header(width, height):
    """A PNG that says how large it is, and nothing else."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def sixteen_bit_png(array):
    height, width, _ = array.shape
    rows = (array.astype(">u2") * 257).tobytes()
    stride = width * 6
    raw = b"".join(b"\0" + rows[row * stride : (row + 1) * stride] for row in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    )  # fmt: skip


def webp_header(kind, start):
    """The first bytes of a WebP file of some kind."""
    return b"RIFF" + bytes(4) + b"WEBP" + kind + bytes(4) + start + bytes(40)


GOOD = encoded(CONTENT)
BOMB = f"content_bytes may have at most {MAX_FILE_PIXELS} pixels in a file"
BAD_FILES = {
    "empty": (b"", "content_bytes holds an empty file"),
    "garbage": (b"not a picture at all", "must hold JPEG, PNG, WebP, GIF or BMP files"),
    "one byte": (b"\xff", "must hold JPEG, PNG, WebP, GIF or BMP files"),
    "cut JPEG": (encoded(CONTENT, "JPEG")[:300], ""),
    "cut PNG": (GOOD[:200], ""),
    "PNG header only": (png_header(64, 48), ""),
    "bomb": (png_header(60_000, 60_000), BOMB),
    "bomb of the largest sides": (png_header(2**31 - 1, 2**31 - 1), BOMB),
    "GIF bomb": (b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + bytes(20), BOMB),
    "BMP bomb": (b"BM" + bytes(16) + struct.pack("<ii", 60_000, -60_000) + bytes(20), BOMB),
    "lossy WebP bomb": (webp_header(b"VP8 ", bytes(6) + struct.pack("<HH", 16_000, 16_000)), BOMB),
    "lossless WebP bomb": (webp_header(b"VP8L", b"\x2f" + struct.pack("<I", 16_000 | 16_000 << 14)), BOMB),
    "extended WebP bomb": (webp_header(b"VP8X", bytes(4) + b"\xff\xff\x0f" * 2), BOMB),
    "JPEG XL": (b"\xff\x0a" + bytes(40), "must hold JPEG, PNG, WebP, GIF or BMP files"),
    "tiny": (encoded(CONTENT[:20, :20]), "each side of content_bytes must have at least 32 pixels"),
    "one pixel": (encoded(CONTENT[:1, :1]), "each side of content_bytes must have at least 32 pixels"),
    "cut WebP": (encoded(CONTENT, "WEBP")[:100], ""),
    "PDF": (b"%PDF-1.7\n1 0 obj", "must hold JPEG, PNG, WebP, GIF or BMP files"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(served, case):
    from tf_style.serving.models.session import SessionError
    from tf_style.serving.wire.status import Code

    file, sentence = BAD_FILES[case]
    with pytest.raises(SessionError) as caught:
        painted(served, GOOD, file)
    assert caught.value.code == Code.INVALID_ARGUMENT, caught.value
    assert sentence in caught.value.message
    assert painted(served, GOOD)[0].shape == CONTENT.shape


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"content_bytes": np.array(GOOD, object)}, "is not compatible with expected shape"),
        ({"content_bytes": np.array([[GOOD]], object)}, "is not compatible with expected shape"),
        ({"content_bytes": np.array([], object)}, f"content_bytes must hold 1 to {MAX_BATCH} files"),
        ({"content_bytes": [GOOD] * (MAX_BATCH + 1)}, f"content_bytes must hold 1 to {MAX_BATCH} files"),
        ({"style_bytes": [GOOD] * 2}, "style_bytes must have one row, or one for each content"),
        ({"style_bytes": [b"no"]}, "must hold JPEG, PNG, WebP, GIF or BMP files"),
        ({"content_bytes": CONTENT}, "to be string but uint8 is provided"),
    ],
)
def test_bad_lists_of_files(served, inputs, sentence):
    from tf_style.serving.models.session import SessionError

    with pytest.raises(SessionError, match=sentence):
        served("stylize_bytes", **{"content_bytes": [GOOD], "style_bytes": [GOOD], **inputs})
    assert painted(served, GOOD)[0].shape == CONTENT.shape


def test_a_style_may_not_be_too_thin(served):
    """Scales of at least 32 pixels of it would be very long ones."""
    thin = encoded(STYLE[:32, :32].repeat(65, 1))
    with pytest.raises(Exception, match="one side of style_bytes may be at most 64 times the other"):
        painted(served, GOOD, style=thin)

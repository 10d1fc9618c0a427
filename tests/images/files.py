"""Pictures, files and colour profiles that the tests of files share, and the check of a refusal."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from tf_style.images import (
    ImageError,
)

H, W = 40, 56
LEVEL = 1 / 255


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


def grey_alpha_image(array):
    return Image.merge("LA", [Image.fromarray(np.ascontiguousarray(array[..., i])) for i in range(2)])


def palette_image(indices, palette):
    image = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    image.putpalette(palette.tobytes())
    return image

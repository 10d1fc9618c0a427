"""The size of a picture comes from its header."""

import os

import pytest
from PIL import Image

from tests import command
from tf_style import images

IN_TEST_KINDS = {".heic", ".heif", ".ico", ".psd"}


@pytest.mark.parametrize("suffix", sorted({*images.READABLE_SUFFIXES} - IN_TEST_KINDS))
def test_the_header_tells_the_size(tmp_path, suffix):
    path = command.write_picture(tmp_path / f"picture{suffix}", 40, 56)
    assert images.read_size(path) == images.read_image(path).size == (40, 56)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_header_tells_the_size_of_the_upright_picture(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"picture{suffix}"
    Image.new("RGB", (56, 40)).save(path, exif=exif)
    assert images.read_size(path) == images.read_image(path).size


def test_what_is_no_picture_has_no_size(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "short.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("text.jpg", "short.png", "pipe.png", "missing.png", "."):
        assert images.read_size(tmp_path / name) is None

"""What `tf_style.stylize` takes as a picture (files, bytes, images of Pillow, arrays) and what it gives."""

import io
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tf_style
from tests.materials import colorful
from tests.test_api import TINY

SIZE = (40, 56)


def paint(content, style, **overrides):
    return tf_style.stylize(content, style, **{**TINY, "size": 0, "num_steps": 1, **overrides}).numpy()


@pytest.fixture(scope="module")
def levels():
    return np.rint(255 * colorful(1, SIZE)[0].numpy()).astype(np.uint8)


@pytest.fixture(scope="module")
def style():
    return colorful(2, (48, 40))[0].numpy()


@pytest.fixture(scope="module")
def painting(levels, style):
    return paint(levels, style)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "TGA", "BMP"])
def test_bytes_and_files(kind, levels, style, painting):
    data = encoded(Image.fromarray(levels), kind)
    np.testing.assert_array_equal(paint(data, style), painting)
    np.testing.assert_array_equal(paint(io.BytesIO(data), style), painting)


def test_an_open_file_and_bytes_as_a_style(levels, style, painting, tmp_path):
    tf_style.write_image(tmp_path / "style.png", style, bit_depth=16)
    with open(tmp_path / "style.png", "rb") as file:
        np.testing.assert_allclose(paint(levels, file), painting, atol=1e-3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_modes_of_pillow_are_as_in_a_file(mode, levels, style, tmp_path):
    image = Image.fromarray(levels)
    if mode in ("I;16", "I"):
        image = Image.fromarray(levels[..., 0].astype(np.uint16) * 257).convert(mode)
    elif mode == "F":
        image = Image.fromarray(levels[..., 0].astype(np.float32) / 255)
    else:
        image = image.convert("P" if mode == "PA" else "L" if mode == "LA" else mode).convert(mode)
    if mode in ("RGBA", "LA"):
        alpha = np.full(SIZE, 255, np.uint8)
        alpha[:, :20] = 0
        image.putalpha(Image.fromarray(alpha))
    file = image.convert({"PA": "RGBA", "YCbCr": "RGB", "I": "I;16"}.get(mode, mode))
    file.save(tmp_path / "a.tif")
    found = paint(image, style)
    np.testing.assert_array_equal(found, paint(tmp_path / "a.tif", style))
    assert found.shape[-1] == (4 if mode in ("RGBA", "LA", "PA") else 3)


def test_an_open_photo_is_turned_upright(levels, style):
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(encoded(Image.fromarray(levels), "PNG", exif=exif))) as image:
        assert paint(image, style).shape == (56, 40, 3)


@pytest.mark.parametrize("shape", [(*SIZE,), (*SIZE, 1), (2, *SIZE, 1)])
def test_grey_arrays(shape, levels, style):
    grey = np.broadcast_to(levels[..., :1].reshape(SIZE if len(shape) == 2 else (*SIZE, 1)), shape)
    found = paint(grey, style)
    expected = paint(np.repeat(levels[..., :1], 3, -1), style)
    assert found.shape == ((2, *SIZE, 3) if len(shape) == 4 else (*SIZE, 3))
    np.testing.assert_allclose(found[0] if len(shape) == 4 else found, expected, atol=2e-3)


def test_alpha_comes_back_and_hidden_pixels_do_not_count(levels, style):
    alpha = np.full((*SIZE, 1), 255, np.uint8)
    alpha[:, :20] = 0
    loud = levels.copy()
    loud[:, :20] = (255, 0, 255)
    found, other = (paint(np.concatenate([pixels, alpha], -1), style) for pixels in (levels, loud))
    np.testing.assert_array_equal(found[..., 3], alpha[..., 0] / 255)
    np.testing.assert_array_equal(found, other)
    batch = paint(np.stack([np.concatenate([levels, full], -1) for full in (alpha, np.full_like(alpha, 255))]), style)
    assert batch.shape == (2, *SIZE, 4)
    np.testing.assert_array_equal(batch[1, ..., 3], np.ones(SIZE))
    np.testing.assert_allclose(batch[0], found, atol=2e-3)


def test_hidden_pixels_of_a_style_do_not_count(levels, style):
    rgba = np.concatenate([style, np.ones((*style.shape[:2], 1), np.float32)], -1)
    rgba[:, :10, 3] = 0
    loud = rgba.copy()
    loud[:, :10, :3] = (1, 0, 1)
    np.testing.assert_array_equal(paint(levels, rgba), paint(levels, loud))


def test_masks_in_every_form(levels, style, painting):
    mask = np.zeros(SIZE, np.uint8)
    mask[:, 28:] = 255
    image = Image.fromarray(mask)
    forms = (mask, mask > 0, mask[..., None], image, image.convert("1"), image.convert("P"), encoded(image))
    found = [paint(levels, style, content_mask=form) for form in forms]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
    np.testing.assert_allclose(found[0][:, :20], levels[:, :20] / 255, atol=1e-6)
    assert np.abs(found[0] - painting).max() > 0.01


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (b"", "is empty"),
        (b"text", "not a picture"),
        (io.StringIO("text"), "opened for reading text"),
        (np.zeros((40, 56, 2), np.uint8), "3 (RGB) or 1 (grey) channels"),
        (np.zeros((31, 56, 4), np.uint8), "at least 32 pixels"),
        (np.zeros((40,), np.uint8), "shape (40,)"),
        (np.zeros((40, 56, 4), np.uint8), "transparent everywhere"),
        (Image.new("I", (56, 40), 70000), "beyond 0 to 65535"),
        (Image.new("F", (56, 40), 7.0), "must lie in [0, 1]"),
        (Image.new("RGB", (56, 31)), "at least 32 pixels"),
    ],
)
def test_what_is_no_picture_is_refused(picture, words, style):
    with pytest.raises(tf_style.ImageError) as caught:
        paint(picture, style)
    assert words in str(caught.value) and "\n" not in str(caught.value)


# --- what comes out ---------------------------------------------------------------------------------------------------


def test_to_pil(painting, tmp_path):
    image = tf_style.to_pil(tf.constant(painting))
    assert image.mode == "RGB" and image.size == SIZE[::-1]
    np.testing.assert_allclose(np.asarray(image), painting * 255, atol=0.51)
    assert image._repr_png_()  # what a notebook shows
    with_alpha = np.concatenate([painting, np.ones((*SIZE, 1), np.float32)], -1)
    assert tf_style.to_pil(with_alpha).mode == "RGBA"
    tf_style.write_image(tmp_path / "a.png", with_alpha)
    with Image.open(tmp_path / "a.png") as written:
        assert written.mode == "RGBA"
    with pytest.raises(tf_style.ImageError, match="take one of a batch"):
        tf_style.to_pil(painting[np.newaxis])


def test_progress_bar(levels, style, capsys, monkeypatch):
    keras.utils.enable_interactive_logging()  # commands with --quiet switch it off
    seen = []
    paint(levels, style, num_steps=2, progress=True, on_step=lambda progress: seen.append(progress.step))
    assert seen == [1, 2]
    text = capsys.readouterr().out
    assert "2/2" in text and "loss" in text
    paint(levels, style)
    assert not capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "ipykernel", object())
    paint(levels, style)
    assert "1/1" in capsys.readouterr().out

"""Pictures are resized, and arrays become pictures; importing the package loads nothing heavy."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.images.files import LEVEL, H, W, refused, smooth
from tf_style.images import (
    Picture,
    fit_size,
    resize,
    to_float,
    to_uint8,
    to_uint16,
)


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
    assert "long side must be at least 1 pixel, or 0 to keep the size, but -1" in refused(fit_size, (5, 5), -1)
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
        (np.zeros((4, 4), np.uint8), "must be [..., height, width, channels], but shape (4, 4) was given"),
        (np.zeros((4, 4, 4), np.uint8), "3 (RGB) or 1 (grey) channels, but shape (4, 4, 4) with 4 channels"),
        (np.zeros((3, 4, 5), np.uint8), "with 5 channels"),
        (np.zeros((0, 4, 3)), "has no pixels"),
        (np.full((4, 4, 3), 200.0), "must lie in [0, 1], but they range from 200 to 200; divide by 255"),
        (np.full((4, 4, 3), -1.0), "from -1 to -1"),
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.full((4, 4, 3), np.inf), "NaN or infinity"),
        (np.zeros((4, 4, 3), np.int64), "must be uint8, uint16 or float, but these are of type int64"),
        (np.zeros((4, 4, 3), bool), "type bool"),
    ],
)
def test_to_float_refusals(array, words):
    assert words in refused(to_float, array)


def test_quantize_refusals():
    assert "must be floats in [0, 1], but these are of type uint8" in refused(to_uint8, np.zeros(3, np.uint8))
    assert "hold NaN" in refused(to_uint16, [np.nan])


# --- the package ------------------------------------------------------------------------------------------------------


def test_loads_nothing_heavy():
    code = "import tf_style.images, sys; print([m for m in ('tensorflow', 'keras', 'tifffile') if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert run.stdout.strip() == "[]"

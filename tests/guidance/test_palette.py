"""Palettes, and recoloring on the command line."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests import command
from tests.materials import QUICK, assert_one_sentence, assert_refused, colorful
from tf_style import images
from tf_style.build import Guides, build_stylizer
from tf_style.config import ConfigError, StylizeConfig, parse_palette
from tf_style.guidance import Palette, color_difference, match_colors

PICTURES = Path(__file__).resolve().parents[2] / "examples" / "pictures"

BRANDS = {
    "four": ("#0b3954", "bfd7ea", "#FF6663", "#e0ff4f"),
    "black, white, red": ("#000", "#fff", "#e30613"),
    "one": ("#2a9d8f",),
    "corners, greys, nearly black": ("#00f", "#ff0", "#f0f", "#808080", "#010203", "#112200"),
    "of the README": ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#fefae0"),
}


def nearest_differences(image, names):
    """Of each pixel, as 8-bit files hold it, to the nearest color."""
    levels = np.round(255 * np.asarray(image)) / 255
    return np.min([color_difference(levels, color) for color in parse_palette(names)], axis=0)


@pytest.mark.parametrize(
    ("brand", "difference"),
    [*((brand, 1.0) for brand in BRANDS), ("four", 5.0), ("corners, greys, nearly black", 20.0)],
)
def test_every_pixel_keeps_to_the_palette(brand, difference):
    """As 8 bits hold it: of pictures of all colors there are, and of all around each color of the palette."""
    names = BRANDS[brand]
    colors = np.array(parse_palette(names), np.float32)
    noise = tf.random.stateless_normal([len(colors), 60, 80, 3], [3, 4])
    spread = tf.random.stateless_uniform([len(colors), 60, 80, 1], [5, 6], 0.0, 0.3)
    around = tf.clip_by_value(colors[:, None, None] + spread * noise, 0.0, 1.0)
    every = tf.random.stateless_uniform([2, 100, 120, 3], [1, 2])
    for image in (every, around):
        assert nearest_differences(Palette(np.array(colors), difference)(image), names).max() <= difference
    assert nearest_differences(every, names).max() > difference


@pytest.mark.parametrize("names", [BRANDS["four"], BRANDS["of the README"]])
def test_every_pixel_of_a_photo_keeps_to_the_palette(names):
    photo = images.read_image(PICTURES / "lighthouse.jpg").pixels[None]
    found = Palette(np.array(parse_palette(names)), 5.0)(tf.constant(photo))
    assert nearest_differences(found, names).max() <= 5.0


def test_little_freedom_is_lost():
    """On the way to a color a pixel stops not far from where it is allowed to."""
    color, difference = parse_palette(("#2a9d8f",))[0], 5.0
    found = Palette(np.array([color]), difference)(tf.random.stateless_uniform([1, 60, 80, 3], [1, 2]))
    assert np.median(color_difference(found, color)) > 0.6 * difference


def test_tiles_are_looked_at_across_their_edges():
    names = ("#000", "#fff")
    image = tf.random.stateless_uniform([1, 32, 48, 3], [1, 2])
    palette = Palette(np.array(parse_palette(names)), 5.0, wrap=True)
    moved = tf.roll(palette(tf.roll(image, [9, 20], [1, 2])), [-9, -20], [1, 2])
    np.testing.assert_array_equal(moved, palette(image))


def test_pixels_near_a_color_of_the_palette_stay():
    names = BRANDS["four"]
    flat = tf.constant(parse_palette(names)[0]) + tf.zeros([1, 16, 16, 3])
    image = flat + tf.random.stateless_uniform([1, 16, 16, 3], [1, 2], -0.01, 0.01)
    np.testing.assert_allclose(Palette(np.array(parse_palette(names)), 5.0)(image), image, atol=1e-6)


def test_differences_are_those_of_the_standard():
    """Two pairs of Sharma et al. 2005, table 1 (numbers 1 and 17), given in Lab: skimage agrees; so does sRGB white."""
    from skimage.color import deltaE_ciede2000

    np.testing.assert_allclose(deltaE_ciede2000([50, 2.6772, -79.7751], [50, 0, -82.7485]), 2.0425, atol=1e-4)
    np.testing.assert_allclose(color_difference([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]), 100.0, atol=1e-2)


@pytest.mark.parametrize("network", ["", "arbitrary", "many_styles"])
@pytest.mark.usefixtures("eagerly")
def test_paintings_keep_to_the_palette(network):
    names = BRANDS["four"]
    styles = ["starry_night"] if network == "many_styles" else [colorful(2)]
    config = StylizeConfig(palette=names, network=network, **QUICK)
    painting = build_stylizer(config)(colorful(1, (32, 48)), styles)
    assert nearest_differences(painting, names).max() <= 5.0


@pytest.mark.usefixtures("eagerly")
def test_what_is_kept_keeps_to_the_palette():
    """With a network the content's details come back before the palette is kept to; and where two styles meet."""
    names = BRANDS["four"]
    content, styles = colorful(1, (48, 64)), [colorful(2), colorful(3)]
    ramp = tf.linspace(0.0, 1.0, 64) * tf.ones([1, 48, 64])
    masks = {"keep": tf.ones([1, 48, 64, 1]), "regions": tf.stack([ramp, 1.0 - ramp], -1)}
    stylizer = build_stylizer(StylizeConfig(palette=names, network="arbitrary"), guides=Guides(2, keep=True))
    assert nearest_differences(stylizer(content, styles, masks=masks), names).max() <= 5.0


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"palette": ("#12",)}, "#1a2b3c"),
        ({"palette": ("red",)}, "#1a2b3c"),
        ({"palette": ("#fff", "ffffff")}, "twice"),
        ({"palette": tuple(f"#{index:06x}" for index in range(65))}, "at most 64"),
        ({"palette": ("#fff",), "preserve_color": "linear"}, "leave one of them out"),
        ({"palette": ("#fff",), "palette_difference": 0.5}, "at least 1"),
    ],
)
def test_bad_palettes(options, hint):
    with pytest.raises(ConfigError, match=hint) as caught:
        StylizeConfig(**options)
    assert_one_sentence(str(caught.value))


# --- tf-style recolor -------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    for name, seed in (("content", 1), ("colors", 3)):
        images.write_image(tmp_path / f"{name}.png", colorful(seed)[0].numpy())
    return tmp_path


def recolor(folder, *more):
    return command.run(["recolor", "--content=content.png", "--output=out.png", *more], folder)


@pytest.mark.parametrize("method", ["linear", "histogram"])
def test_recolor(files, method):
    outcome = recolor(files, "--color_from=colors.png", f"--method={method}")
    assert outcome.status == 0, outcome.stderr
    assert "Wrote out.png" in outcome.stdout + outcome.stderr
    found, content, wanted = (images.read_image(files / f"{name}.png").pixels for name in ("out", "content", "colors"))
    np.testing.assert_allclose(found, match_colors(content[None], wanted[None], method)[0], atol=1 / 255)


def test_recolor_by_halves(files):
    assert recolor(files, "--color_from=colors.png", "--strength=0.5", "--quiet").status == 0
    found, content, wanted = (images.read_image(files / f"{name}.png").pixels for name in ("out", "content", "colors"))
    matched = match_colors(content[None], wanted[None])[0]
    np.testing.assert_allclose(found, (content + matched) / 2, atol=1 / 255)


def test_recolor_by_a_palette(files):
    names = BRANDS["four"]
    outcome = recolor(files, f"--palette={','.join(names)}", "--palette_difference=3")
    assert outcome.status == 0, outcome.stderr
    assert nearest_differences(images.read_image(files / "out.png").pixels, names).max() <= 3


def test_recolor_keeps_alpha(files):
    alpha = np.tile(np.linspace(0, 1, 48, dtype=np.float32), (40, 1))
    images.write_image(files / "content.png", colorful(1)[0].numpy(), alpha=alpha)
    assert recolor(files, "--color_from=colors.png").status == 0
    np.testing.assert_allclose(images.read_image(files / "out.png").alpha, alpha, atol=1 / 255)


def test_recolor_looks_at_what_can_be_seen(files):
    """Whatever colours lie under the transparency, of either picture; pixels per inch are carried; stamps will do."""
    for name, seed, size in (("content", 1, (40, 48)), ("colors", 3, (20, 24))):
        for under in ((0, 255, 0), (255, 0, 255)):
            rgba = np.full((*size, 4), 255, np.uint8)
            rgba[..., :3] = images.to_uint8(colorful(seed, size)[0].numpy())
            rgba[:, size[1] // 2 :] = (*under, 0)
            Image.fromarray(rgba).save(files / f"{name}{under[0]}.png", dpi=(300, 300))
    lines = {
        f"{content} {colors} {size}": [
            "recolor", f"--content=content{content}.png", f"--color_from=colors{colors}.png", "--quiet",
            f"--output={content}{colors}{size}.png", f"--size={size}",
        ]
        for content, colors, size in ((0, 0, 0), (255, 255, 0), (0, 0, 64), (255, 255, 64))
    }  # fmt: skip
    for name, outcome in command.run_lines(lines, files).items():
        assert outcome.status == 0, (name, outcome.stderr)
    for size in (0, 64):
        one, other = (images.read_image(files / f"{name}{size}.png") for name in ("00", "255255"))
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_array_equal(one.alpha, other.alpha)
        assert one.dpi == pytest.approx((300, 300), abs=0.1)
    content, colors = (
        images.read_image(files / f"{name}.png", min_side=1).pixels[:, : width // 2][None]
        for name, width in (("content0", 48), ("colors0", 24))
    )
    found = images.read_image(files / "000.png").pixels[:, :24]
    np.testing.assert_allclose(found, match_colors(content, colors)[0], atol=1.1 / 255)


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        ([], "--color_from"),
        (["--color_from=colors.png", "--palette_difference=3"], "give --palette as well"),
        (["--color_from=content.png", "--output=content.png"], "another name"),
        (["--palette=red"], "#1a2b3c"),
        (["--color_from=colors.png", "--strength=2"], "0 to 1"),
        (["--color_from=colors.png", "--method=luminance"], "linear, histogram"),
    ],
)
def test_what_cannot_be_recolored_is_one_sentence(files, flags, hint):
    outcome = recolor(files, *flags)
    assert_refused(outcome, hint)

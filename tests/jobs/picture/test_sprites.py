"""Sprites: the alpha stays, what cannot be seen neither counts nor shows, and edges have no halo."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tf_style
from tests import command
from tests.materials import QUICK, colorful, picture
from tf_style import images
from tf_style.images import ImageError, Picture, fill_transparent

SIZE = (64, 96)


def sprite_sheet(under):
    """Two discs with soft edges, and colours under what is transparent."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = np.minimum(np.hypot(rows - 32, columns - 24), np.hypot(rows - 32, columns - 72))
    alpha = np.clip(20.0 - distance, 0.0, 1.0).astype(np.float32)
    pixels = np.where(alpha[..., None] > 0, picture(*SIZE, seed=1)[0].numpy(), np.float32(under))
    return Picture(pixels, alpha)


def write(path, sheet):
    """With the colours under what is transparent, which `write_image` would replace."""
    rgba = np.concatenate([sheet.pixels, sheet.alpha[..., None]], -1)
    Image.fromarray(images.to_uint8(rgba)).save(path)


def red_disc(side=96):
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    alpha = np.clip(side / 3 - np.hypot(rows, columns), 0.0, 1.0).astype(np.float32)
    shade = picture(side, side, seed=4)[0, ..., :1].numpy()
    return Picture(np.concatenate([0.6 + 0.3 * shade, 0.2 * shade, 0.2 * shade], -1).astype(np.float32), alpha)


def test_fills_with_the_nearest_colour():
    pixels = np.zeros((4, 6, 3), np.float32)
    pixels[:, 0], pixels[:, 5] = (1, 0, 0), (0, 0, 1)
    alpha = np.zeros((4, 6), np.float32)
    alpha[:, 0], alpha[:, 5] = 1.0, 0.3
    filled = fill_transparent(Picture(pixels, alpha))
    np.testing.assert_array_equal(filled.pixels[:, :3], np.broadcast_to([1, 0, 0], (4, 3, 3)))
    np.testing.assert_array_equal(filled.pixels[:, 3:], np.broadcast_to([0, 0, 1], (4, 3, 3)))
    np.testing.assert_array_equal(filled.alpha, alpha)


def test_an_opaque_picture_is_the_same_picture():
    opaque = Picture(np.zeros((4, 6, 3), np.float32))
    assert fill_transparent(opaque) is opaque


def test_nothing_to_see():
    with pytest.raises(ImageError, match="transparent everywhere"):
        fill_transparent(Picture(np.zeros((4, 6, 3), np.float32), np.zeros((4, 6), np.float32)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same sheet with white and with black under what is transparent, painted; alone, in a folder, by a network."""
    place = tmp_path_factory.mktemp("sprites")
    images.write_image(place / "style.png", colorful(2, (64, 64))[0].numpy())
    (place / "sheets").mkdir()
    for name, under in (("white", 1.0), ("black", 0.0)):
        write(place / f"{name}.png", sprite_sheet(under))
        write(place / "sheets" / f"{name}.png", sprite_sheet(under))
        style = Picture(colorful(2, SIZE)[0].numpy(), sprite_sheet(under).alpha)
        style = Picture(np.where(style.alpha[..., None] > 0, style.pixels, np.float32(under)), style.alpha)
        write(place / f"{name}_style.png", style)
    images.write_image(place / "hidden.png", np.zeros((64, 64, 3), np.float32), alpha=np.zeros((64, 64), np.float32))
    base = ["stylize", "--style=style.png", "--quiet", *command.SHORT, "--size=0", "--num_steps=10"]
    network = ["stylize", "--style=style.png", "--quiet", "--preset=instant", "--size=0"]
    runs = {"hidden": [*base, "--content=hidden.png", "--output=no.png"]}
    for name in ("white", "black"):
        runs[name] = [*base, f"--content={name}.png", f"--output={name}_painted.png"]
        runs[f"{name} net"] = [*network, f"--content={name}.png", f"--output={name}_net.tga"]
        runs[f"{name} colors"] = [
            *base, f"--content={name}.png", f"--output={name}_colors.png", "--preserve_color=linear",
        ]  # fmt: skip
        own = ["--content=style.png", f"--style={name}_style.png", f"--output={name}_styled.png"]
        runs[f"{name} style"] = command.over(base, [*own, "--preserve_color=linear"])
    write(place / "red.png", red_disc())
    images.write_image(place / "blue.png", colorful(5, (96, 96))[0].numpy() * np.float32([0.2, 0.2, 1.0]))
    for size in (0, 64, 150):
        runs[f"red {size}"] = [
            "stylize", "--content=red.png", "--style=blue.png", "--preset=instant", "--quiet", f"--size={size}",
            f"--output=red_{size}.{'webp' if size == 150 else 'png'}",
        ]  # fmt: skip
    runs["folder"] = [*base, "--content=sheets", "--output=painted", "--format=tga"]
    runs["folder net"] = [
        "stylize", "--style=white_style.png", "--quiet", "--preset=instant", "--size=0", "--content=sheets",
        "--output=painted_net", "--preserve_color=linear",
    ]  # fmt: skip
    with command.eagerly():
        outcomes = command.run_lines(runs, place)
    assert outcomes.pop("hidden").stderr.count("transparent everywhere") == 1
    for name, outcome in outcomes.items():
        assert outcome.status == 0, (name, outcome.stderr)
    return place


@pytest.mark.parametrize("name", ["{}_painted.png", "{}_net.tga", "{}_colors.png", "painted/{}.tga"])
def test_what_is_under_the_transparency_does_not_matter(folder, name):
    """The same pixels whatever colours lay there; the alpha to the bit; something was painted."""
    white, black = (images.read_image(folder / name.format(under)) for under in ("white", "black"))
    sheet = images.read_image(folder / "white.png")
    np.testing.assert_array_equal(white.alpha, sheet.alpha)
    np.testing.assert_array_equal(white.pixels, black.pixels)
    seen = sheet.alpha > 0
    assert np.abs(white.pixels - sheet.pixels)[seen].mean() > 0.01


def enlarged(plane, factor=3):
    """[H, W] as an engine magnifies a texture."""
    size = (plane.shape[1] * factor, plane.shape[0] * factor)
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR))


@pytest.mark.parametrize("name", ["red_0.png", "red_64.png", "red_150.webp", "white_painted.png", "white_net.tga"])
def test_no_halo(folder, name):
    """Magnified by an engine, with straight alpha, the rim has the colours of what can be seen, and no others."""
    painted = images.read_image(folder / name)
    alpha = enlarged(painted.alpha)
    rim = (alpha > 0.02) & (alpha < 0.98)
    for channel in np.moveaxis(painted.pixels, -1, 0):
        wanted = enlarged(channel * painted.alpha)[rim] / alpha[rim]
        difference = np.abs(enlarged(np.ascontiguousarray(channel))[rim] - wanted)
        assert difference.mean() < 0.025
        assert difference.max() < 0.3


@pytest.mark.parametrize("name", ["red_64.png", "red_150.webp"])
def test_a_resized_sprite_has_no_ghost(folder, name):
    """At another size than its own, as the default is: nothing outside it, and its body stays opaque."""
    alpha = images.read_image(folder / name).alpha
    side = alpha.shape[0]
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    distance = np.hypot(rows, columns) / side
    assert alpha[distance > 1 / 3 + 1.5 / 64].max() == 0
    assert alpha[distance < 1 / 3 - 2.2 / 64].min() == 1


def test_hidden_parts_of_a_style_do_not_matter(folder):
    white, black = (images.read_image(folder / f"{name}_styled.png").pixels for name in ("white", "black"))
    np.testing.assert_array_equal(white, black)


@pytest.mark.usefixtures("eagerly")
def test_python_reads_what_can_be_seen(folder):
    """Of files with an alpha, contents and styles; what is hidden stays the fill that it is."""
    options = {**QUICK, "preserve_color": "linear"}
    paintings = [
        tf_style.stylize(folder / f"{name}.png", folder / f"{name}_style.png", **options) for name in ("white", "black")
    ]
    np.testing.assert_array_equal(*paintings)
    networks = [tf_style.stylize(folder / "red.png", folder / f"{n}_style.png", "instant") for n in ("white", "black")]
    np.testing.assert_array_equal(*networks)


def test_a_sheet_is_painted_as_if_nothing_else_were_there():
    """Statistics are those of what can be seen: a sheet with wide gutters gets the colours of one without."""
    content, style = picture(64, 64, seed=1)[0].numpy(), colorful(2, (64, 64))[0].numpy()
    wide = np.zeros((64, 192, 3), np.float32)
    wide[:, 64:128] = content
    mask = np.zeros((64, 192), np.float32)
    mask[:, 64:128] = 1.0
    options = {**QUICK, "num_steps": 30}
    alone = tf_style.stylize(content, style, **options)
    inside = tf_style.stylize(wide, style, content_mask=mask, **options)[:, 64:128]
    np.testing.assert_allclose(tf.reduce_mean(inside, [0, 1]), tf.reduce_mean(alone, [0, 1]), atol=0.05)
    np.testing.assert_allclose(tf.math.reduce_std(inside), tf.math.reduce_std(alone), atol=0.05)

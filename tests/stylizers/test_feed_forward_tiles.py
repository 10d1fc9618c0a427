"""A picture painted in tiles by a network is the one that it paints whole."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import colorful, picture
from tf_style.build import build_stylizer
from tf_style.config import StylizeConfig
from tf_style.stylizers.feed_forward_tiles import TiledPass

pytestmark = pytest.mark.usefixtures("at_their_size")

SIZE = (203, 172)  # no multiples of 8: the network adds pixels below and on the right
CONTENT = tf.image.resize(picture(26, 22, seed=1), SIZE, "bicubic") * 0.8 + 0.1 * picture(*SIZE, seed=2)
STYLES = [colorful(2, (60, 80)), colorful(3, (80, 60))]
NAMED = StylizeConfig(network="arbitrary", compute_dtype="float32")
LEFT = tf.cast(tf.range(SIZE[1]) < 90, tf.float32)[tf.newaxis, tf.newaxis, :, tf.newaxis] * tf.ones([1, *SIZE, 1])


def in_tiles(stylizer, styles, masks, side):
    """The picture, painted in tiles, and how many there are."""
    shape = tf.constant([1, *SIZE, 3])
    tiled = TiledPass(stylizer, SIZE, side, stylizer.parts(styles, shape, by_region="regions" in masks))

    def read(top, left, bottom, right):
        return CONTENT[0, top:bottom, left:right].numpy()

    assert list(tiled.look(read)) == list(range(1, tiled.num_looks + 1))
    painting = np.full((1, *SIZE, 3), np.nan, np.float32)
    for tile in tiled.tiles:
        top, left, bottom, right = tile.counts
        seen = (slice(None), slice(tile.seen[0], tile.seen[2]), slice(tile.seen[1], tile.seen[3]))
        own = {name: mask[seen] for name, mask in masks.items()}
        painting[0, top:bottom, left:right] = tiled.paint(read, tile, own)
    return stylizer.shown(tf.constant(painting), CONTENT, masks).numpy(), len(tiled.tiles)


CASES = {
    "half of a mixture": ({"style_strength": 0.5, "style_blend": (1.0, 2.0)}, 2, {}),
    "a trace in regions": ({"style_strength": 0.1}, 2, {"regions": tf.concat([LEFT, 0.5 - 0.5 * LEFT], -1)}),
}


@pytest.mark.parametrize("case", CASES)
def test_tiles_make_the_whole(case):
    options, number, masks = CASES[case]
    stylizer = build_stylizer(NAMED.replace(**options))
    whole = stylizer(CONTENT, STYLES[:number], masks=masks).numpy()
    painting, count = in_tiles(stylizer, STYLES[:number], masks, 64)
    assert count == 9
    assert np.abs(whole - CONTENT).mean() > 0.005
    np.testing.assert_allclose(painting, whole, atol=0.1 / 255)


@pytest.mark.usefixtures("eagerly")
def test_details_are_kept_in_tiles_too():
    """The blur that tells details from colours begins at a tile's edge, so kept pixels differ slightly."""
    stylizer, masks = build_stylizer(NAMED), {"keep": LEFT}
    whole = stylizer(CONTENT, STYLES[:1], masks=masks).numpy()
    painting, _ = in_tiles(stylizer, STYLES[:1], masks, 64)
    np.testing.assert_allclose(painting[:, :, 90:], whole[:, :, 90:], atol=0.1 / 255)
    assert np.abs(painting - whole).mean() < 2 / 255
    painting, count = in_tiles(stylizer, STYLES[:1], masks, 1024)
    assert count == 1
    np.testing.assert_allclose(painting, whole, atol=0.1 / 255)


@pytest.mark.usefixtures("eagerly")
def test_bfloat16_differs_by_its_rounding_only():
    stylizer = build_stylizer(NAMED.replace(compute_dtype="bfloat16"))
    whole = stylizer(CONTENT, STYLES[:1]).numpy()
    painting, _ = in_tiles(stylizer, STYLES[:1], {}, 64)
    assert np.abs(painting - whole).max() < 4 / 255
    assert np.abs(painting - whole).mean() < 0.3 / 255

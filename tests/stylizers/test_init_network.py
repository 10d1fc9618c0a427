"""An optimisation may start from what a network paints under the same controls: strength, blend, regions, a torus."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import assert_one_sentence, colorful, picture
from tf_style.build import Guides, build_network, build_stylizer
from tf_style.config import ConfigError, StylizeConfig
from tf_style.networks.archive import EMBEDDED
from tf_style.stylizers import GraphLoop
from tf_style.stylizers.scaling import resize

pytestmark = pytest.mark.usefixtures("at_their_size")

SHORT = StylizeConfig(
    backbone="compact_vgg19", compute_dtype="float32", init="network", num_steps=2, min_size=0,
    style_layers=("conv1_1",), content_layers=("conv1_1",),
)  # fmt: skip
CONTENT = picture(64, 80, seed=1)
STYLES = [colorful(2, (64, 64)), colorful(3, (40, 96))]
SIZE = (64, 80)


def one_pass(config, guides=None, **call):
    """What the network paints on its own, without the colours' last touch."""
    config = config.replace(network="arbitrary", preserve_color="none")
    return build_stylizer(config, guides=guides or Guides())(CONTENT, STYLES, **call)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"style_strength": 0.5},
        {"style_blend": (0.2, 0.8)},
        {"tileable": True},
        {"style_scale": 0.6},
        {"noise": 0.0},
        {"seed": 7},
        {"preserve_color": "luminance"},
    ],
    ids=str,
)
def test_the_start_is_what_the_network_paints(options):
    config = SHORT.replace(**options)
    start, strength = build_stylizer(config).first_image(CONTENT, STYLES, SIZE), config.style_strength
    np.testing.assert_allclose(start, CONTENT + strength * (one_pass(config) - CONTENT), atol=1e-4)
    assert np.abs(start - CONTENT).mean() > 0.03


def test_each_style_in_its_region():
    left = np.zeros((1, *SIZE, 1), np.float32)
    left[:, :, :40] = 1.0
    masks, guides = {"regions": tf.constant(np.concatenate([left, 1.0 - left], -1))}, Guides(2)
    start = build_stylizer(SHORT, guides=guides).first_image(CONTENT, STYLES, SIZE, masks=masks)
    np.testing.assert_allclose(start, one_pass(SHORT, guides, masks=masks), atol=1e-4)
    alone = build_stylizer(SHORT).first_image(CONTENT, STYLES[:1], SIZE)
    np.testing.assert_allclose(start[:, :, :40], alone[:, :, :40], atol=1e-4)
    assert np.abs(start[:, :, 40:] - alone[:, :, 40:]).mean() > 0.02


def test_what_a_mask_keeps_is_kept_from_the_start():
    half = np.zeros((1, *SIZE, 1), np.float32)
    half[:, :, :40] = 1.0
    masks, guides = {"keep": tf.constant(half)}, Guides(keep=True)
    start = build_stylizer(SHORT, guides=guides).first_image(CONTENT, STYLES, SIZE, masks=masks)
    np.testing.assert_allclose(start, one_pass(SHORT, guides, masks=masks), atol=1e-4)
    assert np.abs(start - one_pass(SHORT))[:, :, :32].mean() > 0.01


def test_the_coarsest_scale_starts_from_it():
    config = SHORT.replace(min_size=40)
    stylizer = build_stylizer(config)
    first = next(stylizer.run(CONTENT, STYLES))
    coarse = [int(side) for side in first.size]
    assert coarse == stylizer.sizes(tf.shape(CONTENT))[0].numpy().tolist() != list(SIZE)
    start = stylizer.first_image(CONTENT, STYLES, coarse)
    np.testing.assert_allclose(start, resize(one_pass(config), coarse), atol=1e-4)
    assert 0 < np.abs(first.state.image - start).max() <= config.learning_rate + 1e-6  # one step of Adam


@pytest.mark.parametrize(("own", "painted"), [((64, 80), (64, 80)), ((96, 120), (64, 80)), ((32, 40), (32, 40))])
def test_it_is_painted_at_twice_the_scale_and_no_larger_than_the_content(own, painted):
    assert tuple(build_stylizer(SHORT).first_pass_size((32, 40), own).numpy()) == painted


def test_in_a_graph_it_is_the_same():
    stylizer = build_stylizer(SHORT)
    codes = stylizer.network.encode_styles(STYLES, tf.shape(CONTENT))

    @tf.function(autograph=False)
    def start(content, codes):
        loop = GraphLoop(stylizer)
        return loop.start(content, STYLES).run.image, loop.start(content, [], codes=codes).run.image

    eager = stylizer.first_image(CONTENT, STYLES, SIZE)
    for image in start(CONTENT, codes):
        np.testing.assert_allclose(image, eager, atol=1e-3)


def test_a_network_of_ones_own_counts(tmp_path):
    """A file changes the start as it is trained further, and a name is that of a file that comes with the package."""
    own = tmp_path / "mine.npz"
    own.write_bytes(EMBEDDED["arbitrary"].read_bytes())
    ours, theirs = (build_stylizer(SHORT.replace(init_network=name)) for name in (str(own), "arbitrary"))
    starts = [each.first_image(CONTENT, STYLES, SIZE) for each in (ours, theirs)]
    np.testing.assert_array_equal(*starts)


def test_a_loaded_network_is_used():
    network = build_network(SHORT.replace(network="arbitrary"))
    assert build_stylizer(SHORT, network=network).network.network is network
    assert build_stylizer(SHORT.replace(init="content")).network is None


def test_a_network_of_named_styles_is_refused():
    with pytest.raises(ConfigError, match="init_network=many_styles knows its styles by name") as caught:
        build_stylizer(SHORT.replace(init_network="many_styles"))
    assert_one_sentence(caught.value)

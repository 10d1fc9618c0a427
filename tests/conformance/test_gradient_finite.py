"""The gradient of every term is finite: for ordinary, flat and black pictures, in float32 and bfloat16."""

import pytest
import tensorflow as tf

from tests.conformance.table import BACKBONE_ROWS, LAYERS, TERMS, walk
from tests.materials import features_of, flat_picture, picture, small_objective, tiny_vgg
from tf_style.build.backbone import build_backbone
from tf_style.config import StylizeConfig
from tf_style.losses import content_loss, style_loss, total_variation_loss
from tf_style.ops.statistics import STATISTICS
from tf_style.types import References

PICTURES = {
    "ordinary": picture(32, 32, seed=3),
    "flat": flat_picture(0.5),
    "black": flat_picture(0.0),
    "tall": picture(64, 32, seed=4),
}


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def either_backbone(request):
    return tiny_vgg(compute_dtype=request.param)


def loss_and_gradient(objective, backbone, image, targets):
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = objective(features_of(backbone, image), targets)
    return loss, tape.gradient(loss, image)


def assert_usable(loss, gradient, image):
    assert loss.shape == image.shape[:1]
    assert loss.dtype == gradient.dtype == tf.float32
    assert bool(tf.reduce_all(tf.math.is_finite(loss)))
    assert bool(tf.reduce_all(tf.math.is_finite(gradient)))


@walk(TERMS)
def test_for_all_pictures(row, either_backbone):
    objective = row.make()
    targets = {}
    for name, reference in PICTURES.items():
        if name in ("ordinary", "black"):
            features = features_of(either_backbone, reference)
            targets[name] = objective.targets(References(features, (features,), (features,)))
    for image in (PICTURES["ordinary"], PICTURES["flat"], PICTURES["black"]):
        for target in targets.values():
            assert_usable(*loss_and_gradient(objective, either_backbone, image, target), image)


@walk(TERMS)
def test_styles_of_another_size(row, backbone):
    """A tall style image for a square content."""
    objective = row.make()
    content, image = features_of(backbone, PICTURES["flat"]), PICTURES["ordinary"]
    targets = objective.targets(References(content, (features_of(backbone, PICTURES["tall"]),), (content,)))
    assert_usable(*loss_and_gradient(objective, backbone, image, targets), image)


@pytest.mark.parametrize("compute_dtype", ["float32", "bfloat16"])
@walk(BACKBONE_ROWS)
def test_through_every_backbone(row, compute_dtype):
    layers = LAYERS if row.name == "compact_vgg19" else LAYERS[1:3]  # random kernels of full width are slow to draw
    backbone = row.make(layers, compute_dtype=compute_dtype)
    objective = small_objective("wasserstein", layers[-2:])
    references = [features_of(backbone, picture(32, 32, seed=seed)) for seed in (1, 2)]
    targets = objective.targets(References(references[0], (references[1],)))
    image = picture(32, 32, seed=3)
    loss, gradient = loss_and_gradient(objective, backbone, image, targets)
    assert_usable(loss, gradient, image)
    assert float(tf.reduce_max(tf.abs(gradient))) > 0


@pytest.mark.parametrize("statistic", STATISTICS)
def test_white_pictures(statistic):
    """The embedded backbone's features of a picture without edges are large and all alike: only rounding varies."""
    backbone = build_backbone(StylizeConfig(backbone="compact_vgg19", padding="replicate_all"))
    objective = style_loss(statistic=statistic)
    compiled, white = tf.function(loss_and_gradient, autograph=False), flat_picture(1.0, 64, 64)
    for style in (picture(64, 64, seed=1), white):
        targets = objective.targets(References({}, (features_of(backbone, style),)))
        assert_usable(*compiled(objective, backbone, white, targets), white)


def test_a_black_style_does_not_blow_up_the_loss(backbone):
    """Dividing by the energy of a target that has next to none must not make the numbers useless."""
    objective = content_loss() + style_loss(statistic="wasserstein") + total_variation_loss()
    black, image = features_of(backbone, PICTURES["black"]), PICTURES["ordinary"]
    loss, _ = loss_and_gradient(objective, backbone, image, objective.targets(References(black, (black,))))
    assert float(loss[0]) < 1e6

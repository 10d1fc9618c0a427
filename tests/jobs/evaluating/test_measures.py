"""What `tf-style evaluate` measures: distances and similarity."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import CONTENT_LAYERS, STYLE_LAYERS, flat_picture, picture, tiny_vgg
from tf_style.evaluation import Evaluation
from tf_style.losses import content_loss, style_loss
from tf_style.ops import structural_similarity
from tf_style.types import References


def pixels(image):
    """The least of backbones: the picture is its only layer."""
    return {"pixels": image}


def flat_color(color, height=32, width=32):
    return tf.broadcast_to(tf.constant(color, tf.float32), [1, height, width, 3])


def measured(evaluation, painting, content, style):
    """The measures of one painting as numbers."""
    measures = evaluation(painting, content, evaluation.style_targets(style))
    return tf.nest.map_structure(lambda tensor: float(tensor[0]), measures)


def test_known_gram_matrices():
    """Of a flat picture of colour c the Gram matrix is the outer product of c with itself."""
    evaluation = Evaluation(pixels, ["pixels"], ["pixels"])
    grey, white = flat_picture(0.5), flat_picture(1.0)
    red, green = flat_color((1.0, 0.0, 0.0)), flat_color((0.0, 1.0, 0.0))
    found = measured(evaluation, red, white, green)
    assert found.style_distance == pytest.approx(2.0)  # (1 + 1) / 1
    assert found.content_distance == pytest.approx(2 / 3)
    found = measured(evaluation, grey, white, white)
    assert found.style_distance == pytest.approx(0.75**2)  # 0.25 in the place of 1
    assert found.content_distance == pytest.approx(0.25)


def test_a_painting_that_is_its_content(evaluation):
    content = picture(seed=1)
    measures = measured(evaluation, content, content, picture(36, 32, seed=2))
    assert measures.content_distance == 0
    assert measures.structural_similarity == pytest.approx(1.0)
    assert measures.style_distance > 0


def test_a_painting_that_is_its_style(evaluation):
    style = picture(seed=2)
    measures = measured(evaluation, style, picture(seed=1), style)
    assert measures.style_distance == 0
    assert measures.content_distance > 0
    assert measures.structural_similarity < 0.9
    assert set(measures.style_distance_by_layer) == set(STYLE_LAYERS)
    assert not any(measures.style_distance_by_layer.values())


def test_distances_are_those_of_the_definition(evaluation):
    """Written out in NumPy: squares of differences over squares of targets, layer by layer."""
    painting, content, style = picture(seed=1), picture(seed=2), picture(36, 32, seed=3)
    found = measured(evaluation, painting, content, style)
    features = [
        {name: values.numpy()[0].astype(np.float64) for name, values in evaluation.backbone(image).items()}
        for image in (painting, content, style)
    ]
    by_layer = []
    for layer in STYLE_LAYERS:
        flat, _, target = (values[layer].reshape(-1, values[layer].shape[-1]) for values in features)
        gram, target = flat.T @ flat / len(flat), target.T @ target / len(target)
        by_layer.append(np.sum((gram - target) ** 2) / np.sum(target**2))
        assert found.style_distance_by_layer[layer] == pytest.approx(by_layer[-1], rel=1e-4)
    assert found.style_distance == pytest.approx(np.mean(by_layer), rel=1e-4)
    own, target = (values[CONTENT_LAYERS[0]] for values in features[:2])
    assert found.content_distance == pytest.approx(np.sum((own - target) ** 2) / np.sum(target**2), rel=1e-4)


def test_distances_are_the_engines_losses(evaluation):
    painting, content, style = picture(seed=1), picture(seed=2), picture(36, 32, seed=3)
    found = measured(evaluation, painting, content, style)
    own, *others = map(evaluation.backbone, (painting, content, style))
    for objective, value in (
        (style_loss(STYLE_LAYERS), found.style_distance),
        (content_loss(CONTENT_LAYERS), found.content_distance),
    ):
        loss = objective(own, objective.targets(References(others[0], (others[1],))))
        assert value == pytest.approx(float(loss[0]), rel=1e-5)


def test_structural_similarity_is_of_luminance():
    flat = structural_similarity(flat_picture(0.2), flat_picture(0.6))
    assert float(flat[0]) == pytest.approx((2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4), rel=1e-3)
    red, grey = flat_color((0.5, 0.0, 0.0)), flat_picture(0.5 * 0.2989)
    assert float(structural_similarity(red, grey)[0]) == pytest.approx(1.0, abs=1e-3)


def test_two_traces_for_all_pictures_and_sizes():
    evaluation = Evaluation(tiny_vgg(), STYLE_LAYERS, CONTENT_LAYERS)
    for number, (height, width) in enumerate([(32, 40), (40, 32), (33, 47), (64, 64)]):
        style = evaluation.style_targets(picture(32 + number, 50 - number, seed=number))
        evaluation(picture(height, width, seed=number), picture(height, width, seed=number + 9), style)
    assert evaluation.num_traces == 2, "one for styles, one for paintings"


def test_a_batch_is_its_pictures(evaluation):
    paintings, contents = picture(seed=1, batch=2), picture(seed=2, batch=2)
    style = evaluation.style_targets(picture(36, 32, seed=3))
    both = evaluation(paintings, contents, style)
    for number in range(2):
        one = evaluation(paintings[number : number + 1], contents[number : number + 1], style)
        for whole, part in zip(tf.nest.flatten(both), tf.nest.flatten(one), strict=True):
            assert float(whole[number]) == pytest.approx(float(part[0]), rel=1e-4)

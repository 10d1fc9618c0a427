"""Relaxed transport: what nearest places cost, by hand; which places are drawn; what masks and shares leave out."""

import numpy as np
import pytest
import tensorflow as tf

from tf_style.losses import relaxed_transport_loss
from tf_style.types import References

COLORS = {"distance": "euclidean"}


def features(rows, **others):
    """A picture of one row of pixels."""
    return {"image": tf.constant(rows, tf.float32)[None, None], **others}


def loss(own, styles, **options):
    objective = relaxed_transport_loss(("image",), **options)
    return float(objective(own, objective.targets(References({}, tuple(styles))))[0])


def test_ways_there_and_back():
    """Both colours of the picture have a near one in the style, but the style's third is far from all."""
    own, style = features([[0, 0, 0], [1, 0, 0]]), features([[0, 0, 0.1], [1, 0, 0], [1, 1, 0]])
    np.testing.assert_allclose(loss(own, [style], **COLORS), (0.1 + 0) / 2 + (0.1 + 0 + 1) / 3, atol=2e-3)
    own, style = features([[1, 0, 0], [0, 1, 0]]), features([[2, 0, 0], [1, 1, 0]])
    diagonal = 1 - np.cos(np.pi / 4)  # from [0, 1, 0] to [1, 1, 0], and back
    np.testing.assert_allclose(loss(own, [style]), diagonal / 2 + diagonal / 2, atol=1e-5)


def test_shares_and_masks_leave_places_out():
    own, near, far = features([[0, 0, 0]]), features([[0, 0, 0]]), features([[1, 1, 1]])
    assert loss(own, [near, far], style_blend=(1, 0), **COLORS) == pytest.approx(0, abs=1e-6)
    assert loss(own, [near, far], style_blend=(1, 1), **COLORS) == pytest.approx(3**0.5 / 2, abs=2e-3)
    assert loss(own, [near, far], style_blend=(0, 1), **COLORS) == pytest.approx(2 * 3**0.5, abs=4e-3)
    both = [[0, 0, 0], [1, 1, 1]]
    masked = {"mask": tf.constant([1.0, 0.0])[None, None, :, None]}
    assert loss(own, [features(both, **masked)], **COLORS) == pytest.approx(0, abs=1e-6)
    assert loss(features(both, **masked), [near], **COLORS) == pytest.approx(0, abs=1e-6)
    assert loss(own, [features(both)], **COLORS) == pytest.approx(3**0.5 / 2, abs=2e-3)


def test_places_are_drawn_by_seed_and_step():
    random = np.random.default_rng(0).uniform(size=(2, 500, 3))
    own, style = features(random[0]), [features(random[1])]
    some = {"num_places": 64, **COLORS}
    values = [loss(own, style, seed=seed, **some) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]
    steps = [loss({**own, "step": tf.constant(step)}, style, **some) for step in range(20)]
    assert len(set(steps)) == 20
    # Among fewer places the nearest are farther, so compare samples of one size.
    np.testing.assert_allclose(np.mean(steps), np.mean([loss(own, style, seed=s, **some) for s in range(20)]), rtol=0.1)


def test_refused():
    with pytest.raises(ValueError, match="cosine, euclidean"):
        relaxed_transport_loss(distance="taxi")
    with pytest.raises(ValueError, match="2 layer weights"):
        relaxed_transport_loss(layer_weights=(1, 2))

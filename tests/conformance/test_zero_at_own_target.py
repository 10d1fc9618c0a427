"""A term's loss is zero at its own target: within a stated share of what a random pair has."""

import numpy as np
import pytest

from tests.conformance.table import LAYERS, TERMS, walk
from tests.materials import features_of, flat_picture, picture
from tf_style.backbones import compact_vgg19
from tf_style.losses.weighting import NORMALIZATIONS
from tf_style.types import References

#: What Newton-Schulz may leave of the Wasserstein distance where most eigenvalues are next to zero.
_COARSE = 0.2


def own_and_other(row, backbone, size):
    """The loss at the term's own target, and that of another picture."""
    target, other = (
        features_of(backbone, picture(size, size, seed=1)),
        features_of(backbone, picture(size, size, seed=2)),
    )
    objective = row.make()
    targets = objective.targets(References(target, (target,), (target,)))
    own = features_of(backbone, flat_picture(0.4)) if row.name.startswith(("total_variation", "clip")) else target
    return float(objective(own, targets)[0]), float(objective(other, targets)[0])


@walk(TERMS)
def test_zero_at_own_target(row, backbone):
    own, other = own_and_other(row, backbone, 64)
    assert other > 0
    assert 0 <= own <= row.at_target * other


@pytest.fixture(scope="module")
def compact():
    """Up to 256 channels, whose covariances have few ranks."""
    return compact_vgg19(LAYERS)


@pytest.mark.parametrize("size", [32, 128])
@walk([row for row in TERMS if row.name.startswith("style-")])
def test_with_more_channels_than_positions(row, size, compact):
    own, other = own_and_other(row, compact, size)
    share = _COARSE if "wasserstein" in row.name else row.at_target
    assert 0 <= own <= share * other


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_wasserstein_is_zero_through_the_embedded_backbone(normalization, compact):
    row = next(row for row in TERMS if row.name == f"style-wasserstein-{normalization}")
    own, other = own_and_other(row, compact, 128)
    assert own <= row.at_target * other


@walk(TERMS)
def test_blend_of_twins_is_the_twin(row, backbone):
    """Two style images that are the same count as one."""
    target = features_of(backbone, picture(48, 48, seed=1))
    other = features_of(backbone, picture(48, 48, seed=2))
    objective = row.make()
    once = objective(other, objective.targets(References(target, (target,), (target,))))
    twice = objective(other, objective.targets(References(target, (target, target), (target,))))
    np.testing.assert_allclose(twice, once, rtol=1e-4)

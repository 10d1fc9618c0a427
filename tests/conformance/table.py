"""The one table of all terms, backbones, optimisers and networks. A new one is a new row here, and keeps every promise.

The promises are the `test_*.py` beside this file.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest
import tensorflow as tf

from tests import materials
from tf_style import ops
from tf_style.backbones import compact_vgg19, vgg16, vgg19
from tf_style.losses import (
    Objective,
    clip_direction_loss,
    clip_patch_loss,
    content_loss,
    pixel_loss,
    relaxed_transport_loss,
    standardized_content_loss,
    style_loss,
    temporal_loss,
    total_variation_loss,
)
from tf_style.losses.weighting import NORMALIZATIONS
from tf_style.networks.arbitrary import ENCODER_LAYERS, ArbitraryStyleNetwork
from tf_style.networks.many_styles import ManyStylesNetwork
from tf_style.ops import STATISTICS
from tf_style.optimizers import adam, lbfgs, lbfgs_fixed_step

LAYERS = materials.CONTENT_LAYERS + materials.STYLE_LAYERS


class TermRow(NamedTuple):
    """A term; `at_target` is the largest loss at its own target, as a share of a random pair's."""

    name: str
    make: Callable[[], Objective]
    factory: Callable
    at_target: float


# Newton-Schulz stops before the smallest eigenvalues have converged, so the Wasserstein distance is not quite zero.
_AT_TARGET = {"gram": 1e-9, "mean_std": 1e-9, "wasserstein": 2e-2}

TERMS = (
    *(
        TermRow(f"content-{kind}", lambda kind=kind: content_loss(normalization=kind), content_loss, 0.0)
        for kind in NORMALIZATIONS
    ),
    *(
        TermRow(
            f"style-{statistic}-{kind}",
            lambda statistic=statistic, kind=kind: style_loss(statistic=statistic, normalization=kind),
            style_loss,
            _AT_TARGET[statistic],
        )
        for statistic in STATISTICS
        for kind in NORMALIZATIONS
    ),
    *(
        TermRow(f"total_variation-{norm}", lambda norm=norm: total_variation_loss(norm), total_variation_loss, 0.0)
        for norm in ("l1", "l2")
    ),
    TermRow("temporal", temporal_loss, temporal_loss, 0.0),
    TermRow("clip_direction", lambda: _through_text(clip_direction_loss), clip_direction_loss, 1e-5),
    TermRow("clip_patches", lambda: _through_text(clip_patch_loss, number=6, threshold=0.0), clip_patch_loss, 1e-5),
    TermRow("pixels", pixel_loss, pixel_loss, 0.0),
    TermRow("content-standardized", standardized_content_loss, standardized_content_loss, 1e-6),
    TermRow("transport-cosine", relaxed_transport_loss, relaxed_transport_loss, 1e-5),
    TermRow(
        "transport-euclidean",
        lambda: relaxed_transport_loss(("image",), distance="euclidean", pool=4),
        relaxed_transport_loss,
        1e-3,
    ),
)


def _through_text(loss, **options):
    """A term with a small encoder in place of CLIP, towards a grey picture."""
    way = materials.text_encoder(materials.flat_picture(0.4, 16, 16))
    start = materials.text_encoder(ops.resampled(materials.picture(64, 64, seed=1), (16, 16)))
    direction = (tf.math.l2_normalize(way, -1) - tf.math.l2_normalize(start, -1))[0].numpy()
    return loss(materials.text_encoder, direction, side=16, **options)


class BackboneRow(NamedTuple):
    """A backbone with weights that need no network, and its layers."""

    name: str
    make: Callable
    factory: Callable


BACKBONE_ROWS = (
    BackboneRow("vgg19", lambda layers, **options: vgg19(layers, weights=None, **options), vgg19),
    BackboneRow("vgg16", lambda layers, **options: vgg16(layers, weights=None, **options), vgg16),
    BackboneRow("compact_vgg19", compact_vgg19, compact_vgg19),
)


class OptimizerRow(NamedTuple):
    """An optimiser of pixels."""

    name: str
    make: Callable
    factory: Callable


OPTIMIZER_ROWS = (
    OptimizerRow("adam", adam, adam),
    OptimizerRow("lbfgs", lambda: lbfgs(num_correction_pairs=5), lbfgs),
    OptimizerRow("lbfgs_fixed_step", lambda: lbfgs_fixed_step(num_correction_pairs=5), lbfgs_fixed_step),
)


class NetworkRow(NamedTuple):
    """A feed-forward network with random weights, and two styles for it."""

    name: str
    make: Callable
    factory: Callable
    styles: tuple


NETWORK_ROWS = (
    NetworkRow(
        "arbitrary",
        lambda dtype="float32": ArbitraryStyleNetwork(
            materials.tiny_vgg(ENCODER_LAYERS, compute_dtype=dtype), (4, 4, 8, 8), dtype
        ),
        ArbitraryStyleNetwork,
        (materials.picture(36, 32, seed=2), materials.picture(40, 44, seed=3)),
    ),
    NetworkRow(
        "many_styles", lambda dtype="float32": ManyStylesNetwork(("a", "b"), dtype), ManyStylesNetwork, ("a", "b")
    ),
)


def walk(rows):
    """Parametrizes a test by the rows of a table, under their names."""
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])

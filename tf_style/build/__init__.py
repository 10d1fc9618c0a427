"""Builds objects from configs; only here names are turned into what they stand for."""

import keras

from tf_style.build.backbone import BackboneChoice, backbone_widths, build_backbone, choose_backbone
from tf_style.build.evaluation import build_evaluation
from tf_style.build.guides import Guides
from tf_style.build.network import Network, NetworkChoice, build_network, choose_network
from tf_style.build.recoloring import build_recoloring
from tf_style.build.stylizer import (
    build_feed_forward,
    build_objective,
    build_optimization,
    build_optimizer,
    build_stylizer,
    shared_stylizer,
    with_jit_compile,
)
from tf_style.build.training import build_teacher, build_trainer, find_encoder

__all__ = [
    "BackboneChoice",
    "Guides",
    "Network",
    "NetworkChoice",
    "backbone_widths",
    "build_backbone",
    "build_evaluation",
    "build_feed_forward",
    "build_network",
    "build_objective",
    "build_optimization",
    "build_optimizer",
    "build_recoloring",
    "build_stylizer",
    "build_teacher",
    "build_trainer",
    "choose_backbone",
    "choose_network",
    "find_encoder",
    "shared_stylizer",
    "with_jit_compile",
]

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"Painting needs Keras's backend tensorflow, but it is {keras.backend.backend()}; set KERAS_BACKEND=tensorflow "
        "before Keras is imported."
    )

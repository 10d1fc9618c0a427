"""Builds what makes a narrow backbone from a config."""

from __future__ import annotations

import keras
import numpy as np

from tf_style.backbones import (
    Kernels,
    canonical_layer,
    compact_channels,
    compact_kernels,
    compact_readouts,
    known_layer,
    resolve_compute_dtype,
    up_to,
    vgg_features,
)
from tf_style.backbones.weights import application_kernels
from tf_style.build.training import cosine_adam
from tf_style.config import ConfigError, DistillConfig
from tf_style.distillation.initialization import Student
from tf_style.distillation.readouts import fit_readouts
from tf_style.distillation.training import Distiller
from tf_style.losses import Objective, content_loss, style_loss


def teacher_kernels(config: DistillConfig) -> Kernels:
    """The teacher's kernels, up to the student's deepest layer.

    Raises:
      ConfigError: Layers are out of order, a block has none, or a layer has more channels than the teacher's.
      ValueError: The teacher does not have a layer.
      WeightsError: The teacher's weights are missing or do not fit.
    """
    if config.teacher == "compact_vgg19":
        kernels = compact_kernels(config.weights)
    else:
        kernels = application_kernels(config.teacher, config.weights or "imagenet")
    widths = student_widths(config)
    layers = [known_layer(layer, config.teacher, kernels) for layer in config.layers]
    if layers != [layer for layer in kernels if layer in layers]:
        raise ConfigError(
            f"layers must be in the teacher's order, each named once, but {', '.join(config.layers)} was given."
        )
    blocks = {layer[:6] for layer in layers}
    for block in (layer[:6] for layer in kernels):
        if block < max(blocks) and block not in blocks:
            raise ConfigError(f"layers has none of {block}, but deeper ones; name at least one layer of each block.")
    for layer, width in widths.items():
        if width > kernels[layer][0].shape[-1]:
            raise ConfigError(
                f"channels has {width} for {layer}, but {config.teacher} has only {kernels[layer][0].shape[-1]} there; "
                "give at most that."
            )
    return up_to(kernels, list(widths))


def teacher_channels(config: DistillConfig) -> dict[str, np.ndarray]:
    """Which of VGG-19's channels a teacher has, by layer, if it is narrow itself; else empty."""
    return compact_channels(config.weights) if config.teacher == "compact_vgg19" else {}


def student_widths(config: DistillConfig) -> dict[str, int]:
    """The number of channels of each of the student's layers, by Keras's names."""
    layers = [canonical_layer(layer) for layer in config.layers]
    if len(config.channels) == len(layers):
        return dict(zip(layers, config.channels, strict=True))
    return {layer: config.channels[min(int(layer[5:6]) - 1, 4)] if layer[5:6].isdigit() else 1 for layer in layers}


def build_distiller(config: DistillConfig, teacher: Kernels, student: Student) -> Distiller:
    """Builds the `Distiller` that fine-tunes a fitted student."""
    layers, dtype = list(student.kernels), resolve_compute_dtype(config.compute_dtype)
    return Distiller(
        vgg_features("teacher", teacher, layers, "max", "zero", dtype),
        vgg_features("student", student.kernels, layers, "max", "zero", dtype, trainable=True),
        student.channels,
        distillation_objective(config, layers),
        distillation_optimizer(config),
        noise=config.noise,
    )


def student_readouts(config: DistillConfig, distiller: Distiller, images: np.ndarray) -> dict[str, np.ndarray]:
    """The readouts that mix a trained student's features; `images` as for `fit_readouts`."""
    mixed = compact_readouts(config.weights) if config.teacher == "compact_vgg19" else {}
    return fit_readouts(distiller.teacher, distiller.student, images, mixed)


def distillation_objective(config: DistillConfig, layers: list[str]) -> Objective:
    """The losses of features and their Gram matrices; terms of weight 0 are left out."""
    total = sum(config.layer_weights)
    shares = [weight / total for weight in config.layer_weights] or None
    features = content_loss(layers, layer_weights=shares, name="features")
    terms = config.feature_weight * features + config.gram_weight * style_loss(
        layers, layer_weights=shares, name="gram"
    )
    return Objective(tuple(pair for pair in terms.terms if pair[0] > 0))


def distillation_optimizer(config: DistillConfig) -> keras.optimizers.Optimizer:
    """Adam with a cosine schedule."""
    return cosine_adam(config.learning_rate, config.num_steps, config.warm_up_steps)

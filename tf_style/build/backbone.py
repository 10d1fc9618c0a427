"""Chooses and builds a config's backbone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from tf_style.backbones import (
    BACKBONES,
    cached_weights,
    canonical_layer,
    compact_kernels,
    compact_readouts,
    empty_kernels,
    resolve_compute_dtype,
    vgg_features,
)
from tf_style.config import EvaluateConfig, StylizeConfig, TrainConfig


@dataclasses.dataclass(frozen=True)
class BackboneChoice:
    """How `backbone="auto"` and `compute_dtype="auto"` were resolved, and why, for a line of log."""

    name: str
    weights: str
    compute_dtype: str
    reason: str


def choose_backbone(config: EvaluateConfig | StylizeConfig | TrainConfig) -> BackboneChoice:
    """Resolves the "auto" values of `backbone`, `weights` and `compute_dtype`; loads nothing."""
    dtype = resolve_compute_dtype(config.compute_dtype)
    if config.backbone == "auto" and config.weights:
        name, weights, reason = "vgg19", config.weights, f"weights given: {config.weights}"
    elif config.backbone == "auto" and (cached := cached_weights("vgg19")):
        name, weights, reason = "vgg19", "imagenet", f"its weights are in Keras's cache: {cached}"
    elif config.backbone == "auto":
        name, weights = "compact_vgg19", ""
        reason = "embedded; VGG-19's weights are not in Keras's cache: --backbone=vgg19 downloads them (80 MB)"
    else:
        name, weights, reason = config.backbone, config.weights, "as asked"
        if not weights and name != "compact_vgg19":
            weights = "imagenet"
    return BackboneChoice(name, weights, dtype, reason)


def backbone_widths(config: StylizeConfig) -> dict[str, list[int]]:
    """A narrow backbone's channels in each layer and its readout (0: none); empty for other backbones.

    Raises:
      WeightsError: The weights cannot be used.
    """
    choice = choose_backbone(config)
    if choice.name != "compact_vgg19":
        return {}
    kernels, readouts = compact_kernels(choice.weights), compact_readouts(choice.weights)
    mixed = {layer: readout.shape[-1] for layer, readout in readouts.items()}
    return {layer: [len(bias), mixed.get(layer, 0)] for layer, (_, bias) in kernels.items()}


def build_backbone(
    config: StylizeConfig,
    *,
    pretrained: bool = True,
    widths: Mapping[str, Sequence[int]] | None = None,
    for_styles: bool = False,
    also: Sequence[str] = (),
) -> keras.Model:
    """Builds the backbone with only the layers that the config's losses compare.

    Args:
      config: All options.
      pretrained: False gives VGG-19 and VGG-16 random weights, to be set afterwards.
      widths: From `backbone_widths`: gives a narrow backbone weights of zeros, to be set afterwards.
      for_styles: Whether it is for style pictures, whose opposite edges are not joined even if the result is tileable.
      also: More layers, by Keras's names.

    Raises:
      ValueError: Unknown layer.
      WeightsError: The weights are missing or do not fit.
    """
    choice = choose_backbone(config)
    padding = "circular" if config.tileable and not for_styles else config.padding
    layers = dict.fromkeys(
        canonical_layers(config.content_layers) + canonical_layers(config.style_layers) + tuple(also)
    )
    if widths:
        kernels, dtype = empty_kernels({layer: width for layer, (width, _) in widths.items()}), choice.compute_dtype
        readouts = {layer: np.zeros(shape, np.float32) for layer, shape in widths.items() if shape[1]}
        return vgg_features(choice.name, kernels, list(layers), config.pooling, padding, dtype, readouts=readouts)
    return BACKBONES[choice.name](
        list(layers),
        weights=(choice.weights or None) if pretrained or choice.name == "compact_vgg19" else None,
        pooling=config.pooling,
        padding=padding,
        compute_dtype=choice.compute_dtype,
    )


def canonical_layers(names: tuple[str, ...]) -> tuple[str, ...]:
    """Keras's names of layers."""
    return tuple(map(canonical_layer, names))

"""From a config to objects: the one place where names become what they stand for."""

from __future__ import annotations

import dataclasses
import functools

import keras

from tf_style.backbones import BACKBONES, cached_weights, canonical_layer, resolve_compute_dtype
from tf_style.config import StylizeConfig
from tf_style.losses import Objective, content_loss, style_loss, total_variation_loss
from tf_style.optimizers import OPTIMIZERS
from tf_style.stylizers import Optimization, PyramidStylizer
from tf_style.types import Optimizer


@dataclasses.dataclass(frozen=True)
class BackboneChoice:
    """What `backbone="auto"` and `compute_dtype="auto"` came to, and why, for one line of log."""

    name: str
    weights: str
    compute_dtype: str
    reason: str


def choose_backbone(config: StylizeConfig) -> BackboneChoice:
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


def build_backbone(config: StylizeConfig, *, pretrained: bool = True) -> keras.Model:
    """The backbone with just the layers that the config's losses look at.

    Args:
      config: All options.
      pretrained: False leaves VGG-19 and VGG-16 with random weights, for those who set them afterwards.

    Raises:
      ValueError: Unknown layer.
      WeightsError: Its weights are missing or do not fit.
    """
    choice = choose_backbone(config)
    layers = dict.fromkeys(_layers(config.content_layers) + _layers(config.style_layers))
    return BACKBONES[choice.name](
        list(layers),
        weights=(choice.weights or None) if pretrained or choice.name == "compact_vgg19" else None,
        pooling=config.pooling,
        padding=config.padding,
        compute_dtype=choice.compute_dtype,
    )


def build_objective(config: StylizeConfig) -> Objective:
    """The weighted losses; terms of weight 0 are left out."""
    terms = [
        config.content_weight
        * content_loss(
            _layers(config.content_layers),
            layer_weights=config.content_layer_weights or None,
            normalization=config.loss_normalization,
        ),
        config.style_weight
        * style_loss(
            _layers(config.style_layers),
            statistic=config.style_statistic,
            layer_weights=config.style_layer_weights or None,
            style_blend=config.style_blend or None,
            normalization=config.loss_normalization,
        ),
        config.total_variation_weight * total_variation_loss(config.total_variation),
    ]
    return Objective(tuple(pair for objective in terms for pair in objective.terms if pair[0] > 0))


def build_optimizer(config: StylizeConfig) -> Optimizer:
    """The optimiser of the pixels."""
    options = {"learning_rate": config.learning_rate} if config.optimizer == "adam" else {}
    return OPTIMIZERS[config.optimizer](**options)


def build_stylizer(config: StylizeConfig, backbone: keras.Model | None = None) -> PyramidStylizer:
    """The whole: content and styles in, painting out.

    Args:
      config: All options; `size` is not used here, pictures come in the size they are to be painted in.
      backbone: Another network than the config names.

    Raises:
      ValueError, WeightsError: As `build_backbone`.
    """
    optimization = Optimization(
        build_backbone(config) if backbone is None else backbone,
        build_objective(config),
        build_optimizer(config),
        average_decay=config.average_decay,
        tolerance=config.relative_tolerance,
        jit_compile=config.jit_compile,
    )
    return PyramidStylizer(
        optimization,
        num_steps=config.num_steps,
        first_steps=config.first_steps or None,
        min_size=config.min_size,
        scale_factor=config.scale_factor,
        init=config.init,
        style_scale=config.style_scale,
        seed=config.seed,
    )


@functools.lru_cache(maxsize=4)
def _cached_stylizer(config: StylizeConfig, choice: BackboneChoice) -> PyramidStylizer:
    del choice  # part of the key: what "auto" came to
    return build_stylizer(config)


def shared_stylizer(config: StylizeConfig) -> PyramidStylizer:
    """`build_stylizer`, kept for the last few configs, so that many pictures load one model and trace one step."""
    return _cached_stylizer(config, choose_backbone(config))


def _layers(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(canonical_layer, names))

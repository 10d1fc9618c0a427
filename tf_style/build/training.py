"""Builds the trainer of a network from a config."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tf_style.backbones import BACKBONES, Kernels, compact_kernels, up_to
from tf_style.build.backbone import canonical_layers, choose_backbone
from tf_style.build.network import build_network, default_encoder, make_network
from tf_style.config import ConfigError, StylizeConfig, TrainConfig
from tf_style.losses import (
    Objective,
    content_loss,
    pixel_loss,
    relaxed_transport_loss,
    standardized_content_loss,
    style_loss,
    total_variation_loss,
)
from tf_style.networks.arbitrary import ENCODER_LAYERS, ArbitraryStyleNetwork
from tf_style.networks.archive import NetworkError, encoder_kernels, find_network, read_card, read_weights
from tf_style.networks.training import Trainer
from tf_style.networks.training_losses import COLORS, RECONSTRUCTION, STYLE

#: Layers by whose features, beside the pixels, neutral pictures must come out unchanged, and their weights.
_KEPT_LAYERS, _KEPT_WEIGHTS = ("block2_conv1", "block4_conv2"), (0.1, 0.1)
_COLORS_POOL = 4  # colours are compared as means over squares of so many pixels
_CONTENT_WEIGHTS = {"block3_conv1": 0.25}
_CONTENT_FALLS = 0.4  # of the steps
_BETA_2 = 0.99


def find_encoder(config: TrainConfig, init_from: str = "", encoder: str = "") -> Kernels | None:
    """The kernels of the frozen encoder of a network for any style; None for other networks.

    Args:
      config: All options.
      init_from: The network to start from; its encoder is kept unless `encoder` is given.
      encoder: A backbone's file from `tf-style distill`; default: the embedded backbone.

    Raises:
      ConfigError: An encoder was given for a network that has none.
      NetworkError: The network to start from does not exist, or holds no encoder.
      WeightsError: The encoder's file cannot be used, or lacks a layer.
    """
    if config.network != ArbitraryStyleNetwork.kind:
        if encoder:
            raise ConfigError(f"--encoder is for --network={ArbitraryStyleNetwork.kind}; leave it out.")
        return None
    if encoder:
        return up_to(compact_kernels(encoder), ENCODER_LAYERS)
    if not init_from:
        return default_encoder()
    path = find_network(init_from)
    if read_card(path)["kind"] != config.network:
        return default_encoder()  # the caller will report that it does not fit
    return encoder_kernels(read_weights(path), str(path))


def build_trainer(config: TrainConfig, styles: tuple[str, ...] = (), encoder: Kernels | None = None) -> Trainer:
    """Builds a network with random weights, and its trainer.

    Args:
      config: All options.
      styles: Names of the styles, for a network of named styles.
      encoder: From `find_encoder`.

    Raises:
      ValueError: Unknown layer.
      WeightsError: The backbone's weights are missing or do not fit.
    """
    choice = choose_backbone(config)
    named = (config.content_layers, config.style_layers, config.transport_layers)
    layers = [layer for layers in named for layer in canonical_layers(layers)]
    layers += _KEPT_LAYERS if config.reconstruction_weight else ()
    backbone = BACKBONES[choice.name](
        list(dict.fromkeys(layers)),
        weights=choice.weights or None,
        padding="replicate",
        compute_dtype=choice.compute_dtype,
    )
    network = make_network(config.network, choice.compute_dtype, styles, encoder)
    objective, optimizer = training_objective(config), keras_optimizer(config)
    return Trainer(network, backbone, objective, optimizer, content_factor(config), config.stability_weight)


def build_teacher(config: TrainConfig, name: str) -> ArbitraryStyleNetwork:
    """Loads a trained network whose paintings another network learns from.

    Args:
      config: All options of the network to train.
      name: An embedded network's name, or a path.

    Raises:
      NetworkError: The teacher does not exist, or does not take any style.
    """
    network = build_network(StylizeConfig(network=name, compute_dtype=choose_backbone(config).compute_dtype))
    if not isinstance(network, ArbitraryStyleNetwork):
        raise NetworkError(
            f"--teacher={name} is a network of kind {network.kind}, but a teacher must take any style; give one of "
            f"kind {ArbitraryStyleNetwork.kind}."
        )
    return network


def training_objective(config: TrainConfig) -> Objective:
    """The losses of training; terms of weight 0 are left out."""
    content_layers = canonical_layers(config.content_layers)
    content_weights = [_CONTENT_WEIGHTS.get(layer, 1.0) for layer in content_layers]
    terms = (
        config.content_weight
        * standardized_content_loss(content_layers, layer_weights=config.content_layer_weights or content_weights),
        *(
            config.style_weight
            * style_loss(
                canonical_layers(config.style_layers),
                statistic=statistic,
                layer_weights=config.style_layer_weights or None,
                name=f"{STYLE}_{statistic}",
            )
            for statistic in config.style_statistics
        ),
        config.transport_weight * relaxed_transport_loss(canonical_layers(config.transport_layers), seed=config.seed),
        config.color_transport_weight
        * relaxed_transport_loss(
            ("image",), distance="euclidean", pool=_COLORS_POOL, seed=config.seed, name="color_transport"
        ),
        config.reconstruction_weight * pixel_loss(name=RECONSTRUCTION),
        config.reconstruction_weight
        * content_loss(_KEPT_LAYERS, layer_weights=_KEPT_WEIGHTS, name=f"{RECONSTRUCTION}_features"),
        config.color_weight * content_loss((COLORS,), name=COLORS),
        config.total_variation_weight * total_variation_loss(),
    )
    return Objective(tuple(pair for objective in terms for pair in objective.terms if pair[0] > 0))


def content_factor(config: TrainConfig) -> Callable[[tf.Tensor], tf.Tensor]:
    """From the number of steps made to the factor of the content's weight: it falls to 1 in the first 40 %."""
    falls = _CONTENT_FALLS * config.num_steps
    return lambda step: 1.0 + (config.content_start - 1.0) * tf.nn.relu(1.0 - step / falls)


def keras_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    """Adam with a cosine schedule."""
    # Each replica clips its share of the gradient before the shares are added up.
    norm = config.gradient_norm / tf.distribute.get_strategy().num_replicas_in_sync
    return cosine_adam(
        config.learning_rate, config.num_steps, config.warm_up_steps, global_clipnorm=norm, beta_2=_BETA_2
    )


def cosine_adam(learning_rate: float, num_steps: int, warm_up_steps: int, **options: Any) -> keras.optimizers.Adam:
    """Adam with a learning rate that rises in the first steps and then falls to 0 along a cosine."""
    warm_up = min(warm_up_steps, num_steps // 2)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warm_up else learning_rate,
        max(num_steps - warm_up, 1),
        warmup_target=learning_rate if warm_up else None,
        warmup_steps=warm_up,
    )
    return keras.optimizers.Adam(schedule, **options)

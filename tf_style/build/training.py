"""Builds the trainer of a network from a config."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tf_style.backbones import BACKBONES, Kernels, compact_kernels, up_to
from tf_style.build.backbone import canonical_layers, choose_backbone
from tf_style.build.network import build_network, default_encoder, make_network
from tf_style.config import ConfigError, StylizeConfig, TrainConfig
from tf_style.losses import Objective, content_loss, style_loss, total_variation_loss
from tf_style.networks.arbitrary import ENCODER_LAYERS, ArbitraryStyleNetwork
from tf_style.networks.archive import NetworkError, encoder_kernels, find_network, read_card, read_weights
from tf_style.networks.training import COLORS, RECONSTRUCTION, Trainer


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
    layers = canonical_layers(config.content_layers) + canonical_layers(config.style_layers)
    backbone = BACKBONES[choice.name](
        list(dict.fromkeys(layers)),
        weights=choice.weights or None,
        padding="replicate",
        compute_dtype=choice.compute_dtype,
    )
    network = make_network(config.network, choice.compute_dtype, styles, encoder)
    return Trainer(network, backbone, training_objective(config), keras_optimizer(config))


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
    terms = (
        config.content_weight * content_loss(canonical_layers(config.content_layers)),
        *(
            config.style_weight
            * style_loss(
                canonical_layers(config.style_layers),
                statistic=statistic,
                layer_weights=config.style_layer_weights or None,
                name=f"style_{statistic}",
            )
            for statistic in config.style_statistics
        ),
        config.reconstruction_weight * content_loss(("image",), name=RECONSTRUCTION),
        config.color_weight * content_loss((COLORS,), name=COLORS),
        config.total_variation_weight * total_variation_loss(),
    )
    return Objective(tuple(pair for objective in terms for pair in objective.terms if pair[0] > 0))


def keras_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    """Adam with a cosine schedule."""
    # Each replica clips its share of the gradient before the shares are added up.
    norm = config.gradient_norm / tf.distribute.get_strategy().num_replicas_in_sync
    return cosine_adam(config.learning_rate, config.num_steps, config.warm_up_steps, global_clipnorm=norm)


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

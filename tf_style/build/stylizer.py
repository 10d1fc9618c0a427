"""Builds a stylizer from a config."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import keras
import tensorflow as tf

from tf_style.build.backbone import build_backbone, canonical_layers, choose_backbone
from tf_style.build.guides import NO_GUIDES, Guides, guide_colors
from tf_style.build.network import Network, build_network
from tf_style.config import ConfigError, StylizeConfig
from tf_style.controls import style_factor
from tf_style.encoders import load_clip
from tf_style.guidance import regional
from tf_style.losses import (
    Objective,
    clip_direction_loss,
    clip_patch_loss,
    content_loss,
    style_loss,
    total_variation_loss,
)
from tf_style.networks.archive import find_network
from tf_style.networks.many_styles import ManyStylesNetwork
from tf_style.optimizers import OPTIMIZERS
from tf_style.stylizers import FeedForwardStylizer, Optimization, PyramidStylizer
from tf_style.types import Optimizer

#: Layers of the loss under a "keep" mask: shallow ones, which hold the strokes of letters and the lines of faces.
KEEP_LAYERS = ("block2_conv1", "block3_conv1")
# Pixels. In smaller pictures a network's attention has so few places that their grid shows, and faces dissolve.
_SMALL = 384 * 384


def build_objective(config: StylizeConfig, guides: Guides = NO_GUIDES) -> Objective:
    """The weighted losses of a config, with regions and "keep" if `guides` say so; terms of weight 0 are left out."""
    keep = content_loss(KEEP_LAYERS, normalization=config.loss_normalization, name="keep")
    terms = [
        config.content_weight
        * content_loss(
            canonical_layers(config.content_layers),
            layer_weights=config.content_layer_weights or None,
            normalization=config.loss_normalization,
        ),
        config.scaled_style_weight
        * style_loss(
            canonical_layers(config.style_layers),
            statistic=config.style_statistic,
            layer_weights=config.style_layer_weights or None,
            style_blend=config.style_blend or None,
            normalization=config.loss_normalization,
        ),
        config.total_variation_weight * total_variation_loss(config.total_variation, wrap=config.tileable),
        *([config.keep_weight * regional(keep, "keep", 1)] if guides.keep else []),
    ]
    objective = _without_zeros(terms)
    text = _without_zeros(_text_terms(config))
    if not guides.num_regions:
        return objective + text
    by_region = regional(objective, "regions", guides.num_regions, by_style=guides.num_regions > 1)
    return Objective(
        tuple(
            changed if plain[1].reads == "styles" else plain
            for plain, changed in zip(objective.terms, by_region.terms, strict=True)
        )
        + text.terms
    )


def _without_zeros(objectives: Sequence[Objective]) -> Objective:
    return Objective(tuple(pair for objective in objectives for pair in objective.terms if pair[0] > 0))


def _text_terms(config: StylizeConfig) -> list[Objective]:
    """The losses of words through CLIP; none without words."""
    if not config.clip_text:
        return []
    encoder = load_clip(config.clip_preset)
    direction = encoder.direction(config.clip_text, config.source_text)
    if not direction.any():
        raise ConfigError(
            f"To CLIP, clip_text={config.clip_text!r} and source_text={config.source_text!r} are the same; describe "
            "the painting and the content in different words."
        )
    strength = style_factor(config.style_strength)
    encode, side = encoder.encode_images, encoder.side
    return [
        strength * config.clip_weight * clip_direction_loss(encode, direction, side=side),
        strength * config.clip_patch_weight * clip_patch_loss(encode, direction, side=side, number=config.clip_patches),
    ]


def build_optimizer(config: StylizeConfig) -> Optimizer:
    """The optimiser of the pixels."""
    options = {"learning_rate": config.learning_rate} if config.optimizer == "adam" else {}
    fixed = config.optimizer == "lbfgs" and config.line_search == "none"
    return OPTIMIZERS["lbfgs_fixed_step" if fixed else config.optimizer](**options)


def build_stylizer(
    config: StylizeConfig,
    backbone: keras.Model | None = None,
    network: Network | None = None,
    *,
    guides: Guides = NO_GUIDES,
) -> PyramidStylizer | FeedForwardStylizer:
    """Builds a stylizer: with a network if the config names one, else by optimisation.

    Args:
      config: All options. `size` is ignored: pictures are painted at the size they have.
      backbone: A backbone to use instead of the config's.
      network: A network to use instead of the config's `network` or `init_network`.
      guides: The masks and colours that the stylizer takes.

    Raises:
      ConfigError: `color_stage=before`, `noise` or `seed`, but the network's styles are names, not pictures.
      NetworkError, ValueError, WeightsError: As in `build_network` and `build_backbone`.
    """
    if config.network:
        return build_feed_forward(config, network, guides=guides)
    return build_optimization(config, backbone, network, guides=guides)


def build_optimization(
    config: StylizeConfig,
    backbone: keras.Model | None = None,
    network: Network | None = None,
    *,
    guides: Guides = NO_GUIDES,
) -> PyramidStylizer:
    """The stylizer that optimises pixels; see `build_stylizer`.

    `network` replaces the config's `init_network`. `jit_compile="auto"` means no: graphs that others run, layers and
    exported models, are for others to compile.
    """
    optimization = Optimization(
        build_backbone(config, also=KEEP_LAYERS if guides.keep else ()) if backbone is None else backbone,
        build_objective(config, guides),
        build_optimizer(config),
        average_decay=config.average_decay,
        tolerance=config.relative_tolerance,
        style_backbone=build_backbone(config, for_styles=True) if config.tileable else None,
        wrap=config.tileable,
        jit_compile=config.jit_compile is True,
    )
    guidance = guide_colors(config, guides.colors, before=config.color_stage != "after")
    return PyramidStylizer(
        optimization,
        num_steps=config.num_steps,
        first_steps=config.first_steps or None,
        min_size=config.min_size,
        scale_factor=config.scale_factor,
        init=config.init,
        style_scale=config.style_scale,
        seed=config.seed,
        style_strength=config.style_strength,
        prepare=guidance.prepare,
        finish=guidance.finish,
        network=build_first_pass(config, network) if config.init == "network" else None,
    )


def build_first_pass(config: StylizeConfig, network: Network | None = None) -> FeedForwardStylizer:
    """The network that paints what an optimisation starts from, with `init_network` unless another is given.

    Raises:
      ConfigError: The network knows its styles by name.
      NetworkError: As in `build_network`.
    """
    own = config.replace(network=config.init_network, preserve_color="none", palette=())
    network = build_network(own) if network is None else network
    if isinstance(network, ManyStylesNetwork):
        raise ConfigError(
            f"init_network={config.init_network} knows its styles by name, but an optimisation needs pictures of them; "
            "give a network for any style, such as arbitrary."
        )
    stylizer = build_feed_forward(own, network)
    stylizer.small = 0  # it paints at twice the coarsest scale's size already
    stylizer.paint_uncompiled()  # one pass takes less time than compiling it
    return stylizer


def build_feed_forward(
    config: StylizeConfig, network: Network | None = None, *, guides: Guides = NO_GUIDES
) -> FeedForwardStylizer:
    """The stylizer that paints in one pass, with the config's network unless another is given."""
    network = build_network(config) if network is None else network
    named = isinstance(network, ManyStylesNetwork)
    if named and config.color_stage == "before":
        raise ConfigError(
            f"color_stage=before is for styles that are pictures, but {config.network} knows its styles by name; give "
            "color_stage=after."
        )
    if named and (config.noise != StylizeConfig.noise or config.seed != StylizeConfig.seed):
        raise ConfigError(
            f"noise and seed are for networks for any style, but {config.network} knows its styles by name and paints "
            "without noise; leave them out."
        )
    guidance = guide_colors(config, guides.colors, before=config.color_stage != "after" and not named)
    return FeedForwardStylizer(
        network,
        style_scale=config.style_scale,
        style_blend=config.style_blend or None,
        style_strength=config.style_strength,
        noise=config.noise,
        seed=config.seed,
        small=0 if named else _SMALL,
        wrap=config.tileable,
        prepare=guidance.prepare,
        finish=guidance.finish,
    )


@functools.lru_cache(maxsize=4)
def _cached_stylizer(
    config: StylizeConfig, num_regions: int, keep: bool, choice: tuple
) -> PyramidStylizer | FeedForwardStylizer:
    del choice  # part of the key: how "auto" was resolved
    return build_stylizer(config, guides=Guides(num_regions, keep))


def shared_stylizer(
    config: StylizeConfig, *, num_regions: int = 0, keep: bool = False
) -> PyramidStylizer | FeedForwardStylizer:
    """`build_stylizer`, cached for the last few configs, so that many pictures load one model and trace one step."""
    choice: tuple = _network_file(config.network) if config.network else (choose_backbone(config),)
    if config.init == "network":
        choice += _network_file(config.init_network)
    return _cached_stylizer(with_jit_compile(config), num_regions, keep, choice)


def with_jit_compile(config: StylizeConfig) -> StylizeConfig:
    """The config for painting here and now: `jit_compile="auto"` compiles on a GPU, but not inside a graph."""
    if config.jit_compile != "auto":
        return config
    return config.replace(jit_compile=bool(tf.config.list_physical_devices("GPU")) and not tf.inside_function())


def _network_file(name: str) -> tuple:
    """The network's file, its time and its size, which change when the network is trained further."""
    path = find_network(name).resolve()
    return path, path.stat().st_mtime_ns, path.stat().st_size

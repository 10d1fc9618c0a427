"""From a config to a stylizer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tf_style.build.backbone import BackboneChoice, build_backbone, canonical_layers, choose_backbone
from tf_style.build.network import Network, build_network
from tf_style.config import ConfigError, StylizeConfig, parse_palette
from tf_style.guidance import Palette, match_colors, preserve_color
from tf_style.losses import Objective, content_loss, style_loss, total_variation_loss
from tf_style.networks.archive import find_network
from tf_style.networks.many_styles import ManyStylesNetwork
from tf_style.optimizers import OPTIMIZERS
from tf_style.stylizers import FeedForwardStylizer, Optimization, PyramidStylizer
from tf_style.types import Image, Optimizer


def build_objective(config: StylizeConfig) -> Objective:
    """The weighted losses; terms of weight 0 are left out."""
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
    ]
    return Objective(tuple(pair for objective in terms for pair in objective.terms if pair[0] > 0))


def build_optimizer(config: StylizeConfig) -> Optimizer:
    """The optimiser of the pixels."""
    options = {"learning_rate": config.learning_rate} if config.optimizer == "adam" else {}
    return OPTIMIZERS[config.optimizer](**options)


def build_stylizer(
    config: StylizeConfig, backbone: keras.Model | None = None, *, colors: Image | None = None
) -> PyramidStylizer | FeedForwardStylizer:
    """The whole: content and styles in, painting out; by a network if the config names one, else by optimisation.

    Args:
      config: All options; `size` is not used here, pictures come in the size they are to be painted in.
      backbone: Another network to compare pictures than the config names.
      colors: A picture, float32 [1, h, w, 3], whose colours are matched instead of the content's.

    Raises:
      ConfigError: A way to keep colours that the network has no styles for.
      NetworkError, ValueError, WeightsError: As `build_network` and `build_backbone`.
    """
    if config.network:
        return build_feed_forward(config, colors=colors)
    return build_optimization(config, backbone, colors=colors)


def build_optimization(
    config: StylizeConfig, backbone: keras.Model | None = None, *, colors: Image | None = None
) -> PyramidStylizer:
    """The stylizer that optimises pixels; see `build_stylizer`."""
    optimization = Optimization(
        build_backbone(config) if backbone is None else backbone,
        build_objective(config),
        build_optimizer(config),
        average_decay=config.average_decay,
        tolerance=config.relative_tolerance,
        style_backbone=build_backbone(config, for_styles=True) if config.tileable else None,
        wrap=config.tileable,
        jit_compile=config.jit_compile,
    )
    guidance = _guide_colors(config, colors, before=config.color_stage != "after")
    return PyramidStylizer(
        optimization,
        num_steps=config.num_steps,
        first_steps=config.first_steps or None,
        min_size=config.min_size,
        scale_factor=config.scale_factor,
        init=config.init,
        style_scale=config.style_scale,
        seed=config.seed,
        prepare=guidance.prepare,
        finish=guidance.finish,
    )


def build_feed_forward(
    config: StylizeConfig, network: Network | None = None, *, colors: Image | None = None
) -> FeedForwardStylizer:
    """The stylizer that paints in one pass, with another network than the config's if one is given."""
    network = build_network(config) if network is None else network
    named = isinstance(network, ManyStylesNetwork)
    if named and config.color_stage == "before":
        raise ConfigError(
            f"color_stage=before is for styles that are pictures, but {config.network} knows its styles by name; give "
            "color_stage=after."
        )
    guidance = _guide_colors(config, colors, before=config.color_stage != "after" and not named)
    return FeedForwardStylizer(
        network,
        style_scale=config.style_scale,
        style_blend=config.style_blend or None,
        style_strength=config.style_strength,
        wrap=config.tileable,
        prepare=guidance.prepare,
        finish=guidance.finish,
    )


class _ColorGuidance(NamedTuple):
    """What is done to style pictures, and what to paintings; see the stylizers."""

    prepare: Callable[[Image, Image], Image] | None = None
    finish: Callable[[Image, Image], Image] | None = None


def _guide_colors(config: StylizeConfig, colors: Image | None, *, before: bool) -> _ColorGuidance:
    method = config.preserve_color
    if config.palette:
        palette = Palette(np.array(parse_palette(config.palette)), config.palette_difference)

        def recolor(style: Image, content: Image) -> Image:
            del content
            return palette(match_colors(style, palette.colors[tf.newaxis, tf.newaxis]))

        return _ColorGuidance(recolor if before else None, lambda painting, content: palette(painting))
    if method == "none":
        return _ColorGuidance()
    if not config.matches_colors:
        return _ColorGuidance(finish=functools.partial(preserve_color, method=method))

    def match(picture: Image, content: Image) -> Image:
        return match_colors(picture, content if colors is None else colors, method)

    return _ColorGuidance(prepare=match) if before else _ColorGuidance(finish=match)


@functools.lru_cache(maxsize=4)
def _cached_stylizer(config: StylizeConfig, choice: BackboneChoice | tuple) -> PyramidStylizer | FeedForwardStylizer:
    del choice  # part of the key: what "auto" came to
    return build_stylizer(config)


def shared_stylizer(config: StylizeConfig) -> PyramidStylizer | FeedForwardStylizer:
    """`build_stylizer`, kept for the last few configs, so that many pictures load one model and trace one step."""
    return _cached_stylizer(config, _network_file(config) if config.network else choose_backbone(config))


def _network_file(config: StylizeConfig) -> tuple:
    """Which file it is, and which state of it: a network that was trained on is another one."""
    path = find_network(config.network).resolve()
    return path, path.stat().st_mtime_ns, path.stat().st_size

"""Options that cannot be combined, or would have no effect."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from tf_style.config.options import ConfigError
from tf_style.config.stylize import StylizeConfig
from tf_style.config.words import ClipOptions

#: Options without effect on a network, beside those of the objective and the optimisation.
_NOT_FOR_NETWORKS = (
    "init", "init_network", "backbone", "weights", "pooling", "padding", "jit_compile",
    "save_every", "checkpoint_dir", "checkpoint_seconds", "tensorboard_dir",
)  # fmt: skip


def check_given(config: StylizeConfig, given: Iterable[str]) -> None:
    """Raises ConfigError if an option was given that would have no effect.

    Args:
      config: All options.
      given: Names of the options given beside the preset, and of the files if "content" is among them.
    """
    names = tuple(given)
    _check_for_network(config, names)
    for field in dataclasses.fields(ClipOptions):
        if field.name in names and not config.clip_text:
            raise ConfigError(
                f"{field.name} is for words through CLIP; give style_text and text_guidance=clip as well."
            )
    seeded = config.init == "network"
    if "noise" in names and not (config.network or seeded):
        raise ConfigError("noise is for networks; give network or init=network as well, or leave noise out.")
    if "init_network" in names and not seeded:
        raise ConfigError(f"init_network is not used with init={config.init}; give init=network as well.")
    if "line_search" in names and config.optimizer != "lbfgs":
        raise ConfigError("line_search is for L-BFGS; give optimizer=lbfgs as well, or leave line_search out.")
    if "palette_difference" in names and not config.palette:
        raise ConfigError("palette_difference needs a palette; give palette as well.")
    if "keep_weight" in names and "content" in names and "keep_mask" not in names:
        raise ConfigError("keep_weight needs a mask; give keep_mask as well.")
    for name in ("tile_size", "tile_steps"):
        if name in names and config.tileable:
            raise ConfigError(
                f"{name} is for pictures painted in tiles, but tileable ones are painted whole; leave {name} or "
                "tileable out."
            )


def _check_for_network(config: StylizeConfig, given: Collection[str]) -> None:
    groups = {field.name: field.metadata["group"] for field in dataclasses.fields(StylizeConfig)}
    for name in given:
        if config.network and (groups.get(name) in ("objective", "optimisation", "clip") or name in _NOT_FOR_NETWORKS):
            raise ConfigError(
                f"{name} is for optimisation, but network={config.network} paints in one pass; leave it out."
            )


def check_masks(config: StylizeConfig, *, content_mask: bool, num_style_masks: int) -> None:
    """Raises ConfigError if the masks conflict with other options."""
    if num_style_masks > 1 and config.style_blend:
        raise ConfigError(
            "style_blend mixes styles, but style_masks give each style its own place; leave one of them out."
        )
    if config.tileable and (content_mask or num_style_masks):
        raise ConfigError(
            "tileable changes the content near its edges, so masks cannot protect it; leave out tileable or the masks."
        )

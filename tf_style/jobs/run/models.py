"""Stylizers of one process, each made once; TensorFlow loads with the first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from tf_style.config import StylizeConfig
from tf_style.jobs.run.progress import ProgressDisplay

if TYPE_CHECKING:
    from tf_style.build import Guides
    from tf_style.stylizers import FeedForwardStylizer, PyramidStylizer

_MOST = 16  # stylizers to keep; the least recently used goes first

#: Options that decide how often and where the compiled step runs, but not what it is.
_OUTSIDE_THE_STEP: dict[str, Any] = {
    "size": 0, "seed": 0, "num_steps": 1, "first_steps": 0, "min_size": 0, "scale_factor": 1.5, "init": "content",
    "init_network": "arbitrary", "style_scale": 1.0, "tile_size": 0, "tile_steps": 0, "preserve_color": "none",
    "color_stage": "auto", "palette": (), "palette_difference": 5.0,
}  # fmt: skip


class Models:
    """Makes and keeps stylizers: runs that differ only outside the compiled step share it, and the backbone."""

    def __init__(self) -> None:
        self._stylizers: OrderedDict[tuple, PyramidStylizer | FeedForwardStylizer] = OrderedDict()
        self._optimizations: OrderedDict[tuple, Any] = OrderedDict()
        self._backbones: OrderedDict[tuple, Any] = OrderedDict()
        self._networks: OrderedDict[tuple, Any] = OrderedDict()
        self._said = ""

    def stylizer(self, config: StylizeConfig, guides: Guides) -> PyramidStylizer | FeedForwardStylizer:
        """Returns the stylizer for a config and guides.

        Raises:
          NetworkError, ValueError, WeightsError: See `build_stylizer`.
        """
        about = (guides.num_regions, guides.keep, id(guides.colors) if guides.colors is not None else 0)
        key = (config.replace(size=0), *about)
        found = self._stylizers.get(key)
        if found is None:
            found = self._made(config, guides)
        _keep(self._stylizers, key, found)
        return found

    def say_once(self, headline: str, display: ProgressDisplay) -> None:
        """Shows a headline, unless it was the last one shown."""
        if headline != self._said:
            display.say(headline)
        self._said = headline

    def _made(self, config: StylizeConfig, guides: Guides) -> PyramidStylizer | FeedForwardStylizer:
        from tf_style.build import build_backbone, build_network, choose_backbone
        from tf_style.build.stylizer import KEEP_LAYERS
        from tf_style.jobs.run.model import load_stylizer

        if config.network:
            return load_stylizer(config, guides)
        also = KEEP_LAYERS if guides.keep else ()
        layers = (config.content_layers, config.style_layers, also, config.tileable)
        backbone_key = (choose_backbone(config), *layers, config.pooling, config.padding)
        backbone = self._backbones.get(backbone_key)
        if backbone is None:
            backbone = build_backbone(config, also=also)
        _keep(self._backbones, backbone_key, backbone)
        network = None
        if config.init == "network":
            network_key = config.init_network, config.compute_dtype
            network = self._networks.get(network_key) or build_network(config.replace(network=config.init_network))
            _keep(self._networks, network_key, network)
        stylizer = load_stylizer(config, guides, backbone, network)
        step_key = (config.replace(**_OUTSIDE_THE_STEP), guides.num_regions, guides.keep)
        stylizer.optimization = self._optimizations.get(step_key, stylizer.optimization)  # type: ignore[union-attr]
        _keep(self._optimizations, step_key, stylizer.optimization)  # type: ignore[union-attr]
        return stylizer


def _keep(kept: OrderedDict[tuple, Any], key: tuple, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _MOST:
        kept.popitem(last=False)

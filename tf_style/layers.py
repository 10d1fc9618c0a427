"""Style transfer as a Keras layer, for models that save and load."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_style.backbones import empty_kernels, resolve_compute_dtype
from tf_style.build import backbone_widths, build_backbone, build_optimization, choose_backbone
from tf_style.build.network import Network, build_network, choose_network, make_network
from tf_style.build.stylizer import build_feed_forward
from tf_style.config import DEFAULT_PRESET, ConfigError
from tf_style.networks.archive import check_format, check_style
from tf_style.presets import preset_config
from tf_style.stylizers import FeedForwardStylizer, PyramidStylizer
from tf_style.types import Image


@keras.saving.register_keras_serializable("tf_style")
class StylizeLayer(keras.layers.Layer):
    """Paints its first input in the style of its second, by optimisation or by a network, inside any Keras model.

    Call it on `[content, style]`, float32 [B, H, W, 3] and [B or 1, h, w, 3] in [0, 1], on a dict of both by these
    names, or with named styles on `[content]`; it returns float32 [B, H, W, 3]. The backbone or the network is a
    sublayer, so a saved model holds its weights. It also holds the resolved options: a preset edited later, other
    weights in a machine's cache or a network trained further do not change it. Only `compute_dtype="auto"` follows the
    machine.

    With a network, gradients flow to content and styles, and `tf.function(layer, jit_compile=True)` compiles the layer.
    An optimisation lets no gradients through.

    Args:
      preset: Name of a preset or path of a flagfile.
      options: Options of `StylizeConfig` that override the preset's. `size` is ignored: the content is painted at its
        own size.
      styles: Names of the network's own styles to paint in, mixed by `style_blend`; for networks of named styles only.
      **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
      ConfigError, NetworkError, WeightsError: As in `tf_style.stylize`.

    Example:
      >>> content, style = keras.Input((None, None, 3)), keras.Input((None, None, 3))
      >>> model = keras.Model([content, style], StylizeLayer("instant")([content, style]))
    """

    def __init__(
        self,
        preset: str = DEFAULT_PRESET,
        options: dict[str, Any] | None = None,
        styles: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        pretrained = kwargs.pop("pretrained", True)  # False in a saved config: the saved model holds the weights
        card = kwargs.pop("card", None)  # in a saved config: what to build the network or backbone from
        super().__init__(**{"dtype": "float32", **kwargs, "trainable": False})
        self.config = preset_config(preset).replace(**(options or {}))
        if self.config.tileable:
            raise ConfigError("tileable is for the command line and tf_style.stylize, not for layers; leave it out.")
        self.styles = tuple(styles)
        self.card: dict[str, Any] | None = None
        self._stylizer: FeedForwardStylizer | PyramidStylizer
        if self.config.network:
            self._use_network(card)
        else:
            self._use_backbone(card or {}, pretrained)

    def _use_backbone(self, card: dict[str, Any], pretrained: bool) -> None:
        if self.styles:
            raise ConfigError(
                f"styles={list(self.styles)} was given, but named styles are for networks that know them; call the "
                "layer on [content, style], or name a network in options."
            )
        choice = choose_backbone(self.config)
        self.config = self.config.replace(backbone=choice.name, weights=choice.weights)
        widths = card.get("backbone", {})
        self.card = {"backbone": widths or backbone_widths(self.config)}
        self.backbone = build_backbone(self.config, pretrained=pretrained, widths=widths)
        network = None
        if self.config.init == "network":
            self.card["network"], network = self._make_network(self.config.init_network, card.get("network"))
        self._stylizer = build_optimization(self.config, self.backbone, network)

    def _use_network(self, card: dict[str, Any] | None) -> None:
        self.card, network = self._make_network(self.config.network, card)
        known = tuple(self.card["styles"])
        if bool(known) != bool(self.styles):
            raise ConfigError(
                f"The network {self.config.network} "
                + (f"paints in these styles: {', '.join(known)}; name some of them in styles."
                   if known else "takes pictures as styles; leave styles out.")
            )  # fmt: skip
        for style in self.styles:
            check_style(style, known)
        self._stylizer = build_feed_forward(self.config, network)

    def _make_network(self, name: str, card: dict[str, Any] | None) -> tuple[dict[str, Any], Network]:
        """The network of a card, without weights; or that of a name with its own, and the card to save."""
        config = self.config.replace(network=name)
        if card is None:
            found = {"styles": [], "encoder": {}, **choose_network(config).card}
            card = {name: found[name] for name in ("kind", "format", "styles", "encoder")}
            network = build_network(config)
        else:
            check_format({"format": 1, **card}, "The network in the saved model", "make the model anew")
            encoder = empty_kernels(card.get("encoder", {})) or None
            dtype = resolve_compute_dtype(config.compute_dtype)
            network = make_network(card["kind"], dtype, tuple(card["styles"]), encoder)
        self.sublayers = network.all_layers
        return card, network

    def call(self, inputs: list[Image] | dict[str, Any]) -> Image:
        """Paints.

        Args:
          inputs: `[content, style]`, `[content, style, style ...]` or, with named styles, `[content]`. Or a dict of
            "content" and "style", a picture or a list of them.

        Raises:
          ValueError: The dict has another key, or no content.
        """
        content, *styles = _in_order(inputs)
        painting = self._stylizer(content, [*styles, *self.styles])
        return painting if isinstance(self._stylizer, FeedForwardStylizer) else tf.stop_gradient(painting)

    def compute_output_shape(self, input_shape: list | dict[str, Any]) -> tuple:
        """The content's shape."""
        return tuple(input_shape["content"] if isinstance(input_shape, dict) else input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make the layer again."""
        options = dataclasses.asdict(self.config)
        extra = {"options": options, "styles": list(self.styles), "card": self.card, "pretrained": False}
        return {**super().get_config(), **extra}


def _in_order(inputs: list[Image] | dict[str, Any]) -> list[Image]:
    """The content, then the styles."""
    if not isinstance(inputs, dict):
        return list(inputs)
    if not {"content"} <= inputs.keys() <= {"content", "style"}:
        raise ValueError(f"The layer takes a dict of content and style, but the keys were {', '.join(sorted(inputs))}.")
    styles = inputs.get("style", [])
    return [inputs["content"], *(styles if isinstance(styles, list | tuple) else [styles])]

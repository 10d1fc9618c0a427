"""Style transfer as a Keras layer, for models that save and load."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import tensorflow as tf

from tf_style.build import build_backbone, build_optimization, choose_backbone
from tf_style.config import DEFAULT_PRESET, ConfigError
from tf_style.presets import preset_config
from tf_style.types import Image


@keras.saving.register_keras_serializable("tf_style")
class StylizeLayer(keras.layers.Layer):
    """Paints its first input in the style of its second, by optimisation, inside any Keras model.

    Called on `[content, style]`, float32 [B, H, W, 3] and [B or 1, h, w, 3] in [0, 1]; returns float32 [B, H, W, 3].
    The backbone is a sublayer, so a saved model holds its weights. All options are saved as they were resolved:
    later changes to a preset, or another machine's cached weights, do not change the model
    (`compute_dtype="auto"` follows the machine).

    Args:
      preset: Name of a preset or path of a flagfile.
      options: Options of `StylizeConfig` over the preset's. `size` is not used: the content is painted at its own size.
      **kwargs: Of `keras.layers.Layer`.

    Raises:
      ConfigError, WeightsError: As `tf_style.stylize`.

    Example:
      >>> content, style = keras.Input((None, None, 3)), keras.Input((None, None, 3))
      >>> model = keras.Model([content, style], StylizeLayer("draft")([content, style]))
    """

    def __init__(self, preset: str = DEFAULT_PRESET, options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        pretrained = kwargs.pop("pretrained", True)  # False in a saved config: the weights are in the saved model
        super().__init__(**{"dtype": "float32", **kwargs, "trainable": False})
        config = preset_config(preset).replace(**(options or {}))
        if config.network:
            raise ConfigError(
                f"network={config.network!r} came, but StylizeLayer paints by optimisation; call tf_style.stylize with "
                "it, or load what tf-style export makes of it as a layer."
            )
        choice = choose_backbone(config)
        self.config = config.replace(backbone=choice.name, weights=choice.weights)
        self.backbone = build_backbone(self.config, pretrained=pretrained)
        self._stylizer = build_optimization(self.config, self.backbone)

    def call(self, inputs: list[Image]) -> Image:
        """Args: inputs, `[content, style]`, or `[content, style, style ...]`."""
        content, *styles = inputs
        return tf.stop_gradient(self._stylizer(content, styles))

    def compute_output_shape(self, input_shape: list) -> tuple:
        """The content's shape."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """What the layer is made again from."""
        return {**super().get_config(), "options": dataclasses.asdict(self.config), "pretrained": False}

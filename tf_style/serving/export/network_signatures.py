"""The signatures of a feed-forward network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style.config import StylizeConfig
from tf_style.serving.export import guards
from tf_style.serving.export.guards import Limits
from tf_style.serving.export.pixels import FILES, NUMBERS, PICTURES, to_float, to_uint8
from tf_style.serving.export.served import Served
from tf_style.stylizers import FeedForwardStylizer


class ServedNetwork(Served):
    """A network as a module whose functions are signatures, with the same names and inputs as those that optimise.

    A network of named styles takes their names, string [B or 1], instead of pictures.

    Args:
      stylizer: Runs the network.
      config: See Served.
      limits: See Served.
      image_format: See Served.
    """

    def __init__(
        self, stylizer: FeedForwardStylizer, config: StylizeConfig, limits: Limits, image_format: str = "png"
    ) -> None:
        super().__init__("network", config, limits, image_format)
        network = stylizer.network
        # Not the Keras models: they would save copies, and only those would be restored.
        self.weights = [variable.value for holder in network.all_layers for variable in holder.variables]
        self._stylizer = stylizer
        self.names: tuple[str, ...] = getattr(network, "styles", ())
        self._strength = tf.constant([float(config.style_strength)])

    def signatures(self) -> dict[str, Any]:
        """Name -> `tf.function` with its input signature."""
        styles = FILES if self.names else PICTURES
        code = tf.TensorSpec([None, 1, self._stylizer.network.code_length])
        strength = self._strength

        def stylize(content, style, style_strength=strength):
            content = self._content(content)
            style_code = self._encode(self._style(style, tf.shape(content)[0]), tf.shape(content))
            return self._answer(content, style_code, style_strength)

        def stylize_encoded(content, style_code, style_strength=strength):
            content = self._content(content)
            style_code = self._style_code(style_code, code.shape, content)
            return self._answer(content, style_code, style_strength)

        function = tf.function(stylize, input_signature=[PICTURES, styles, NUMBERS], autograph=False)
        size = tf.TensorSpec([None], tf.int32, name="size")
        return {
            "serving_default": function,
            "stylize": function,
            "stylize_bytes": tf.function(self._stylize_bytes, input_signature=[FILES, FILES], autograph=False),
            "encode_style": tf.function(self._encode_style, input_signature=[styles, size], autograph=False),
            "stylize_encoded": tf.function(stylize_encoded, input_signature=[PICTURES, code, NUMBERS], autograph=False),
        }

    def warm_up_requests(self, sizes: tuple[int, ...], signatures: dict[str, Any]) -> Iterator[tuple[str, dict]]:
        """Signature and inputs of each warm-up request; `sizes` are sides of pictures."""
        for side in sizes:
            picture = np.full((1, side, side, 3), 128, np.uint8)
            style: Any = [self.names[0].encode()] if self.names else picture
            size = np.array([side, side], np.int32)
            file = np.asarray(tf.io.encode_png(picture[0])).item()
            yield "stylize", {"content": picture, "style": style}
            yield "serving_default", {"content": picture, "style": style}
            yield "stylize_bytes", {"content_bytes": [file], "style_bytes": style if self.names else [file]}
            yield "encode_style", {"style": style, "size": size}
            code = signatures["encode_style"](tf.constant(style), tf.constant(size))["style_code"]
            yield "stylize_encoded", {"content": picture, "style_code": np.asarray(code)}

    # Shared ------------------------------------------------------------------------------------------------------

    def _style(self, style: tf.Tensor, batch: tf.Tensor | None) -> tf.Tensor:
        """Checked pictures as float32, or the places of names."""
        if self.names:
            style = self._places("style", guards.files("style", style, self._limits))
        else:
            style = to_float(guards.pictures("style", style, self._limits))
        return style if batch is None else guards.same_batch("style", style, batch)

    def _places(self, name: str, style: tf.Tensor) -> tf.Tensor:
        matches = tf.equal(style[:, tf.newaxis], tf.constant(self.names)[tf.newaxis])
        known = tf.reduce_all(tf.reduce_any(matches, axis=1))
        sentence = f"{name} must name styles of {', '.join(self.names)}, but was given as"
        matches = guards.require(known, sentence, style, matches)
        return tf.argmax(tf.cast(matches, tf.int32), axis=1, output_type=tf.int32)

    def _encode(self, style: tf.Tensor, content_shape: tf.Tensor) -> tf.Tensor:
        """The code of styles, float32 [B or 1, 1, N]."""
        if self.names:
            return self._stylizer.network.encode_style(style)[:, tf.newaxis]
        return self._stylizer.encode_styles([style], content_shape)

    def _encode_style(self, style: tf.Tensor, size: tf.Tensor) -> dict[str, tf.Tensor]:
        """`size` is the (height, width) of the content to be painted."""
        style, size = self._style(style, None), guards.content_size(size, self._limits)
        return {"style_code": self._encode(style, tf.stack([1, size[0], size[1], 3]))}

    def _answer(self, content: tf.Tensor, style_code: tf.Tensor, strength: tf.Tensor) -> dict[str, tf.Tensor]:
        strength = guards.option("style_strength", strength, tf.shape(content)[0], 0.0, 1.0)
        return {"image": to_uint8(self._stylizer.paint(content, style_code, strength))}

    def _paint(self, content: tf.Tensor, style_file: tf.Tensor) -> tf.Tensor:
        if self.names:
            style = self._places("style_bytes", style_file[tf.newaxis])
        else:
            style = self._style_picture(style_file)
        return self._stylizer.paint(content, self._encode(style, tf.shape(content)), self._strength)

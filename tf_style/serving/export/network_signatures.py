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
from tf_style.serving.export.style_text import StyleText
from tf_style.stylizers import FeedForwardStylizer
from tf_style.words.library import StyleLibrary

_MAX_SHARE = 1e6
_WARM_UP_TEXT = b"stormy sea"


class ServedNetwork(Served):
    """A network as a module whose functions are signatures, with the same names and inputs as those that optimise.

    A network of named styles takes their names, string [B or 1], instead of pictures.

    Args:
      stylizer: Runs the network.
      config: See Served.
      limits: See Served.
      image_format: See Served.
      library: Pictures for `stylize_text`, the signature that takes words; None: no such signature.
    """

    def __init__(
        self,
        stylizer: FeedForwardStylizer,
        config: StylizeConfig,
        limits: Limits,
        image_format: str = "png",
        library: StyleLibrary | None = None,
    ) -> None:
        super().__init__("network", config, limits, image_format)
        network = stylizer.network
        # Not the Keras models: they would save copies, and only those would be restored.
        self.weights = [variable.value for holder in network.all_layers for variable in holder.variables]
        self._stylizer = stylizer
        self.names: tuple[str, ...] = getattr(network, "styles", ())
        self._strength = tf.constant([float(config.style_strength)])
        self._text = None if library is None else StyleText(library, stylizer, config)

    def signatures(self) -> dict[str, Any]:
        """Name -> `tf.function` with its input signature."""
        styles = FILES if self.names else PICTURES
        code = tf.TensorSpec([None, None, self._stylizer.network.code_length])
        strength, equal = self._strength, tf.constant([1.0])

        def stylize(content, style, style_strength=strength):
            content = self._content(content)
            style_code = self._encode(self._style(style, tf.shape(content)[0]), tf.shape(content))
            return self._answer(content, style_code, style_strength)

        def stylize_encoded(content, style_code, style_strength=strength, style_blend=equal):
            content = self._content(content)
            style_code = self._style_code(style_code, code.shape, content)
            return self._answer(content, style_code, style_strength, self._shares(style_blend, style_code))

        function = tf.function(stylize, input_signature=[PICTURES, styles, NUMBERS], autograph=False)
        size = tf.TensorSpec([None], tf.int32, name="size")
        functions = {
            "serving_default": function,
            "stylize": function,
            "stylize_bytes": tf.function(self._stylize_bytes, input_signature=[FILES, FILES], autograph=False),
            "encode_style": tf.function(self._encode_style, input_signature=[styles, size], autograph=False),
            "stylize_encoded": tf.function(
                stylize_encoded, input_signature=[PICTURES, code, NUMBERS, NUMBERS], autograph=False
            ),
        }
        if self._text is not None:
            functions["stylize_text"] = tf.function(self._stylize_text, input_signature=[FILES, FILES], autograph=False)
        return functions

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
            if self._text is not None:
                yield "stylize_text", {"content_bytes": [file], "style_text": [_WARM_UP_TEXT]}

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

    def _shares(self, style_blend: tf.Tensor, style_code: tf.Tensor) -> tf.Tensor:
        """The share of each style in a code [B, K, N], float32 [K] with a sum of 1."""
        number = tf.shape(style_code)[1]
        most = self._limits.max_batch
        sentence = f"style_code must hold 1 to {most} styles, but was given with"
        number = guards.require((number >= 1) & (number <= most), sentence, number, number)
        shares = guards.option("style_blend", style_blend, number, 0.0, _MAX_SHARE, of="style")
        total = tf.reduce_sum(shares)
        return (
            guards.require(total > 0, "style_blend must have a positive sum, but was given as", shares, shares) / total
        )

    def _answer(
        self, content: tf.Tensor, style_code: tf.Tensor, strength: tf.Tensor, shares: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        strength = guards.option("style_strength", strength, tf.shape(content)[0], 0.0, 1.0)
        return {"image": to_uint8(self._stylizer.paint(content, style_code, strength, shares))}

    def _stylize_text(self, content_bytes: tf.Tensor, style_text: tf.Tensor) -> dict[str, tf.Tensor]:
        content_bytes = guards.files("content_bytes", content_bytes, self._limits)
        batch = tf.shape(content_bytes)[0]
        texts = guards.same_batch("style_text", tf.ensure_shape(style_text, [None]), batch)
        assert self._text is not None
        paint_text, count = self._text.paint, self._text.count

        def paint(file: tf.Tensor, text: tf.Tensor) -> tuple[tf.Tensor, ...]:
            content, alpha = self._read(file)
            painting, styles, shares = paint_text(content, text)
            return self._file(painting, alpha), styles, shares

        paintings, styles, shares = tf.map_fn(
            lambda pair: paint(*pair),
            (content_bytes, tf.broadcast_to(texts, batch[tf.newaxis])),
            fn_output_signature=(
                tf.TensorSpec([], tf.string), tf.TensorSpec([count], tf.string), tf.TensorSpec([count])
            ),
            parallel_iterations=1,
        )  # fmt: skip
        return {"image_bytes": paintings, "styles": styles, "style_blend": shares}

    def _paint(self, content: tf.Tensor, style_file: tf.Tensor) -> tf.Tensor:
        if self.names:
            style = self._places("style_bytes", style_file[tf.newaxis])
        else:
            style = self._style_picture(style_file)
        return self._stylizer.paint(content, self._encode(style, tf.shape(content)), self._strength)

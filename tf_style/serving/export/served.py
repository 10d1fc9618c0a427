"""What the exported modules share: `stylize_bytes`, and the checks of pictures and style codes."""

from __future__ import annotations

import tensorflow as tf

from tf_style.config import StylizeConfig
from tf_style.serving.export import decoding, guards
from tf_style.serving.export.guards import Limits
from tf_style.serving.export.pixels import to_float, to_uint8


class Served(tf.Module):
    """A module whose functions are signatures.

    Args:
      name: The module's.
      config: What it was built from: the options' defaults, and the size of `stylize_bytes`.
      limits: What a request may ask for.
      image_format: Format of the files that `stylize_bytes` writes, "png" or "jpeg".
    """

    def __init__(self, name: str, config: StylizeConfig, limits: Limits, image_format: str) -> None:
        super().__init__(name=name)
        self._config, self._limits, self._image_format = config, limits, image_format

    def _paint(self, content: tf.Tensor, style_file: tf.Tensor) -> tf.Tensor:
        """Paints one picture, float32 [1, H, W, 3] in [0, 1], in the style of an encoded picture or of a name."""
        raise NotImplementedError

    def _content(self, content: tf.Tensor) -> tf.Tensor:
        return to_float(guards.pictures("content", content, self._limits))

    def _style_code(self, style_code: tf.Tensor, shape: tf.TensorShape, content: tf.Tensor) -> tf.Tensor:
        style_code = guards.same_batch("style_code", tf.ensure_shape(style_code, shape), tf.shape(content)[0])
        finite = tf.reduce_all(tf.math.is_finite(style_code))
        return guards.require(finite, "style_code must be finite, but some of it is not", 0, style_code)

    def _style_picture(self, style_file: tf.Tensor) -> tf.Tensor:
        style = decoding.to_size("style_bytes", decoding.decode("style_bytes", style_file)[0], 0)
        return guards.sides("style_bytes", style, decoding.MAX_FILE_PIXELS)

    def _stylize_bytes(self, content_bytes: tf.Tensor, style_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        content_bytes = guards.files("content_bytes", content_bytes, self._limits)
        batch = tf.shape(content_bytes)[0]
        style_bytes = guards.files("style_bytes", style_bytes, self._limits)
        style_bytes = tf.broadcast_to(guards.same_batch("style_bytes", style_bytes, batch), batch[tf.newaxis])
        paintings = tf.map_fn(
            lambda pair: self._paint_file(*pair),
            (content_bytes, style_bytes),
            fn_output_signature=tf.TensorSpec([], tf.string),
            parallel_iterations=1,
        )
        return {"image_bytes": paintings}

    def _paint_file(self, content_file: tf.Tensor, style_file: tf.Tensor) -> tf.Tensor:
        content, alpha = self._read(content_file)
        return self._file(self._paint(content, style_file), alpha)

    def _read(self, content_file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """An encoded content and its alpha, [1, H, W, 3] and [1, H, W, 1], at the size to paint."""
        size = self._config.size
        assert isinstance(size, int)  # a box was refused
        pixels, alpha = decoding.decode("content_bytes", content_file)
        content = decoding.to_size("content_bytes", pixels, size)
        content = guards.sides("content_bytes", content, self._limits.max_pixels)
        return content, decoding.to_size("content_bytes", alpha, size)

    def _file(self, painting: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
        return decoding.encode(to_uint8(painting)[0], to_uint8(alpha)[0], self._image_format)

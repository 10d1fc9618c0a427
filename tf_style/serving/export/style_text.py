"""A style in words: the pictures of a library, in the SavedModel, mixed as a sentence says."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from tf_style import images
from tf_style.config import StylizeConfig
from tf_style.guidance import preserve_color
from tf_style.ops import grade
from tf_style.serving.export import decoding, guards
from tf_style.serving.words.choice import Chooser, Chosen, near_enough
from tf_style.stylizers import FeedForwardStylizer
from tf_style.types import Image
from tf_style.words.library import StyleLibrary

MAX_TEXT = 1000  # bytes of a sentence
_AS_THEY_ARE = (".jpg", ".jpeg", ".png", ".webp")


class StyleText(tf.Module):
    """Paints in the mixture of library pictures that a sentence chooses, with the options that its words set.

    A word of an option does nothing if the export has a value of its own for that option.

    Args:
      library: The pictures; their files become part of the model.
      stylizer: A network for any style.
      config: What the export was built from.
    """

    def __init__(self, library: StyleLibrary, stylizer: FeedForwardStylizer, config: StylizeConfig) -> None:
        super().__init__("style_text")
        self._stylizer, self._config = stylizer, config
        self._chooser = Chooser(library)
        self._files = tf.constant([_file(entry.path) for entry in library.entries])
        self._titles = tf.constant([entry.title for entry in library.entries])
        self._names = tf.constant([entry.style for entry in library.entries])
        self.count = self._chooser.count

    def paint(self, content: Image, text: tf.Tensor) -> tuple[Image, tf.Tensor, tf.Tensor]:
        """The painting, and the names and shares of the pictures that were mixed, best first.

        Args:
          content: Float32 [1, H, W, 3] in [0, 1].
          text: String scalar.
        """
        chosen = self._choose(text)

        def code(file: tf.Tensor) -> tf.Tensor:
            style = decoding.to_size("style_text", decoding.decode("style_text", file)[0], 0)
            return self._stylizer.encode_styles([style], tf.shape(content))[0, 0]

        spec = tf.TensorSpec([self._stylizer.network.code_length])
        files = tf.gather(self._files, chosen.places)
        codes = tf.map_fn(code, files, fn_output_signature=spec, parallel_iterations=1)[tf.newaxis]
        own = float(self._config.style_strength)
        strength = chosen.options["style_strength"] if own == StylizeConfig.style_strength else tf.constant(own)
        shares = chosen.shares / tf.reduce_sum(chosen.shares)
        painting = self._stylizer.paint(content, codes, strength[tf.newaxis], shares)
        return self._colored(painting, content, chosen), tf.gather(self._names, chosen.places), chosen.shares

    def _choose(self, text: tf.Tensor) -> Chosen:
        clean = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
        text = guards.require(
            tf.equal(text, clean), "style_text must be UTF-8, but was given with other bytes:", clean, text
        )
        text = guards.require(
            tf.strings.length(text) <= MAX_TEXT,
            f"style_text may have at most {MAX_TEXT} bytes, but has",
            tf.strings.length(text),
            text,
        )
        chosen = self._chooser(text)
        known = guards.require(
            chosen.known, "style_text must describe a picture in plain English words; none is known of", clean, clean
        )
        with tf.control_dependencies([known]):
            places = guards.require(
                near_enough(chosen),
                "no picture of the library is near style_text; the nearest are",
                tf.gather(self._titles, chosen.places),
                chosen.places,
            )
        return chosen._replace(places=places)

    def _colored(self, painting: Image, content: Image, chosen: Chosen) -> Image:
        """The painting with the colours that words ask for."""
        config, options = self._config, chosen.options
        if config.palette:
            return painting
        if config.preserve_color == StylizeConfig.preserve_color:
            original = painting
            painting = tf.cond(options["luminance"], lambda: preserve_color(original, content), lambda: original)
        ours = {name: getattr(config, name) == getattr(StylizeConfig, name) for name in ("saturation", "warmth")}
        neutral = {"saturation": tf.constant(1.0), "warmth": tf.constant(0.0)}
        wanted = {name: options[name] if ours[name] else value for name, value in neutral.items()}
        changed = tf.reduce_any([tf.not_equal(wanted[name], value) for name, value in neutral.items()])
        plain = painting
        return tf.cond(changed, lambda: grade(plain, **wanted), lambda: plain)


def _file(path: Path) -> bytes:
    """A picture's file, in a format that a graph can decode."""
    if path.suffix.lower() in _AS_THEY_ARE:
        return path.read_bytes()
    return images.encode_png(images.to_uint8(images.read_visible(path).pixels))

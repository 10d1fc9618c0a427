"""CLIP, from a folder of yours. keras-hub is imported when a model is loaded, and nowhere else."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style.types import Image

# What the models were trained with, per channel of RGB in [0, 1].
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)

#: Sentences around a text. The mean of their vectors says what all have in common, which is the text.
TEMPLATES = (
    "{}", "a picture of {}", "a painting of {}", "a drawing of {}", "a detail of {}", "a blurred picture of {}",
    "a small picture of {}", "many pictures of {}", "an image in the style of {}",
)  # fmt: skip


class EncoderError(ValueError):
    """A model cannot be loaded; the message says what to do."""


class ClipEncoder:
    """Pictures and sentences as vectors, which are near where a sentence describes a picture.

    Args:
      backbone: A `keras_hub.models.CLIPBackbone`.
      tokenizer: Its `keras_hub.models.CLIPTokenizer`.

    Reference:
      Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021
      (https://arxiv.org/abs/2103.00020).
    """

    def __init__(self, backbone: Any, tokenizer: Any) -> None:
        self.model, self._tokenizer = backbone, tokenizer
        backbone.trainable = False
        self.side = int(backbone.vision_encoder.image_shape[0])

    def encode_images(self, images: Image) -> tf.Tensor:
        """The vectors of pictures.

        Args:
          images: Float32 [B, side, side, 3], RGB in [0, 1].

        Returns:
          Float32 [B, D], of any length.
        """
        vectors = self.model.get_vision_embeddings((images - _MEAN) / _DEVIATION)
        return tf.cast(vectors, tf.float32)

    def encode_text(self, text: str) -> np.ndarray:
        """The vector of a text: the mean over `TEMPLATES`.

        Args:
          text: What a picture shows or looks like; of a long one only the beginning counts (about 75 words).

        Returns:
          Float32 [D], of length 1.

        Reference:
          The mean over templates: Radford et al. 2021, section 3.1.4. The templates are ours.
        """
        tokens = self._tokens([template.format(text).lower() for template in TEMPLATES])
        vectors = np.asarray(self.model.get_text_embeddings(tokens), np.float32)
        mean = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).mean(0)
        return mean / np.linalg.norm(mean)

    def direction(self, text: str, source: str) -> np.ndarray:
        """Where a text lies from another one, float32 [D], of length 1; zeros if they mean the same."""
        difference = self.encode_text(text) - self.encode_text(source)
        return difference / max(float(np.linalg.norm(difference)), 1e-6)

    def _tokens(self, texts: Sequence[str]) -> np.ndarray:
        """Int32 [texts, length]: start, words, end, and the end again, whose first place holds the vector."""
        length = self.model.text_encoder.max_sequence_length
        end = self._tokenizer.end_token_id
        tokens = np.full([len(texts), length], end, np.int32)
        for row, words in zip(tokens, self._tokenizer(list(texts)), strict=True):
            known = np.asarray(words, np.int32)[: length - 2]
            row[0] = self._tokenizer.start_token_id
            row[1 : 1 + len(known)] = known
        return tokens


@functools.lru_cache(maxsize=1)
def load_clip(folder: str) -> ClipEncoder:
    """Loads CLIP from a folder, such as keras-hub's `save_to_preset` writes; never from a network.

    Args:
      folder: Holds config.json, the weights and the tokenizer.

    Raises:
      EncoderError: keras-hub is not installed, or the folder holds no CLIP model.
    """
    path = Path(folder).expanduser()
    if not (path / "config.json").is_file():
        raise EncoderError(
            f"clip_preset={folder} is not the folder of a model: it has no config.json; give a folder that keras-hub's "
            "save_to_preset wrote."
        )
    try:
        import keras_hub
    except ImportError:
        raise EncoderError("CLIP needs keras-hub; install it: pip install 'tf-style[clip]'") from None
    try:
        backbone = keras_hub.models.CLIPBackbone.from_preset(str(path))
        tokenizer = keras_hub.models.CLIPTokenizer.from_preset(str(path))
    except Exception as error:  # keras-hub's own are of many kinds
        reason = " ".join(str(error).split())[:200]
        raise EncoderError(f"clip_preset={folder} cannot be loaded as a CLIP model ({reason}).") from None
    return ClipEncoder(backbone, tokenizer)

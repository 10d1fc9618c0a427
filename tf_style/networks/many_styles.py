"""A fixed set of named styles in one small network, by conditional instance normalisation."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tf_style.networks.blocks import (
    AdaptiveInstanceNormalization,
    EnlargingConvolution,
    Pixels,
    reflect_convolution,
)
from tf_style.ops.noise import Noise

_WIDTHS = (24, 48, 64)  # channels at half, a quarter and an eighth of the size
_RESIDUAL_BLOCKS = 5
# A row of the table learns only from pictures in its own style, one of many. To keep pace with the other weights, it
# takes larger steps.
_TABLE_GAIN = 8.0


class ManyStylesNetwork:
    """A residual network whose instance normalisations take their mean and deviation from the style.

    A style's code is a row of a table, times a constant, and holds all those means and deviations. The first row is not
    a style: it leaves the picture unchanged, and mixing it in weakens a style.

    Args:
      styles: Names of the styles, in the order of the table.
      compute_dtype: Type of the convolutions, "float32" or "bfloat16".

    Reference:
      Dumoulin, Shlens, Kudlur, "A Learned Representation for Artistic Style", ICLR 2017
      (https://arxiv.org/abs/1610.07629); residual network: Johnson et al., ECCV 2016 (https://arxiv.org/abs/1603.08155).
    """

    kind = "many_styles"
    #: The picture's sides must be multiples of this.
    multiple = 8

    def __init__(self, styles: tuple[str, ...], compute_dtype: str = "float32") -> None:
        self.styles = styles
        self.model = _painter(compute_dtype)
        self.code_length = self.model.inputs[1].shape[-1]
        self.table = keras.layers.Embedding(
            len(styles) + 1, self.code_length, embeddings_initializer="zeros", name="table", dtype="float32"
        )
        self.table.build((None,))

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The layers to train and save."""
        return [self.model, self.table]

    @property
    def all_layers(self) -> list[keras.layers.Layer]:
        """The same as `layers`: nothing is frozen."""
        return self.layers

    def encode_content(self, image: Any) -> Any:
        """The picture itself, [B, H, W, 3]."""
        return image

    def encode_style(self, index: Any) -> Any:
        """The codes of styles, float32 [B, N], by their indices in `styles`, int [B]."""
        return _TABLE_GAIN * self.table(index + 1)

    def paint(self, content: Any, codes: Any, shares: Any, strength: Any, noise: Noise | None = None) -> Any:
        """Paints a picture [B, H, W, 3], with sides that are multiples of 8, as `ArbitraryStyleNetwork.paint` does.

        It takes no noise.
        """
        del noise
        strength = strength[:, None]
        neutral = _TABLE_GAIN * self.table(ops.zeros((1,), "int32"))
        code = strength * ops.sum(shares[:, None] * codes, axis=1) + (1.0 - strength) * neutral
        return self.model([content, code])


def _painter(dtype: str) -> keras.Model:
    """The model from a picture and a style's code to a picture."""
    policy = keras.DTypePolicy("mixed_bfloat16" if dtype == "bfloat16" else "float32")
    half, quarter, eighth = _WIDTHS
    norms = [half, quarter, eighth, *[eighth] * (2 * _RESIDUAL_BLOCKS), quarter, quarter, quarter, half]
    image = keras.Input((None, None, 3), name="image", dtype="float32")
    code = keras.Input((2 * sum(norms),), name="code", dtype="float32")
    starts = iter(sum(norms[:index]) for index in range(len(norms)))

    def normalize(x: Any, name: str) -> Any:
        start, width = next(starts), x.shape[-1]
        mean = code[:, start : start + width]
        deviation = 1.0 + code[:, sum(norms) + start : sum(norms) + start + width]
        return AdaptiveInstanceNormalization(name=f"{name}_style", dtype=policy)([x, mean, deviation])

    def block(x: Any, width: int, name: str, size: int = 3, stride: int = 1, *, enlarge: bool = False) -> Any:
        if enlarge:
            x = EnlargingConvolution(width, name=name, use_bias=False, dtype=policy)(x)
        else:
            x = reflect_convolution(x, width, size, stride, name=name, use_bias=False, dtype=policy)
        return keras.layers.Activation("relu", name=f"{name}_relu", dtype=policy)(normalize(x, name))

    def residual(x: Any, name: str) -> Any:
        y = block(x, x.shape[-1], f"{name}_1")
        y = reflect_convolution(y, x.shape[-1], name=f"{name}_2", use_bias=False, dtype=policy)
        return keras.layers.Add(name=name, dtype=policy)([x, normalize(y, f"{name}_2")])

    x = block(image, half, "half_down", size=5, stride=2)
    x = skip = block(x, quarter, "quarter_down", stride=2)
    x = block(x, eighth, "eighth_down", stride=2)
    for index in range(_RESIDUAL_BLOCKS):
        x = residual(x, f"residual_{index}")
    x = block(x, quarter, "quarter_up", enlarge=True)
    x = residual(keras.layers.Add(name="skip", dtype=policy)([x, skip]), "residual_quarter")
    x = block(x, half, "half_up", enlarge=True)
    x = EnlargingConvolution(3, name="picture", dtype=policy)(x)
    return keras.Model([image, code], Pixels(name="pixels", dtype="float32")(x), name="many_styles")

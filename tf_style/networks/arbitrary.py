"""Any style in one pass: the content's features get the style's statistics, and a decoder paints them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from tf_style.networks.blocks import (
    AdaptiveInstanceNormalization,
    EnlargingConvolution,
    Modulation,
    Pixels,
    Standardization,
    reflect_convolution,
)

#: The encoder's layers that the network reads, shallow to deep.
ENCODER_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1")

_HIDDEN = 128  # units between the style's code and the modulations
_RESIDUALS = 2  # at an eighth of the size, where forms larger than a stroke are made
_FEATURE_SIZE = 512.0  # about the root mean square of the encoder's deepest features
_EPSILON = 1e-5


class ArbitraryStyleNetwork:
    """A frozen encoder and a decoder; a style's code is the mean and deviation of each of the encoder's channels.

    Adaptive instance normalisation gives the deepest features the style's statistics; it needs no training, so it works
    for any style. The whole code modulates the decoder's layers, which brings colours and strokes.

    Args:
      encoder: Picture (float32 [B, H, W, 3], RGB in [0, 1]) to the features of at least `ENCODER_LAYERS`.
      channels: The numbers of channels of those layers, in order.
      compute_dtype: Type of the decoder's convolutions, "float32" or "bfloat16".

    Reference:
      Huang, Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", ICCV 2017
      (https://arxiv.org/abs/1703.06868); modulations from a style's code: Ghiasi et al., "Exploring the structure of a
      real-time, arbitrary neural artistic stylization network", BMVC 2017 (https://arxiv.org/abs/1705.06830).
    """

    kind = "arbitrary"
    #: The picture's sides must be multiples of this.
    multiple = 8

    def __init__(
        self, encoder: Callable[[Any], Mapping[str, Any]], channels: tuple[int, ...], compute_dtype: str = "float32"
    ) -> None:
        self.encoder = encoder
        self.channels = channels
        self.model = _decoder(channels, compute_dtype)
        self.code_length = 2 * sum(channels)

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The layers to train and save, without the frozen encoder."""
        return [self.model]

    @property
    def all_layers(self) -> list[Any]:
        """All layers, with the frozen encoder."""
        return [self.model, self.encoder]

    def encode_content(self, image: Any) -> dict[str, Any]:
        """The encoder's features of a picture [B, H, W, 3] whose height and width are multiples of 8."""
        features = self.encoder(image)
        return {layer: features[layer] for layer in ENCODER_LAYERS}

    def encode_style(self, image: Any) -> Any:
        """The code of a picture [B, h, w, 3], float32 [B, N]."""
        return self.code(self.encoder(image))

    def code(self, features: Mapping[str, Any]) -> Any:
        """The code of features: means, then deviations, of all layers, float32 [B, N]."""
        moments = [ops.moments(ops.cast(features[layer], "float32"), axes=[1, 2]) for layer in ENCODER_LAYERS]
        means = [mean for mean, _ in moments]
        deviations = [ops.sqrt(variance + _EPSILON) for _, variance in moments]
        return ops.concatenate(means + deviations, axis=-1)

    def neutral_code(self, content: Mapping[str, Any]) -> Any:
        """The code that leaves the picture unchanged: its own."""
        return self.code(content)

    def paint(self, content: Mapping[str, Any], code: Any) -> Any:
        """Paints `encode_content`'s features with a code: float32 [B, H, W, 3], slightly beyond [0, 1]."""
        return self.model([content[ENCODER_LAYERS[-1]], code])

    def adapt(self, codes: Any) -> None:
        """Learns the spread of codes from those of many styles, [B, N]; call it once, before training."""
        self.model.get_layer("spread").adapt(ops.log1p(codes))


def _decoder(channels: tuple[int, ...], dtype: str) -> keras.Model:
    """The model from the deepest layer's features and a style's code to a picture."""
    policy = keras.DTypePolicy("mixed_bfloat16" if dtype == "bfloat16" else "float32")
    first, second, third, deepest = channels
    features = keras.Input((None, None, deepest), name="features", dtype="float32")
    code = keras.Input((2 * sum(channels),), name="code", dtype="float32")
    spread = Standardization(name="spread", dtype="float32")
    hidden = keras.layers.Dense(_HIDDEN, activation="relu", name="hidden", dtype="float32")(
        spread(ops.log1p(ops.relu(code)))
    )

    def modulated(x: Any, width: int, name: str) -> Any:
        parameters = keras.layers.Dense(
            2 * width, kernel_initializer="zeros", name=f"{name}_modulation", dtype="float32"
        )(hidden)
        return Modulation(name=f"{name}_modulated", dtype=policy)([x, parameters])

    def block(x: Any, width: int, name: str, *, enlarge: bool = False) -> Any:
        if enlarge:
            x = EnlargingConvolution(width, name=name, dtype=policy)(x)
        else:
            x = reflect_convolution(x, width, name=name, dtype=policy)
        return keras.layers.Activation("relu", name=f"{name}_relu", dtype=policy)(modulated(x, width, name))

    def residual(x: Any, width: int, name: str) -> Any:
        """A residual block that changes nothing at first."""
        y = reflect_convolution(x, width, kernel_initializer="zeros", name=name, dtype=policy)
        y = keras.layers.Add(name=f"{name}_sum", dtype=policy)([x, modulated(y, width, name)])
        return keras.layers.Activation("relu", name=f"{name}_relu", dtype=policy)(y)

    offset, total = sum(channels) - deepest, sum(channels)
    mean, deviation = code[:, offset : offset + deepest], code[:, total + offset : total + offset + deepest]
    small = keras.layers.Rescaling(1.0 / _FEATURE_SIZE, name="small", dtype="float32")
    x = AdaptiveInstanceNormalization(name="alignment", dtype=policy)([features, small(mean), small(deviation)])
    x = block(x, third, "eighth")
    for number in range(_RESIDUALS):
        x = residual(x, third, f"eighth_residual_{number + 1}")
    x = block(x, third, "quarter_1", enlarge=True)
    x = block(x, second, "quarter_2")
    x = block(x, second, "half_1", enlarge=True)
    x = block(x, first, "half_2")
    x = EnlargingConvolution(3, name="picture", dtype=policy)(x)
    return keras.Model([features, code], Pixels(name="pixels", dtype="float32")(x), name="arbitrary")

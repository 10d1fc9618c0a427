"""Any style in one pass: each place takes what it needs from the style's own features, and a decoder paints it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
from keras import ops

from tf_style.networks.attention import TOKENS, attend, mixed_moments, on_a_grid
from tf_style.networks.blocks import (
    EnlargingConvolution,
    Moments,
    Standardization,
    adaptation,
    affine,
    convolve,
    enlarge_and_convolve,
    means_and_deviations,
    moments,
    overshooting_pixels,
    standardization,
)
from tf_style.ops.noise import Noise

#: The encoder's layers that the network reads, shallow to deep.
ENCODER_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1")

_QUARTER, _DEEPEST = ENCODER_LAYERS[2:]
_QUARTER_SIZE, _DEEPEST_SIZE = 256.0, 512.0  # about the root mean square of those layers' features
_KEY, _VALUE = 64, 192  # numbers by which a token is found, and numbers that it brings
_HIDDEN = 128  # units between the style's moments and the modulations
#: The decoder's 3x3 convolutions: channels in and out. `large_up` and `picture` are not modulated.
_CONVOLUTIONS = {
    "mix": (_VALUE, _VALUE), "down": (_VALUE, _VALUE), "large_up": (_VALUE, _VALUE), "eighth": (_VALUE, 128),
    "quarter_1": (128, 96), "quarter_2": (96, 64), "half_1": (64, 48), "half_2": (48, 32), "picture": (32, 3),
}  # fmt: skip
_ENLARGING = ("large_up", "quarter_1", "half_1", "picture")
_UNMODULATED = ("large_up", "picture")
_NOISE_STRIDES = {"mix": 8, "down": 16, "quarter_1": 4, "half_1": 2}  # layers that get noise, and their pixels' size
_FIRST_NOISE = 0.05  # the noise's size before training


class Statistics(NamedTuple):
    """What painting needs to know of the whole picture.

    Attributes:
      features: Moments of the content's features, for each of `ENCODER_LAYERS`.
      values: Moments of what its places take from the style.
    """

    features: dict[str, Moments]
    values: Moments


class ArbitraryStyleNetwork:
    """A frozen encoder, attention from the content's places to the style's, and a decoder.

    A style's code is the mean and deviation of each of the encoder's channels, and tokens: a key and a value for each
    place of a 32 x 32 grid. A place of the content mixes the values whose keys fit, so it gets what such places look
    like in the style. The means and deviations modulate the decoder's layers. Noise gives flat grounds their strokes.

    Args:
      encoder: Picture (float32 [B, H, W, 3], RGB in [0, 1]) to the features of at least `ENCODER_LAYERS`.
      channels: The numbers of channels of those layers, in order.
      compute_dtype: Type of the convolutions and of the attention, "float32" or "bfloat16".

    Reference:
      Attention over a style's features: Park, Lee, "Arbitrary Style Transfer with Style-Attentional Networks", CVPR
      2019 (https://arxiv.org/abs/1812.02342), and Liu et al., "AdaAttN", ICCV 2021 (https://arxiv.org/abs/2108.03647);
      modulations from a style's code: Ghiasi et al., "Exploring the structure of a real-time, arbitrary neural artistic
      stylization network", BMVC 2017 (https://arxiv.org/abs/1705.06830); noise: Karras et al., "A Style-Based Generator
      Architecture for Generative Adversarial Networks", CVPR 2019, section 3.2 (https://arxiv.org/abs/1812.04948).
    """

    kind = "arbitrary"
    #: The picture's sides must be multiples of this.
    multiple = 8

    def __init__(
        self, encoder: Callable[[Any], Mapping[str, Any]], channels: tuple[int, ...], compute_dtype: str = "float32"
    ) -> None:
        self.encoder = encoder
        self.channels = channels
        self.code_length = 2 * sum(channels) + TOKENS * (_KEY + _VALUE)
        self._dtype = compute_dtype
        self._layers: dict[str, keras.layers.Layer] = {}
        number = 2 * sum(channels)
        self._add(Standardization(name="spread"), number)
        self._add_dense("hidden", number, _HIDDEN)
        for name, width in (("query", _KEY), ("key", _KEY), ("value", _VALUE), ("structure", _VALUE)):
            self._add_dense(name, channels[3], width)
        self._add_dense("skip", channels[2], _CONVOLUTIONS["quarter_1"][1])
        for name, (inputs, outputs) in _CONVOLUTIONS.items():
            if name in _ENLARGING:
                self._add(EnlargingConvolution(outputs, name=name), inputs)
            else:
                self._add(keras.layers.Conv2D(outputs, 3, name=name), inputs)
            if name not in _UNMODULATED:
                self._add_dense(f"{name}_modulation", _HIDDEN, 2 * outputs, kernel_initializer="zeros")
        for name in _NOISE_STRIDES:
            size = keras.initializers.Constant(_FIRST_NOISE)
            outputs = _CONVOLUTIONS[name][1]
            self._add_dense(f"{name}_noise", _HIDDEN, outputs, kernel_initializer="zeros", bias_initializer=size)

    def _add(self, layer: keras.layers.Layer, inputs: int) -> None:
        layer.build((None, None, None, inputs))
        self._layers[layer.name] = layer

    def _add_dense(self, name: str, inputs: int, outputs: int, **options: Any) -> None:
        self._add(keras.layers.Dense(outputs, name=name, **options), inputs)

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The layers to train and save, without the frozen encoder."""
        return list(self._layers.values())

    @property
    def all_layers(self) -> list[Any]:
        """All layers, with the frozen encoder."""
        return [*self.layers, self.encoder]

    # Styles -----------------------------------------------------------------------------------------------------------

    def encode_style(self, image: Any) -> Any:
        """The code of a picture [B, h, w, 3], float32 [B, N]."""
        return self.code(self.encoder(image))

    def code(self, features: Mapping[str, Any]) -> Any:
        """The code of features: means, then deviations, of all layers, then the tokens; float32 [B, N]."""
        numbers = means_and_deviations([moments(features[layer]) for layer in ENCODER_LAYERS])
        tokens = ops.cast(on_a_grid(features[_DEEPEST]), "float32") / _DEEPEST_SIZE
        keys = self._dense("key", tokens, standardization(moments(tokens), self._dtype))
        both = ops.concatenate([keys, self._dense("value", tokens)], axis=-1)
        tokens = ops.reshape(ops.cast(both, "float32"), (-1, TOKENS * (_KEY + _VALUE)))
        return ops.concatenate([numbers, tokens], axis=-1)

    def adapt(self, codes: Any) -> None:
        """Learns the spread of codes from those of many styles, [M, N]; call it once, before training."""
        self._layers["spread"].adapt(ops.log1p(codes[:, : 2 * sum(self.channels)]))

    # Pictures ---------------------------------------------------------------------------------------------------------

    def encode_content(self, image: Any) -> dict[str, Any]:
        """The encoder's features of a picture [B, H, W, 3] whose height and width are multiples of 8."""
        features = self.encoder(image)
        return {layer: features[layer] for layer in ENCODER_LAYERS}

    def take_values(self, content: Mapping[str, Any], codes: Any, shares: Any, own: Moments | None = None) -> Any:
        """What each place of a picture takes from the styles' tokens, [B, h, w, values].

        Args:
          content: From `encode_content`.
          codes: As for `paint`.
          shares: As for `paint`.
          own: Moments of the deepest features of the whole picture, if `content` is only a part of it.
        """
        deepest = content[_DEEPEST]
        batch, height, width = ops.shape(deepest)[:3]
        queries = self._dense("query", deepest, standardization(own or moments(deepest), self._dtype))
        _, keys, values = self._parts(codes)
        taken = attend(ops.reshape(queries, (batch, height * width, _KEY)), keys, values, shares)
        return ops.reshape(taken, (batch, height, width, _VALUE))

    def paint(
        self,
        content: Mapping[str, Any],
        codes: Any,
        shares: Any,
        strength: Any,
        noise: Noise | None = None,
        statistics: Statistics | None = None,
    ) -> Any:
        """Paints a picture in a mixture of styles.

        Args:
          content: From `encode_content`.
          codes: Of K styles, float32 [B or 1, K, N].
          shares: Of each style, float32 [K], of sum 1.
          strength: In [0, 1], float32 [B]: 1 is the full style.
          noise: For flat grounds; None: none.
          statistics: Of the whole picture, if `content` is only a part of it.

        Returns:
          Float32 [B, H, W, 3], slightly beyond [0, 1].
        """
        deepest, quarter = content[_DEEPEST], content[_QUARTER]
        height, width = ops.shape(deepest)[1:3]
        own = statistics.features if statistics else {name: moments(content[name]) for name in (_QUARTER, _DEEPEST)}
        whole = ops.all(strength >= 1.0)
        strength = strength[:, None]
        numbers, _, values = self._parts(codes)
        numbers = ops.sum(shares[:, None] * numbers, axis=1) + ops.zeros_like(strength)

        def blended() -> Any:
            every = [own[name] if name in own else moments(content[name]) for name in ENCODER_LAYERS]
            return strength * numbers + (1.0 - strength) * means_and_deviations(every)

        numbers = ops.cond(whole, lambda: numbers, blended)
        hidden = self._hidden(numbers)

        taken = self.take_values(content, codes, shares, own[_DEEPEST])
        found = statistics.values if statistics else moments(taken)
        scale, shift = adaptation(found, *mixed_moments(values, shares), self._dtype)
        x = affine(taken, scale, shift)
        share = self._cast(strength[..., None, None])
        x = ops.cond(
            whole, lambda: x, lambda: share * x + (1.0 - share) * self._dense("value", deepest / _DEEPEST_SIZE)
        )
        x = x + self._dense("structure", deepest, standardization(own[_DEEPEST], self._dtype))

        x = self._block("mix", x, hidden, noise)
        x = x + self._convolved("large_up", self._block("down", x, hidden, noise))[:, :height, :width]
        x = self._block("eighth", x, hidden, noise)
        mean, deviation = (part / _QUARTER_SIZE for part in self._of_quarter(numbers))
        known = Moments(own[_QUARTER].mean / _QUARTER_SIZE, own[_QUARTER].variance / _QUARTER_SIZE**2)
        scale, shift = adaptation(known, mean, deviation, self._dtype)
        fine = scale / _QUARTER_SIZE, shift
        x = self._block("quarter_1", x, hidden, noise, lambda times: self._dense("skip", quarter, fine, times))
        for name in ("quarter_2", "half_1", "half_2"):
            x = self._block(name, x, hidden, noise)
        return overshooting_pixels(self._convolved("picture", x))

    # Parts ------------------------------------------------------------------------------------------------------------

    def _cast(self, x: Any) -> Any:
        return ops.cast(x, self._dtype)

    def _parts(self, codes: Any) -> tuple[Any, Any, Any]:
        """Means and deviations [b, K, M], keys [b, K, T, keys] and values [b, K, T, values] of codes."""
        batch, styles = ops.shape(codes)[:2]
        number = 2 * sum(self.channels)
        tokens = ops.reshape(codes[..., number:], (batch, styles, TOKENS, _KEY + _VALUE))
        return codes[..., :number], tokens[..., :_KEY], tokens[..., _KEY:]

    def _of_quarter(self, numbers: Any) -> tuple[Any, Any]:
        """The quarter's means and deviations among those of all layers."""
        start, total = sum(self.channels[:2]), sum(self.channels)
        return tuple(numbers[:, first : first + self.channels[2]] for first in (start, total + start))

    def _hidden(self, numbers: Any) -> Any:
        layer = self._layers["hidden"]
        standard = self._layers["spread"](ops.log1p(ops.relu(numbers)))
        return ops.relu(ops.matmul(standard, layer.kernel) + layer.bias)

    def _dense(self, name: str, x: Any, affine: tuple[Any, Any] | None = None, times: Any = 1.0) -> Any:
        """x, [B, ..., C], times a layer's kernel.

        With `affine`, a scale and a shift [B, C], it is that of x * scale + shift, which is never made. The result is
        multiplied by `times`, [B, C'].
        """
        layer = self._layers[name]
        if affine is None:
            return ops.matmul(self._cast(x), self._cast(layer.kernel)) + self._cast(layer.bias)
        scale, shift = affine
        batch, height, width, inputs = ops.shape(x)
        bias = self._cast((ops.matmul(shift, layer.kernel) + layer.bias) * times)
        kernel = self._cast(scale[:, :, None] * layer.kernel * (1.0 if isinstance(times, float) else times[:, None]))
        y = ops.matmul(ops.reshape(self._cast(x), (batch, height * width, inputs)), kernel) + bias[:, None]
        return ops.reshape(y, (batch, height, width, layer.units))

    def _convolved(self, name: str, x: Any, modulation: tuple[Any, Any] | None = None, *, relu: bool = False) -> Any:
        """A convolution; with scale and shift [C], of its result."""
        layer = self._layers[name]
        scale, shift = modulation or (1.0, 0.0)
        kernel, bias = layer.kernel * scale, layer.bias * scale + shift
        if name in _ENLARGING:
            return enlarge_and_convolve(x, kernel, bias, ops.relu if relu else None)
        x = convolve(x, self._cast(kernel), self._cast(bias), 2 if name == "down" else 1)
        return ops.relu(x) if relu else x

    def _block(
        self, name: str, x: Any, hidden: Any, noise: Noise | None, skip: Callable[[Any], Any] | None = None
    ) -> Any:
        """A convolution, modulated by the style, with noise, and what is above zero of it.

        `skip` makes something to add to the convolution before it is modulated, from the modulation's scale.
        """
        scale, shift = ops.split(self._small("modulation", name, hidden), 2, axis=-1)
        scale = 1.0 + scale
        alone = skip is None and (noise is None or name not in _NOISE_STRIDES)
        if x.shape[0] == 1:  # the kernel is modulated instead, which costs no pass over the picture
            x = self._convolved(name, x, (scale[0], shift[0]), relu=alone)
        else:
            x = self._convolved(name, x)
            x = x * self._cast(scale)[:, None, None] + self._cast(shift)[:, None, None]
            x = ops.relu(x) if alone else x
        if alone:
            return x
        x = x if skip is None else x + skip(scale)
        if noise is not None:
            height, width = ops.shape(x)[1:3]
            plane = self._cast(noise.plane(height, width, _NOISE_STRIDES[name]))
            x = x + self._cast(self._small("noise", name, hidden))[:, None, None] * plane
        return ops.relu(x)

    def _small(self, kind: str, name: str, hidden: Any) -> Any:
        layer = self._layers[f"{name}_{kind}"]
        return ops.matmul(hidden, layer.kernel) + layer.bias

"""Building blocks of the networks, from Keras layers and operations only, so that they run on any Keras backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from tf_style.ops.padding import edge_pad, runs_on_tensorflows_cpu

_EPSILON = 1e-5
# Well above the variance that rounding leaves in a flat channel (the share is of its squared mean), well below that of
# any picture. Without them, each normalisation enlarges rounding hundreds of times, and a flat picture such as a black
# frame ends as noise.
_FLAT, _FLAT_SHARE = 1e-7, {"float32": 1e-10, "bfloat16": 1e-5}
# Which rows of a 3x3 kernel fall on which of two small pixels, for the upper and the lower of two enlarged pixels.
_FOLDS = (((1, 0, 0), (0, 1, 1)), ((1, 1, 0), (0, 0, 1)))
_OVERSHOOT = 0.6  # the picture is 0.5 + 0.6 tanh(x), clipped, so that it can reach pure black and white


class Moments(NamedTuple):
    """Mean and variance of each channel of each picture, float32 [B, C]."""

    mean: Any
    variance: Any


def moments(x: Any) -> Moments:
    """The moments of x, [B, H, W, C], computed in float32."""
    if _is_normalized_fast(x) and x.dtype == "bfloat16":
        return _moments_of_one(x)
    batch, height, width, channels = ops.shape(x)
    x = ops.reshape(ops.cast(x, "float32"), (batch, height * width, channels))
    averaging = ops.ones((1, height * width), "float32") / ops.cast(height * width, "float32")
    mean = ops.matmul(averaging, x)  # faster than ops.mean, and more exact
    return Moments(mean[:, 0], ops.matmul(averaging, ops.square(x - mean))[:, 0])


def _is_normalized_fast(x: Any) -> bool:
    """Whether TensorFlow's batch normalisation does in one pass what takes several otherwise: with oneDNN, on CPUs."""
    return runs_on_tensorflows_cpu() and x.shape[0] == 1 and x.shape[-1] % 16 == 0


def _moments_of_one(x: Any) -> Moments:
    """Those that batch normalisation finds, in a third of the time."""
    import tensorflow as tf

    @tf.custom_gradient
    def found(x: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Any]:
        ones, none = tf.ones([x.shape[-1]]), tf.zeros([0])
        number = tf.cast(tf.shape(x)[1] * tf.shape(x)[2], tf.float32)
        normalized = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=ones, offset=ones, mean=none, variance=none, exponential_avg_factor=1.0
        )
        mean = normalized.batch_mean
        variance = normalized.batch_variance * (tf.maximum(number, 2.0) - 1.0) / number  # Bessel's correction undone

        def gradient(of_mean: tf.Tensor, of_variance: tf.Tensor) -> tf.Tensor:
            return tf.cast((of_mean + 2.0 * of_variance * (tf.cast(x, tf.float32) - mean)) / number, x.dtype)

        return (mean[tf.newaxis], variance[tf.newaxis]), gradient

    return Moments(*found(x))


def adaptation(own: Moments, mean: Any, deviation: Any, dtype: str) -> tuple[Any, Any]:
    """Scale and shift, float32 [B, C], that give features with moments `own` a mean and a deviation, [B, C].

    Args:
      own: The features' moments.
      mean: The mean to give them.
      deviation: The deviation to give them; channels that are flat but for rounding stay flat.
      dtype: Type in which the features were computed.

    Reference:
      Huang, Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", ICCV 2017, eq. 8.
      https://arxiv.org/abs/1703.06868
    """
    squared, flat = ops.square(own.variance), _FLAT + _FLAT_SHARE[dtype] * ops.square(own.mean)
    scale = deviation * ops.rsqrt(own.variance + _EPSILON) * squared / (squared + ops.square(flat))
    return scale, mean - own.mean * scale


def affine(x: Any, scale: Any, shift: Any) -> Any:
    """Features [B, H, W, C] times a scale plus a shift, [B, C]: computed in float32, and of the features' type."""
    if _is_normalized_fast(x):
        import tensorflow as tf

        none, one = tf.zeros(x.shape[-1:]), tf.ones(x.shape[-1:])
        return tf.raw_ops.FusedBatchNormV3(
            x=x, scale=scale[0], offset=shift[0], mean=none, variance=one, epsilon=0.0, is_training=False
        ).y
    y = ops.cast(x, "float32") * scale[:, None, None] + shift[:, None, None]
    return ops.cast(y, x.dtype)


def standardization(own: Moments, dtype: str) -> tuple[Any, Any]:
    """The same for mean 0 and deviation 1."""
    return adaptation(own, ops.zeros_like(own.mean), ops.ones_like(own.mean), dtype)


def means_and_deviations(features: list[Moments]) -> Any:
    """Those of several layers in a row: all means, then all deviations, float32 [B, N]."""
    deviations = [ops.sqrt(own.variance + _EPSILON) for own in features]
    return ops.concatenate([own.mean for own in features] + deviations, axis=-1)


def convolve(x: Any, kernel: Any, bias: Any, stride: int = 1) -> Any:
    """A 3x3 convolution of [B, H, W, C] with a mirrored border; it keeps the size, or divides it by the stride."""
    return ops.conv(edge_pad(x, "reflect"), kernel, stride, "valid") + bias


def enlarge_and_convolve(x: Any, kernel: Any, bias: Any = None, activation: Callable[[Any], Any] | None = None) -> Any:
    """Doubles the size of [B, H, W, C] by repeating pixels, then convolves by 3x3; see `EnlargingConvolution`.

    Args:
      x: [B, H, W, C].
      kernel: [3, 3, C, channels], float32 even if x is not.
      bias: [channels].
      activation: Of single values. Both are cheaper here than afterwards.
    """
    batch, height, width = ops.shape(x)[:3]
    channels = kernel.shape[-1]
    exact = ops.einsum("pah,qbw,hwio->abipqo", *(ops.cast(_FOLDS, kernel.dtype),) * 2, kernel)
    exact = ops.reshape(exact, (2, 2, -1, 4 * channels))
    kernel = ops.cast(exact, x.dtype)
    y = ops.conv(edge_pad(x, "symmetric"), kernel, padding="valid")  # [B, H + 1, W + 1, 4 channels]
    bias = 0.0 if bias is None else ops.tile(bias, 4)
    if x.dtype != exact.dtype:  # rounded kernels have different sums, which would show as a checkerboard
        lost = ops.sum(exact - ops.cast(kernel, exact.dtype), axis=(0, 1))
        bias = ops.expand_dims(bias + ops.matmul(moments(x).mean, lost), (1, 2))
    y = y + ops.cast(bias, y.dtype)
    y = y if activation is None else activation(y)
    rows = []
    for row in (0, 1):
        start = 2 * row * channels
        even = y[:, row : height + row, :width, start : start + channels]
        odd = y[:, row : height + row, 1:, start + channels : start + 2 * channels]
        rows.append(ops.concatenate([even, odd], axis=-1))
    y = ops.stack(rows, axis=2)  # [B, H, 2, W, 2 channels]
    return ops.reshape(y, (batch, 2 * height, 2 * width, channels))


def overshooting_pixels(x: Any) -> Any:
    """The last activation, 0.5 + 0.6 tanh(x), float32; it exceeds [0, 1] a little, to reach black and white."""
    return 0.5 + _OVERSHOOT * ops.tanh(ops.cast(x, "float32"))


@keras.saving.register_keras_serializable("tf_style")
class ReflectPadding(keras.layers.Layer):
    """Adds a mirrored border of `size` pixels, so that convolutions see no black frame."""

    def __init__(self, size: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, image: Any) -> Any:
        """Args: image, [B, H, W, C]; returns [B, H + 2 size, W + 2 size, C]."""
        return edge_pad(image, "reflect", self.size)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The input's shape, with height and width (if known) grown by the border."""
        grown = [None if side is None else side + 2 * self.size for side in input_shape[1:3]]
        return (input_shape[0], *grown, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make the layer again."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("tf_style")
class AdaptiveInstanceNormalization(keras.layers.Layer):
    """Gives each channel of each picture a mean and a standard deviation; computed in float32.

    Call it on [x, mean, deviation]: [B, H, W, C], [B, C], [B, C]; it returns [B, H, W, C].

    Reference:
      Huang, Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", ICCV 2017, eq. 8.
      https://arxiv.org/abs/1703.06868
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"autocast": False, **kwargs})

    def call(self, inputs: list) -> Any:
        """Args: inputs, [x, mean, deviation]."""
        x, mean, deviation = inputs
        wanted = ops.cast(mean, "float32"), ops.cast(deviation, "float32")
        scale, shift = adaptation(moments(x), *wanted, keras.backend.standardize_dtype(x.dtype))
        return ops.cast(affine(x, scale, shift), self.compute_dtype)

    def compute_output_shape(self, input_shape: list) -> tuple:
        """The shape of x."""
        return tuple(input_shape[0])


@keras.saving.register_keras_serializable("tf_style")
class Standardization(keras.layers.Layer):
    """(x - mean) / deviation for each channel of [B, N], with mean and deviation of the values given to `adapt`.

    Unlike `keras.layers.Normalization`, it reads its weights at each call, so that they can be assigned.
    """

    def build(self, input_shape: tuple) -> None:
        """Starts with mean 0 and deviation 1."""
        shape = input_shape[-1:]
        self.mean = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(shape=shape, initializer="ones", trainable=False, name="deviation")

    def adapt(self, values: Any) -> None:
        """Takes the mean and deviation from values [M, N]."""
        mean, variance = ops.moments(values, axes=[0])
        self.mean.assign(mean)
        self.deviation.assign(ops.sqrt(variance + _EPSILON))

    def call(self, x: Any) -> Any:
        """Args: x, [B, N]."""
        return (x - self.mean) / self.deviation


@keras.saving.register_keras_serializable("tf_style")
class Pixels(keras.layers.Layer):
    """`overshooting_pixels` as a layer."""

    def call(self, x: Any) -> Any:
        """Args: x, [B, H, W, 3]."""
        return overshooting_pixels(x)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The shape of x."""
        return tuple(input_shape)


@keras.saving.register_keras_serializable("tf_style")
class EnlargingConvolution(keras.layers.Layer):
    """Doubles the size by repeating pixels, then convolves by 3x3 with a mirrored border; this leaves no checkerboard.

    The enlarged picture is never made. A 3x3 kernel on repeated pixels sees at most 2x2 different ones, in one of four
    arrangements. So each arrangement is a 2x2 kernel on the small picture, and the four results are interleaved. This
    gives the same values with 4/9 of the multiplications and much less memory.

    Args:
      channels: Channels of the result.
      use_bias: Whether to add a bias.

    Reference:
      Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016
      (https://distill.pub/2016/deconv-checkerboard/); interleaving: Shi et al., "Real-Time Single Image and Video
      Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network", CVPR 2016, section 3.2
      (https://arxiv.org/abs/1609.05158).
    """

    def __init__(self, channels: int, *, use_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels, self.use_bias = channels, use_bias

    def build(self, input_shape: tuple) -> None:
        """Makes the 3x3 kernel and the bias."""
        self.kernel = self.add_weight(
            shape=(3, 3, input_shape[-1], self.channels), initializer="glorot_uniform", name="kernel", autocast=False
        )
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.channels,), initializer="zeros", name="bias", autocast=False)

    def call(self, x: Any) -> Any:
        """Args: x, [B, H, W, C]; returns [B, 2 H, 2 W, channels]."""
        return enlarge_and_convolve(x, self.kernel, self.bias if self.use_bias else None)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The shape with height and width doubled (if known)."""
        height, width = (None if side is None else 2 * side for side in input_shape[1:3])
        return (input_shape[0], height, width, self.channels)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make the layer again."""
        return {**super().get_config(), "channels": self.channels, "use_bias": self.use_bias}


def reflect_convolution(x: Any, channels: int, size: int = 3, stride: int = 1, **options: Any) -> Any:
    """A convolution with a mirrored border; it keeps the size, or divides it by the stride.

    Args:
      x: A Keras tensor [B, H, W, C].
      channels: Channels of the result.
      size: Side of the kernel, odd.
      stride: Stride of the convolution.
      **options: Arguments of `keras.layers.Conv2D`.
    """
    x = ReflectPadding(size // 2, dtype=options.get("dtype"))(x)
    return keras.layers.Conv2D(channels, size, strides=stride, **options)(x)

"""A convolution that computes its gradient in the faster of two equal ways."""

from __future__ import annotations

import keras

from tf_style.backbones.precision import computes_on_x86_cpu, cpu_has, uses_onednn
from tf_style.types import Tensor


@keras.saving.register_keras_serializable("tf_style")
class Convolution(keras.layers.Conv2D):
    """Frozen convolution, stride 1: 3x3, or 1x1 with "same" padding.

    On x86 CPUs without AVX-512, TensorFlow uses its own kernels instead of oneDNN's, and their gradient is 1.4 to 2.5
    times as slow as their convolution (43 against 111 GFLOP/s for 64 channels at 512 px on two cores, TensorFlow 2.21).
    There the gradient is computed as what it is: a convolution with the mirrored kernel.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """Args: inputs, [B, H, W, C]; returns [B, H, W, C'], with "valid" padding one pixel less at each edge."""
        if self.compute_dtype != "float32" or not _gradient_is_slow():
            return super().call(inputs)
        convolved = _convolve(inputs, self.kernel, self.padding.upper())
        return self.activation(convolved + self.bias if self.use_bias else convolved)


def _gradient_is_slow() -> bool:
    return computes_on_x86_cpu() and cpu_has("avx2") and not uses_onednn()


def _convolve(inputs: Tensor, kernel: Tensor, padding: str) -> Tensor:
    """Convolves with a constant kernel; only the gradient with respect to the inputs is defined."""
    import tensorflow as tf

    kernel = tf.convert_to_tensor(kernel)

    @tf.custom_gradient
    def convolve(inputs: Tensor) -> tuple[Tensor, object]:
        def gradient(upstream: Tensor) -> Tensor:
            mirrored = tf.transpose(tf.reverse(kernel, axis=[0, 1]), [0, 1, 3, 2])
            if padding == "VALID":
                upstream = tf.pad(upstream, [[0, 0], [1, 1], [1, 1], [0, 0]])
            return tf.nn.conv2d(upstream, mirrored, strides=1, padding="SAME")

        return tf.nn.conv2d(inputs, kernel, strides=1, padding=padding), gradient

    return convolve(inputs)

"""VGG feature extractors from `keras.applications` weights, built up to the deepest layer asked for."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import keras
import numpy as np
from keras import ops

from tf_style.backbones.convolution import Convolution
from tf_style.backbones.pooling import MaxPooling
from tf_style.backbones.weights import Kernels, WeightsError, application_kernels
from tf_style.ops.padding import edge_pad
from tf_style.ops.periodic import wrap_pad
from tf_style.types import Tensor

#: ImageNet's mean in the Caffe convention: blue, green, red, from 0 to 255.
_MEAN_BGR = (103.939, 116.779, 123.68)
_PAPER_NAME = re.compile(r"(?:conv|relu)(\d)_(\d)")
_POOLINGS: dict[str, Callable[..., keras.layers.Layer]] = {
    "max": MaxPooling,
    "average": functools.partial(keras.layers.AveragePooling2D, 2),
}
_PADDINGS = ("zero", "replicate", "replicate_all", "circular")


@keras.saving.register_keras_serializable("tf_style")
class CaffePreprocessing(keras.layers.Layer):
    """Turns RGB in [0, 1] into BGR from 0 to 255, minus ImageNet's mean."""

    def call(self, image: Tensor) -> Tensor:
        """Args: image, float32 [B, H, W, 3]."""
        return ops.flip(image, -1) * 255.0 - ops.cast(_MEAN_BGR, image.dtype)


@keras.saving.register_keras_serializable("tf_style")
class ReplicatePadding(keras.layers.Layer):
    """Adds a pixel on each side, a copy of the edge."""

    def call(self, image: Tensor) -> Tensor:
        """Args: image, [B, H, W, C]."""
        return edge_pad(image, "symmetric")


@keras.saving.register_keras_serializable("tf_style")
class CircularPadding(keras.layers.Layer):
    """Adds a pixel on each side, from the opposite edge."""

    def call(self, image: Tensor) -> Tensor:
        """Args: image, [B, H, W, C]."""
        return wrap_pad(image, 1, 1)


def canonical_layer(name: str) -> str:
    """Keras's name of a layer: "conv4_2" and "relu4_2" become "block4_conv2"; other names stay unchanged."""
    match = _PAPER_NAME.fullmatch(name)
    return f"block{match[1]}_conv{match[2]}" if match else name


def vgg19(
    layers: Sequence[str],
    *,
    weights: str | None = "imagenet",
    pooling: str = "max",
    padding: str = "zero",
    compute_dtype: str = "float32",
) -> keras.Model:
    """VGG-19 up to the deepest layer asked for.

    Args:
      layers: Names of the layers to return (after ReLU), Keras's ("block4_conv2") or the papers' ("conv4_2").
      weights: "imagenet" (Keras's cache, else a download), the path of Keras's `notop` file, or None (random).
      pooling: "max" as trained, or "average" as Gatys et al. recommend.
      padding: "zero" as trained, "replicate" to repeat the picture's edge pixels before the first convolution,
        "replicate_all" to repeat the edges before every convolution, so that no layer sees a frame, or "circular" to
        join opposite edges (for sides that are multiples of 16).
      compute_dtype: Type of the convolutions, "float32" or "bfloat16"; outputs are float32 either way.

    Returns:
      A `keras.Model` from pictures (float32 [B, H, W, 3], RGB in [0, 1], with sides of at least 16 pixels) to a dict of
      features by the names in `layers`.

    Raises:
      ValueError: Unknown layer, pooling, padding or dtype.
      WeightsError: The weights are missing, cannot be downloaded or do not fit.

    Example:
      >>> backbone = vgg19(["conv1_1", "conv4_2"])
      >>> backbone(image)["conv4_2"]  # [B, H / 8, W / 8, 512]

    Reference:
      Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
      https://arxiv.org/abs/1409.1556
    """
    return vgg_features("vgg19", application_kernels("vgg19", weights), layers, pooling, padding, compute_dtype)


def vgg16(
    layers: Sequence[str],
    *,
    weights: str | None = "imagenet",
    pooling: str = "max",
    padding: str = "zero",
    compute_dtype: str = "float32",
) -> keras.Model:
    """VGG-16 up to the deepest layer asked for; arguments, result and errors as `vgg19`.

    Reference:
      Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
      https://arxiv.org/abs/1409.1556
    """
    return vgg_features("vgg16", application_kernels("vgg16", weights), layers, pooling, padding, compute_dtype)


def vgg_features(
    name: str,
    kernels: Kernels,
    layers: Sequence[str],
    pooling: str,
    padding: str,
    compute_dtype: str,
    *,
    readouts: Mapping[str, np.ndarray] | None = None,
    trainable: bool = False,
    features_dtype: str = "float32",
) -> keras.Model:
    """A VGG of any width from its kernels (in the order of the layers), up to the deepest of `layers`.

    It is frozen unless `trainable`; then its weights are float32 whatever the convolutions' type. Layers with a
    readout, [C, C'], return their features times the readout; later layers still get the features themselves.

    Raises:
      ValueError: Unknown layer, pooling, padding or dtype.
    """
    wanted = {layer: known_layer(layer, name, kernels) for layer in layers}
    _check_choice("pooling", pooling, _POOLINGS)
    _check_choice("padding", padding, _PADDINGS)
    _check_choice("compute_dtype", compute_dtype, ("float32", "bfloat16"))
    order = list(kernels)
    depth = max(order.index(layer) for layer in wanted.values()) + 1

    image = keras.Input((None, None, 3), name="image", dtype="float32")
    x = CaffePreprocessing(name="preprocessing", dtype="float32")(image)
    policy = "mixed_bfloat16" if trainable and compute_dtype == "bfloat16" else compute_dtype
    outputs, block, convolutions = {}, order[0][:6], []
    for index, layer in enumerate(order[:depth]):
        if layer[:6] != block:
            x = _POOLINGS[pooling](name=f"{block}_pool", dtype=compute_dtype)(x)
            block = layer[:6]
        padded = padding in ("replicate_all", "circular") or (padding == "replicate" and index == 0)
        if padded:
            kind = CircularPadding if padding == "circular" else ReplicatePadding
            x = kind(name=f"{layer}_padding", dtype=x.dtype)(x)
        convolution = (Convolution if index and not trainable else keras.layers.Conv2D)(
            kernels[layer][0].shape[-1],
            3,
            padding="valid" if padded else "same",
            activation="relu",
            name=layer,
            dtype=policy,
        )
        x = outputs[layer] = convolution(x)
        convolutions.append(convolution)
    for layer, mix in (readouts or {}).items():
        if layer in wanted.values():
            called = f"{layer}_readout"
            readout = Convolution(mix.shape[-1], 1, padding="same", use_bias=False, name=called, dtype=compute_dtype)
            outputs[layer] = readout(outputs[layer])
            readout.set_weights([mix[np.newaxis, np.newaxis]])
    features = {
        layer: keras.layers.Identity(name=f"{layer}_features", dtype=features_dtype)(outputs[wanted[layer]])
        for layer in layers
    }
    model = keras.Model(image, features, name=name)
    model.trainable = trainable  # an argument of keras.Model would not reach the layers
    for convolution in convolutions:
        convolution.set_weights(kernels[convolution.name])
    return model


def empty_kernels(channels: Mapping[str, int]) -> Kernels:
    """Kernels and biases of zeros for layers, shallow to deep, with these numbers of channels."""
    before = [3, *channels.values()]
    return {
        layer: (np.zeros((3, 3, inputs, outputs), np.float32), np.zeros(outputs, np.float32))
        for (layer, outputs), inputs in zip(channels.items(), before, strict=False)
    }


def up_to(kernels: Kernels, layers: Sequence[str]) -> Kernels:
    """The kernels up to the deepest of `layers`.

    Raises:
      WeightsError: A layer is missing.
    """
    order = list(kernels)
    missing = [layer for layer in layers if layer not in order]
    if missing:
        raise WeightsError(f"The weights have no layer {missing[0]}, but {', '.join(layers)} are needed; give others.")
    deepest = max(order.index(layer) for layer in layers)
    return {layer: kernels[layer] for layer in order[: deepest + 1]}


def known_layer(layer: str, backbone: str, known: Iterable[str]) -> str:
    """Keras's name of a layer, from either name; `known` are the backbone's layers.

    Raises:
      ValueError: The backbone has no such layer.
    """
    canonical, names = canonical_layer(layer), list(known)
    if canonical in names:
        return canonical
    close = difflib.get_close_matches(canonical, names, 1) or difflib.get_close_matches(layer, names, 1, 0.4)
    suggestion = f" Did you mean '{close[0]}'?" if close else ""
    raise ValueError(f"Unknown layer '{layer}'. {backbone} has: {', '.join(names)}.{suggestion}")


def _check_choice(option: str, value: str, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise ValueError(f"Unknown {option} {value!r}. Allowed: {', '.join(allowed)}.")

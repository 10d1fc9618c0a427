"""A student before any training: channels of the teacher's layers, and kernels fitted one layer after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_style.backbones import Kernels, up_to, vgg_features
from tf_style.backbones.vgg import CaffePreprocessing
from tf_style.distillation.fitting import fit_convolution, patches
from tf_style.distillation.selection import choose_channels

_PLACES = 100  # looked at in each picture and layer, at most
_BATCH = 8


class Student(NamedTuple):
    """Kernels of some layers, shallow to deep, and which of the teacher's channels each layer's are."""

    kernels: Kernels
    channels: dict[str, np.ndarray]


def fit_student(
    teacher: Kernels, widths: Mapping[str, int], images: np.ndarray, *, seed: int = 0
) -> Iterator[tuple[str, Student]]:
    """Builds a student layer by layer.

    Each layer is fitted from the student's own features to what the teacher's layer of the same name answers, before
    ReLU, in the channels chosen; so it makes up for errors of the layers before it, and for layers left out.

    Args:
      teacher: Its kernels.
      widths: How many channels each of the student's layers has, shallow to deep; all are layers of the teacher.
      images: Float32 [M, H, W, 3] in [0, 1], sides at least 16; about as many places in them as the widest layer has
        inputs, times ten.
      seed: Of the places.

    Yields:
      The name of the layer that was fitted, and the student so far.

    Raises:
      ValueError: Wider than the teacher.
      WeightsError: A layer that the teacher does not have.
    """
    places = _choose_places(widths, images.shape, seed)
    answers = _teacher_answers(up_to(teacher, list(widths)), widths, images, places)
    student = Student({}, {})
    for layer, width in widths.items():
        active = np.maximum(answers[layer], 0).astype(np.float64)
        channels = choose_channels(active.T @ active / len(active), width)
        earlier = list(student.kernels)[-1] if student.kernels else ""
        seen = [
            patches(_enter(features[earlier], earlier, layer), *(part[index] for part in places[layer]))
            for index, features in _features(student.kernels, [earlier] if earlier else [], images)
        ]
        fitted = fit_convolution(np.concatenate(seen), answers.pop(layer)[:, channels])
        student = Student({**student.kernels, layer: fitted}, {**student.channels, layer: channels})
        yield layer, student


def _choose_places(
    widths: Mapping[str, int], shape: tuple[int, ...], seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Rows and columns, int [M, P] each, for every layer."""
    places = {}
    for number, layer in enumerate(widths):
        rng = np.random.default_rng([seed, number])
        height, width = (side // 2 ** (int(layer[5]) - 1) for side in shape[1:3])
        flat = np.stack([rng.permutation(height * width)[:_PLACES] for _ in range(shape[0])])
        places[layer] = (flat // width, flat % width)
    return places


def _teacher_answers(
    teacher: Kernels, widths: Mapping[str, int], images: np.ndarray, places: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> dict[str, np.ndarray]:
    """What each of the layers answers before ReLU at its places, [M * P, C]."""
    order = list(teacher)
    before = {layer: order[order.index(layer) - 1] if layer != order[0] else "" for layer in widths}
    answers: dict[str, list[np.ndarray]] = {layer: [] for layer in widths}
    for index, features in _features(teacher, [name for name in before.values() if name], images):
        for layer, earlier in before.items():
            kernel, bias = teacher[layer]
            seen = patches(_enter(features[earlier], earlier, layer), *(part[index] for part in places[layer]))
            answers[layer].append(seen @ kernel.reshape(-1, len(bias)) + bias)
    return {layer: np.concatenate(parts) for layer, parts in answers.items()}


def _features(kernels: Kernels, layers: list[str], images: np.ndarray) -> Iterator[tuple[slice, dict[str, tf.Tensor]]]:
    """Features of some layers in batches, after their place; under "" the picture as the first layer sees it."""
    model = vgg_features("features", kernels, layers, "max", "zero", "float32") if layers else lambda image: {}
    preprocess = CaffePreprocessing()
    for start in range(0, len(images), _BATCH):
        index = slice(start, start + _BATCH)
        image = tf.constant(images[index])
        yield index, {**model(image), "": preprocess(image)}


def _enter(features: tf.Tensor, earlier: str, layer: str) -> np.ndarray:
    """What a layer sees of an earlier one: between blocks there is pooling."""
    pooled = earlier and earlier[:6] != layer[:6]
    return np.asarray(tf.nn.max_pool2d(features, 2, 2, "VALID") if pooled else features)

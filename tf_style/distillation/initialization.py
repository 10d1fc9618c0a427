"""Makes a student before any training: chooses the teacher's channels and fits kernels, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_style.backbones import Kernels, up_to, vgg_features
from tf_style.backbones.vgg import CaffePreprocessing
from tf_style.distillation.fitting import fit_convolution, patches
from tf_style.distillation.selection import choose_channels

_PLACES = 100  # most places used in each picture and layer
_BATCH = 8


class Student(NamedTuple):
    """The kernels of a student's layers, shallow to deep, and which of the teacher's channels each layer has."""

    kernels: Kernels
    channels: dict[str, np.ndarray]


def fit_student(
    teacher: Kernels, widths: Mapping[str, int], images: np.ndarray, *, seed: int = 0
) -> Iterator[tuple[str, Student]]:
    """Builds a student layer by layer.

    Each layer is fitted from the student's own features to the outputs, before ReLU, of the teacher's layer of the same
    name, in the chosen channels. So it compensates for errors of earlier layers and for layers left out.

    Args:
      teacher: The teacher's kernels.
      widths: The number of channels of each of the student's layers, shallow to deep; the teacher must have them all.
      images: Float32 [M, H, W, 3] in [0, 1] with sides of at least 16; they should have about ten times as many places
        as the widest layer has inputs.
      seed: Seed of the places.

    Yields:
      The name of the fitted layer, and the student so far.

    Raises:
      ValueError: A layer is wider than the teacher's.
      WeightsError: The teacher does not have a layer.
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
    """Random rows and columns, int [M, P] each, for every layer."""
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
    """Each layer's outputs before ReLU at its places, [M * P, C]."""
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
    """Yields batches' slices and the features of some layers; under "" is the picture as the first layer sees it."""
    model = vgg_features("features", kernels, layers, "max", "zero", "float32") if layers else lambda image: {}
    preprocess = CaffePreprocessing()
    for start in range(0, len(images), _BATCH):
        index = slice(start, start + _BATCH)
        image = tf.constant(images[index])
        yield index, {**model(image), "": preprocess(image)}


def _enter(features: tf.Tensor, earlier: str, layer: str) -> np.ndarray:
    """A layer's input from an earlier layer's features; between blocks there is pooling."""
    pooled = earlier and earlier[:6] != layer[:6]
    return np.asarray(tf.nn.max_pool2d(features, 2, 2, "VALID") if pooled else features)

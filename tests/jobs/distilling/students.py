"""Pictures, and small students of the tiny backbone."""

import numpy as np
import tensorflow as tf

from tests.materials import picture, tiny_kernels
from tf_style.backbones import vgg_features
from tf_style.distillation.initialization import fit_student

LAYERS = tuple(tiny_kernels())
IMAGES = np.concatenate([picture(64, 64, seed=seed).numpy() for seed in range(12)])


def features_of(kernels, images=IMAGES):
    return vgg_features("features", kernels, list(kernels), "max", "zero", "float32")(tf.constant(images))


def errors_of(student, teacher=None, images=IMAGES):
    """By layer, squared errors of the student's features relative to the teacher's."""
    features, wanted = features_of(student.kernels, images), features_of(teacher or tiny_kernels(), images)
    errors = {}
    for layer, chosen in student.channels.items():
        goal = wanted[layer].numpy()[..., chosen]
        errors[layer] = float(((features[layer].numpy() - goal) ** 2).sum() / (goal**2).sum())
    return errors


def fitted(widths, teacher=None, images=IMAGES):
    *_, (_, student) = fit_student(teacher or tiny_kernels(), widths, images)
    return student

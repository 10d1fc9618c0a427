"""The networks and the losses of their training are the same on Keras's JAX backend, where TensorFlow is missing."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests import command
from tests.conformance.on_any_backend import objectives, results
from tests.conformance.table import TERMS

#: Losses that need TensorFlow: random patches go through CLIP, roots of matrices through its kernels.
ONLY_TENSORFLOW = {"clip_direction_loss", "clip_patch_loss"}


def _value_and_gradient(loss):
    def both(array):
        x = tf.constant(array)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x)
        return value, tape.gradient(value, x)

    return both


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    pytest.importorskip("jax", reason="It is Keras's other backend: pip install jax")
    path = tmp_path_factory.mktemp("jax") / "results.npz"
    arguments = [sys.executable, "-m", "tests.conformance.on_any_backend", str(path)]
    variables = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    done = subprocess.run(arguments, cwd=command.ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(np.load(path))


def test_every_loss_is_compared():
    compared = {term.name for objective in objectives().values() for _, term in objective.terms}
    assert {row.make().terms[0][1].name for row in TERMS if row.factory.__name__ not in ONLY_TENSORFLOW} == compared


def test_losses_gradients_and_paintings_are_the_same(on_jax):
    here = results(_value_and_gradient, lambda function: function)
    assert set(on_jax) == set(here)
    for name, expected in here.items():
        if name in ("arbitrary", "many_styles"):
            np.testing.assert_allclose(on_jax[name], expected, rtol=0.0, atol=2e-3, err_msg=name)
            continue
        # TensorFlow reads the weights of bicubic enlargement, by which the motion is made, from a table of 1,024.
        tolerance = 5e-2 if name == "stability/gradient" else 5e-4
        assert np.linalg.norm(on_jax[name] - expected) < tolerance * np.linalg.norm(expected), name


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "from keras import ops; from tf_style.ops import wasserstein_distance as f; x = ops.eye(2); f(x, x, x, x)",
            "ValueError: The statistic 'wasserstein' needs Keras's backend tensorflow, but it is jax; choose gram or "
            "mean_std.",
        ),
        (
            "import tf_style; tf_style.build_stylizer(tf_style.StylizeConfig())",
            "ImportError: Painting needs Keras's backend tensorflow, but it is jax; set KERAS_BACKEND=tensorflow "
            "before Keras is imported.",
        ),
    ],
)
def test_what_needs_tensorflow_says_so(line, sentence):
    pytest.importorskip("jax", reason="It is Keras's other backend: pip install jax")
    variables = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", line], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode
    assert done.stderr.splitlines()[-1] == sentence

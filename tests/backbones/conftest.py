"""The embedded weights, for the tests of backbones."""

import os

import numpy as np
import pytest

from tf_style.backbones import (
    compact_kernels,
    weights,
)


@pytest.fixture(scope="module")
def archive():
    path = os.path.join(os.path.dirname(weights.__file__), "data", "compact_vgg19.npz")
    with np.load(path) as arrays:
        return {
            layer: (arrays[f"{layer}/kernel"].astype(np.float32), arrays[f"{layer}/bias"].astype(np.float32))
            for layer in compact_kernels()
        }

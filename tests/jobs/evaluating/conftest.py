"""An evaluation with a tiny backbone."""

import pytest

from tests.materials import CONTENT_LAYERS, STYLE_LAYERS, tiny_vgg
from tf_style.evaluation import Evaluation


@pytest.fixture(scope="module")
def evaluation():
    return Evaluation(tiny_vgg(), STYLE_LAYERS, CONTENT_LAYERS)

"""The classic objective of tf_style is the one that the PyTorch peer of the benchmarks minimises."""

import os

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import tiny_kernels
from tf_style.backbones.vgg import vgg_features
from tf_style.backbones.weights import application_kernels
from tf_style.losses import content_loss, style_loss
from tf_style.types import References

torch = pytest.importorskip("torch", reason="the benchmarks' peer needs PyTorch: pip install torch")
pytest.importorskip("h5py", reason="the benchmarks' peer reads Keras weights: pip install h5py")

from benchmarks.peer_pytorch import ClassicObjective  # noqa: E402

STYLE = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
CONTENT = "block4_conv2"
DEPTH = 13  # layers up to block5_conv1


def pictures():
    """Content, style of another size, and an image of the content's size; [H, W, 3]."""
    random = np.random.default_rng(1)
    return [random.random(shape).astype(np.float32) for shape in ((48, 64, 3), (40, 50, 3), (48, 64, 3))]


def ours(kernels, dtype):
    content, style, image = (tf.constant(pixels[None]) for pixels in pictures())
    backbone = vgg_features("vgg", kernels, [*STYLE, CONTENT], "max", "zero", dtype)
    weights = [1 / kernels[layer][0].shape[-1] ** 2 for layer in STYLE]
    objective = 5.0 * content_loss([CONTENT], normalization="none") + 100.0 * style_loss(
        STYLE, layer_weights=weights, normalization="none"
    )
    return float(objective(backbone(image), objective.targets(References(backbone(content), (backbone(style),))))[0])


def theirs(kernels):
    content, style, image = (torch.from_numpy(pixels).permute(2, 0, 1)[None] for pixels in pictures())
    weights = [(kernel.transpose(3, 2, 0, 1).copy(), bias) for kernel, bias in list(kernels.values())[:DEPTH]]
    with torch.no_grad():
        return float(ClassicObjective(weights, content, style)(image)[0])


@pytest.fixture(scope="module", params=["narrow random net", pytest.param("VGG-19", marks=pytest.mark.weights)])
def kernels(request):
    if request.param != "VGG-19":
        return tiny_kernels()
    path = os.environ.get("TF_STYLE_VGG19_WEIGHTS")
    if not path:
        pytest.skip("TF_STYLE_VGG19_WEIGHTS does not name Keras's VGG-19 notop file")
    return application_kernels("vgg19", path)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("bfloat16", 2e-2)])
def test_same_objective_for_the_same_pixels(kernels, dtype, tolerance):
    assert ours(kernels, dtype) == pytest.approx(theirs(kernels), rel=tolerance)

"""The PyTorch peer computes what it says: its objective against plain NumPy, its optimiser, its files."""

import ast
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.materials import tiny_kernels

torch = pytest.importorskip("torch", reason="the benchmarks' peer needs PyTorch: pip install torch")
h5py = pytest.importorskip("h5py", reason="the benchmarks' peer reads Keras weights: pip install h5py")

from benchmarks import peer_pytorch as peer  # noqa: E402

WEIGHTS = [(kernel.transpose(3, 2, 0, 1).copy(), bias) for kernel, bias in tiny_kernels().values()]
MEAN_BGR = np.array([103.939, 116.779, 123.68])


@pytest.fixture(scope="module", autouse=True)
def fixture_one_thread():
    """Pictures this small are slower with more threads, and much slower on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", name="pictures")
def fixture_pictures():
    """Content, style of another size, and an image of the content's size; [H, W, 3] in [0, 1]. Odd sides on purpose."""
    random = np.random.default_rng(1)
    return [random.random(shape).astype(np.float32) for shape in ((19, 34, 3), (25, 17, 3), (19, 34, 3))]


def objective_of(pictures, **options):
    return peer.ClassicObjective(WEIGHTS, *map(to_tensor, pictures[:2]), **options)


def to_tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None]


def write_weights(path, kernel_name="{0}/{0}_W_1:0", bias_name="{0}/{0}_b_1:0"):
    """By default in the layout of Keras's own download."""
    with h5py.File(path, "w") as file:
        for layer, (kernel, bias) in tiny_kernels().items():
            file[kernel_name.format(layer)], file[bias_name.format(layer)] = kernel, bias
        file["block5_conv2/block5_conv2_W_1:0"] = np.zeros((3, 3, 1, 1))  # beyond what is needed
    return path


def numpy_features(image):
    """The same net written down again, in float64; layer -> [H, W, C] after ReLU."""
    features, before = {}, "1"
    x = image[..., ::-1].astype(np.float64) * 255.0 - MEAN_BGR
    for name, (kernel, bias) in zip(peer.CONVOLUTIONS, WEIGHTS, strict=True):
        if name[4] != before:
            height, width, channels = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
            x = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, channels).max((1, 3))
            before = name[4]
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
        x = np.maximum(np.einsum("hwcij,ocij->hwo", patches, kernel.astype(np.float64)) + bias, 0.0)
        features[name] = x
    return features


def numpy_terms(pictures):
    content, style, image = map(numpy_features, pictures)

    def gram(feature):
        return np.einsum("hwc,hwd->cd", feature, feature) / feature.size

    terms = {"content/conv4_2": 5.0 * np.mean((image["conv4_2"] - content["conv4_2"]) ** 2)}
    for name in ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"):
        terms[f"style/{name}"] = 100.0 * np.mean((gram(image[name]) - gram(style[name])) ** 2)
    return terms


def test_gram_matrix_by_hand():
    feature = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # C = 2, H = 1, W = 2
    np.testing.assert_array_equal(peer.gram_matrix(feature), np.array([[5.0, 11.0], [11.0, 25.0]]) / 4.0)


@pytest.mark.parametrize("channels_last", [False, True])
def test_terms_equal_plain_numpy(pictures, channels_last):
    total, terms = objective_of(pictures, channels_last=channels_last)(to_tensor(pictures[2]))
    expected = numpy_terms(pictures)
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-4)
    assert total.item() == pytest.approx(sum(expected.values()), rel=1e-4)


def test_bfloat16_is_near_float32_and_returns_float32(pictures):
    image = to_tensor(pictures[2])
    low = objective_of(pictures, dtype="bfloat16")
    assert low.features(image, ("conv1_1",))["conv1_1"].dtype == torch.bfloat16
    total, gradient = low.value_and_gradient(image)
    assert total.dtype == gradient.dtype == torch.float32
    assert total.item() == pytest.approx(objective_of(pictures)(image)[0].item(), rel=0.05)
    assert torch.isfinite(gradient).all()


def test_gradient_agrees_with_the_slope(pictures):
    objective, image = objective_of(pictures), to_tensor(pictures[2])
    _, gradient = objective.value_and_gradient(image)
    step = 1e-3 * gradient / gradient.norm()
    rise = objective(image + step)[0].item() - objective(image - step)[0].item()
    assert rise == pytest.approx(2e-3 * gradient.norm().item(), rel=0.02)


def test_lbfgs_lowers_the_loss_in_the_evaluations_given(pictures):
    objective, image = objective_of(pictures), to_tensor(pictures[2])
    before = image.clone()
    result, losses = peer.run_lbfgs(objective, image, 30)
    assert torch.equal(image, before)
    assert len(losses) == 30
    assert losses[0] == pytest.approx(objective(image)[0].item(), rel=1e-6)
    assert losses[-1] < 0.1 * losses[0]
    assert result.min() >= 0.0 and result.max() <= 1.0


@pytest.mark.parametrize(
    ("kernel_name", "bias_name"),
    [
        ("{0}/{0}_W_1:0", "{0}/{0}_b_1:0"),
        ("{0}/{0}/kernel:0", "{0}/{0}/bias:0"),
        ("model_weights/{0}/vars/0", "model_weights/{0}/vars/1"),
    ],
)
def test_load_vgg19_reads_every_layout(tmp_path, kernel_name, bias_name):
    loaded = peer.load_vgg19(write_weights(tmp_path / "net.h5", kernel_name, bias_name))
    for (kernel, bias), (expected_kernel, expected_bias) in zip(loaded, WEIGHTS, strict=True):
        np.testing.assert_array_equal(kernel, expected_kernel)
        np.testing.assert_array_equal(bias, expected_bias)


def test_load_vgg19_says_what_is_missing(tmp_path):
    path = write_weights(tmp_path / "net.h5")
    with h5py.File(path, "a") as file:
        del file["block3_conv2"]
    with pytest.raises(ValueError, match="block3_conv2 has 0 kernels and 0 biases"):
        peer.load_vgg19(path)


@pytest.mark.parametrize(("mode", "figure"), [("time", "seconds_per_evaluation"), ("run", "seconds")])
def test_the_record_and_the_size_of_pictures(tmp_path, mode, figure):
    Image.new("RGB", (60, 30), (255, 0, 51)).save(tmp_path / "a.png")
    image = peer.read_image(tmp_path / "a.png", 40)
    assert image.shape == (1, 3, 20, 40)
    np.testing.assert_allclose(image[0, :, 0, 0], [1.0, 0.0, 0.2])
    files = [f"--content={tmp_path / 'a.png'}", f"--style={tmp_path / 'a.png'}", f"--json={tmp_path / 'record.json'}"]
    weights = f"--weights={write_weights(tmp_path / 'net.h5')}"
    peer.main([*files, weights, f"--mode={mode}", "--size=40", "--evaluations=4", "--repeats=3"])
    record = json.loads((tmp_path / "record.json").read_text())
    assert record[figure] > 0.0
    assert record["peak_rss_bytes"] > 50 * 2**20
    assert record.get("evaluations", 4) == 4


def test_the_peer_stands_alone():
    tree = ast.parse(Path(peer.__file__).read_text())
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    roots = {module.split(".")[0] for module in modules}
    assert roots - sys.stdlib_module_names == {"torch", "numpy", "h5py", "PIL"}

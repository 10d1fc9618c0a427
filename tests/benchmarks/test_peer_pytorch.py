"""The PyTorch peer computes what it says: its objective against plain NumPy, its optimisers, its command line."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the benchmarks' peer needs PyTorch: pip install torch")
h5py = pytest.importorskip("h5py", reason="the benchmarks' peer reads Keras weights: pip install h5py")
PIL_Image = pytest.importorskip("PIL.Image", reason="the benchmarks' peer reads pictures: pip install Pillow")

from benchmarks import peer_pytorch as peer  # noqa: E402

ROOT = Path(peer.__file__).parents[1]
WIDTHS = dict(zip(peer.CONVOLUTIONS, (4, 4, 8, 8, 12, 12, 12, 12, 16, 16, 16, 16, 16), strict=True))
MEAN_BGR = np.array([103.939, 116.779, 123.68])


@pytest.fixture(scope="module", autouse=True)
def fixture_one_thread():
    """Pictures this small are slower with more threads, and much slower on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", name="weights")
def fixture_weights():
    """A narrow random net of VGG-19's shape; (kernel OIHW, bias)."""
    random = np.random.default_rng(0)
    weights, channels = [], 3
    for width in WIDTHS.values():
        kernel = (2.0 / (9 * channels)) ** 0.5 * random.standard_normal((width, channels, 3, 3))
        weights.append((kernel.astype(np.float32), random.standard_normal(width).astype(np.float32)))
        channels = width
    return weights


@pytest.fixture(scope="module", name="pictures")
def fixture_pictures():
    """Content, style of another size, and an image of the content's size; [H, W, 3] in [0, 1]. Odd sides on purpose."""
    random = np.random.default_rng(1)
    return [random.random(shape).astype(np.float32) for shape in ((19, 34, 3), (25, 17, 3), (19, 34, 3))]


@pytest.fixture(name="objective")
def fixture_objective(weights, pictures):
    content, style, _ = map(to_tensor, pictures)
    return peer.ClassicObjective(weights, content, style)


@pytest.fixture(name="weights_file")
def fixture_weights_file(weights, tmp_path):
    """The net in the layout of Keras's own download."""
    return write_weights(tmp_path / "net.h5", weights, "{0}/{0}_W_1:0", "{0}/{0}_b_1:0")


def to_tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None]


def write_weights(path, weights, kernel_name, bias_name):
    with h5py.File(path, "w") as file:
        for name, (kernel, bias) in zip(peer.CONVOLUTIONS, weights, strict=True):
            layer = f"block{name[4]}_conv{name[6]}"
            file[kernel_name.format(layer)] = kernel.transpose(2, 3, 1, 0)
            file[bias_name.format(layer)] = bias
        file["block5_conv2/block5_conv2_W_1:0"] = np.zeros((3, 3, 1, 1))  # beyond what is needed
    return path


def numpy_features(weights, image):
    """The same net written down again, in float64; layer -> [H, W, C] after ReLU."""
    named, features = dict(zip(peer.CONVOLUTIONS, weights, strict=True)), {}
    x = image[..., ::-1].astype(np.float64) * 255.0 - MEAN_BGR
    for block, convolutions in enumerate((2, 2, 4, 4, 1), start=1):
        for index in range(1, convolutions + 1):
            kernel, bias = named[f"conv{block}_{index}"]
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
            patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
            x = np.maximum(np.einsum("hwcij,ocij->hwo", patches, kernel.astype(np.float64)) + bias, 0.0)
            features[f"conv{block}_{index}"] = x
        height, width, channels = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
        x = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, channels)
        x = x.max((1, 3)) if x.size else x  # nothing is left after the last block of a small picture
    return features


def numpy_terms(weights, content, style, image):
    content, style, image = (numpy_features(weights, picture) for picture in (content, style, image))

    def gram(feature):
        return np.einsum("hwc,hwd->cd", feature, feature) / feature.size

    terms = {"content/conv4_2": 5.0 * np.mean((image["conv4_2"] - content["conv4_2"]) ** 2)}
    for name in ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"):
        terms[f"style/{name}"] = 100.0 * np.mean((gram(image[name]) - gram(style[name])) ** 2)
    return terms


def test_gram_matrix_by_hand():
    feature = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # C = 2, H = 1, W = 2
    np.testing.assert_array_equal(peer.gram_matrix(feature), np.array([[5.0, 11.0], [11.0, 25.0]]) / 4.0)


def test_total_variation_by_hand():
    image = torch.tensor([[0.0, 0.5], [1.0, 1.0]]).expand(1, 3, 2, 2)
    # horizontal differences 0.5, 0; vertical 1, 0.5
    assert peer.total_variation(image).item() == pytest.approx((0.25 + 0.0) / 2 + (1.0 + 0.25) / 2)


@pytest.mark.parametrize("channels_last", [False, True])
def test_terms_equal_plain_numpy(weights, pictures, channels_last):
    content, style, image = map(to_tensor, pictures)
    total, terms = peer.ClassicObjective(weights, content, style, channels_last=channels_last)(image)
    expected = numpy_terms(weights, *pictures)
    assert list(terms) == list(expected)
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value, rel=1e-4), name
    assert total.item() == pytest.approx(sum(expected.values()), rel=1e-4)


def test_bfloat16_is_near_float32_and_returns_float32(weights, pictures, objective):
    content, style, image = map(to_tensor, pictures)
    low = peer.ClassicObjective(weights, content, style, dtype="bfloat16")
    assert low.channels_last
    assert low.features(image, ("conv1_1",))["conv1_1"].dtype == torch.bfloat16
    total, gradient = low.value_and_gradient(image)
    assert total.dtype == gradient.dtype == torch.float32
    assert total.item() == pytest.approx(objective(image)[0].item(), rel=0.05)
    assert torch.isfinite(gradient).all()


def test_total_variation_is_off_until_weighted(weights, pictures, objective):
    content, style, image = map(to_tensor, pictures)
    assert "total_variation" not in objective(image)[1]
    total, terms = peer.ClassicObjective(weights, content, style, total_variation_weight=3.0)(image)
    assert terms["total_variation"].item() == pytest.approx(3.0 * peer.total_variation(image).item())
    assert total.item() == pytest.approx(sum(term.item() for term in terms.values()), rel=1e-6)


def test_content_term_is_zero_at_the_content_and_all_are_where_style_is_content(weights, pictures, objective):
    content = to_tensor(pictures[0])
    assert objective(content)[1]["content/conv4_2"].item() == 0.0
    assert peer.ClassicObjective(weights, content, content)(content)[0].item() == 0.0


def test_gradient_agrees_with_the_slope(objective, pictures):
    image = to_tensor(pictures[2])
    _, gradient = objective.value_and_gradient(image)
    step = 1e-3 * gradient / gradient.norm()
    rise = objective(image + step)[0].item() - objective(image - step)[0].item()
    assert rise == pytest.approx(2e-3 * gradient.norm().item(), rel=0.02)


@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
def test_lbfgs_lowers_the_loss_in_the_evaluations_given(objective, pictures, line_search):
    image = to_tensor(pictures[2])
    before = image.clone()
    result = peer.run_lbfgs(objective, image, 30, line_search=line_search)
    assert torch.equal(image, before)
    assert result.evaluations[0].loss == pytest.approx(objective(image)[0].item(), rel=1e-6)
    assert result.evaluations[-1].loss < 0.1 * result.evaluations[0].loss
    check_result(objective, result)
    if line_search is None:
        assert len(result.evaluations) == 30


def test_adam_lowers_the_loss_in_the_steps_given(objective, pictures):
    result = peer.run_adam(objective, to_tensor(pictures[2]), 20)
    assert len(result.evaluations) == 20
    assert result.loss < 0.5 * result.evaluations[0].loss
    check_result(objective, result)


def check_result(objective, result):
    assert result.image.min() >= 0.0 and result.image.max() <= 1.0
    assert result.loss == pytest.approx(objective(result.image)[0].item(), rel=1e-6)
    assert [evaluation.number for evaluation in result.evaluations] == list(range(1, len(result.evaluations) + 1))
    seconds = [evaluation.seconds for evaluation in result.evaluations]
    assert seconds == sorted(seconds) and seconds[0] > 0.0 and seconds[-1] <= result.seconds


@pytest.mark.parametrize(
    ("kernel_name", "bias_name"),
    [
        ("{0}/{0}_W_1:0", "{0}/{0}_b_1:0"),
        ("{0}/{0}/kernel:0", "{0}/{0}/bias:0"),
        ("model_weights/{0}/vars/0", "model_weights/{0}/vars/1"),
    ],
)
def test_load_vgg19_reads_every_layout(weights, tmp_path, kernel_name, bias_name):
    loaded = peer.load_vgg19(write_weights(tmp_path / "net.h5", weights, kernel_name, bias_name))
    for (kernel, bias), (expected_kernel, expected_bias) in zip(loaded, weights, strict=True):
        np.testing.assert_array_equal(kernel, expected_kernel)
        np.testing.assert_array_equal(bias, expected_bias)


def test_load_vgg19_says_what_is_missing(tmp_path, weights_file):
    with h5py.File(weights_file, "a") as file:
        del file["block3_conv2"]
    with pytest.raises(ValueError, match="block3_conv2 has 0 kernels and 0 biases"):
        peer.load_vgg19(weights_file)


@pytest.mark.parametrize(("size", "expected"), [(0, (30, 60)), (20, (10, 20)), (100, (30, 60))])
def test_read_image_keeps_the_aspect_and_never_scales_up(tmp_path, size, expected):
    PIL_Image.new("RGB", (60, 30), (255, 0, 51)).save(tmp_path / "a.png")
    image = peer.read_image(tmp_path / "a.png", size)
    assert image.shape == (1, 3, *expected) and image.dtype == torch.float32
    np.testing.assert_allclose(image[0, :, 0, 0], [1.0, 0.0, 0.2])


def test_noise_comes_from_the_seed():
    content = torch.zeros(1, 3, 4, 5)
    first, again, other = (peer.initial_image("noise", content, seed) for seed in (7, 7, 8))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(peer.initial_image("content", content, 7), content)


@pytest.fixture(name="arguments")
def fixture_arguments(pictures, weights_file, tmp_path):
    for name, picture in zip(("content", "style", "image"), pictures, strict=True):
        np.save(tmp_path / f"{name}.npy", picture)
    record = tmp_path / "record.json"
    return {
        "--content": tmp_path / "content.npy",
        "--style": tmp_path / "style.npy",
        "--weights": weights_file,
        "--json": record,
    }


def run_main(arguments, **more):
    options = arguments | {f"--{name}": value for name, value in more.items()}
    assert peer.main([f"{name}={value}" for name, value in options.items()]) == 0
    record = json.loads(Path(arguments["--json"]).read_text())
    assert record.keys() >= {"mode", "settings", "content_shape", "style_shape", "setup_seconds", "channels_last"}
    assert record["versions"].keys() == {"python", "torch", "numpy", "h5py", "pillow"}
    assert record["threads"] == torch.get_num_threads() and record["dtype"] == "float32"
    assert record["load_average"] >= 0.0
    assert record["peak_rss_bytes"] > 50 * 2**20
    return record


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_mode_run_writes_picture_and_record(arguments, tmp_path, optimizer, pictures):
    output = tmp_path / "out.png"
    record = run_main(arguments, mode="run", optimizer=optimizer, evaluations=4, init="noise", output=output)
    assert [evaluation["number"] for evaluation in record["evaluations"]] == [1, 2, 3, 4]
    assert record["evaluations"][0].keys() == {"seconds", "number", "loss"}
    assert record["loss"] == pytest.approx(sum(record["terms"].values()), rel=1e-6)
    with PIL_Image.open(output) as picture:
        assert picture.size == pictures[0].shape[1::-1] and picture.mode == "RGB"


def test_pixels_written_as_npy_have_the_loss_of_the_record(arguments, tmp_path):
    output = tmp_path / "out.npy"
    made = run_main(arguments, evaluations=3, output=output)
    judged = run_main(arguments, mode="loss", image=output)
    assert judged["loss"] == pytest.approx(made["loss"], rel=1e-6)


def test_mode_time(arguments):
    seconds = run_main(arguments, mode="time", repeats=3)["seconds_per_evaluation"]
    assert len(seconds["all"]) == 3 and 0.0 < seconds["min"] <= seconds["median"]


def test_mode_loss_as_a_program(arguments, tmp_path, weights, pictures):
    options = arguments | {"--image": tmp_path / "image.npy", "--mode": "loss", "--threads": 1}
    command = [sys.executable, "-m", "benchmarks.peer_pytorch", *(f"{name}={value}" for name, value in options.items())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "style/conv5_1" in done.stdout
    record = json.loads(options["--json"].read_text())
    assert record["threads"] == 1
    assert record["terms"] == pytest.approx(numpy_terms(weights, *pictures), rel=1e-4)


def test_mode_loss_needs_an_image(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        run_main(arguments, mode="loss")
    assert "--mode=loss needs --image" in capsys.readouterr().err


def test_the_peer_stands_alone():
    tree = ast.parse(Path(peer.__file__).read_text())
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    roots = {module.split(".")[0] for module in modules}
    assert roots - sys.stdlib_module_names == {"torch", "numpy", "h5py", "PIL"}

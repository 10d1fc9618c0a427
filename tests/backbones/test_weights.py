"""Weights that cannot be used, where Keras keeps its own, and the type that a machine computes in."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.materials import assert_one_sentence, picture
from tf_style.backbones import (
    BACKBONES,
    WeightsError,
    cached_weights,
    compact_vgg19,
    precision,
    resolve_compute_dtype,
    vgg19,
    weights,
)

VGG19_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"


def refused(provoke):
    with pytest.raises(WeightsError) as caught:
        provoke()
    assert_one_sentence(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def notop(tmp_path_factory):
    """A file as Keras's `notop`, with random weights: of VGG-16, which is the smaller."""
    path = tmp_path_factory.mktemp("weights") / "vgg16.weights.h5"
    keras.applications.VGG16(weights=None, include_top=False).save_weights(path)
    return path


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_file_of_another_network(notop):
    message = refused(lambda: vgg19(["conv1_1"], weights=str(notop)))
    assert str(notop) in message
    assert VGG19_FILE in message


def test_missing_file(tmp_path):
    message = refused(lambda: vgg19(["conv1_1"], weights=str(tmp_path / "none.h5")))
    assert "No weights file at" in message
    assert VGG19_FILE in message


@pytest.mark.parametrize("name", ["weights.h5", "weights.weights.h5", "weights.txt", "weights.keras"])
def test_text_file(name, tmp_path):
    (tmp_path / name).write_text("these are not the weights you are looking for")
    assert VGG19_FILE in refused(lambda: vgg19(["conv1_1"], weights=str(tmp_path / name)))


def test_folder(tmp_path):
    refused(lambda: vgg19(["conv1_1"], weights=str(tmp_path)))


def test_truncated_file(notop, tmp_path):
    cut = tmp_path / "cut.h5"
    cut.write_bytes(notop.read_bytes()[:100_000])
    assert VGG19_FILE in refused(lambda: vgg19(["conv1_1"], weights=str(cut)))


def test_file_with_top(tmp_path):
    """Keras's older layout, as its files with the classifier have it: 19 layers with weights instead of 16."""
    path = tmp_path / "vgg19_with_top.h5"
    names = [f"block{b}_conv{i}" for b, depth in enumerate((2, 2, 4, 4, 4), 1) for i in range(1, depth + 1)]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in [*names, "fc1", "fc2", "predictions"]]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.0"
        for name in [*names, "fc1", "fc2", "predictions"]:
            group = file.create_group(name)
            group.attrs["weight_names"] = [b"kernel", b"bias"]
            group["kernel"], group["bias"] = np.zeros((1, 1)), np.zeros(1)
    assert VGG19_FILE in refused(lambda: vgg19(["conv1_1"], weights=str(path)))


@pytest.mark.parametrize(
    "failure",
    [
        Exception("URL fetch failure on https://example.org/vgg19.h5: None -- [Errno -2] Name or service not known"),
        ValueError("Incomplete or corrupted file detected.\nThe auto file hash does not match"),
        OSError(30, "Read-only file system"),
        TimeoutError(),
    ],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("backbone", ["vgg19", "vgg16"])
def test_failed_download(backbone, failure, monkeypatch, tmp_path):
    """One message with the file's name, where to put it, the flag, and the embedded alternative."""

    def fail(**_):
        raise failure

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setitem(weights._APPLICATIONS, backbone, fail)
    message = refused(lambda: BACKBONES[backbone](["conv1_1"]))
    for part in (f"{backbone}_weights_tf_dim_ordering_tf_kernels_notop.h5", str(tmp_path / "models"), "--weights=PATH"):
        assert part in message
    assert "--backbone=compact_vgg19" in message


def test_never_another_backbone(monkeypatch):
    """`vgg19` asks Keras for ImageNet's weights, and for nothing else."""
    asked = {}

    def remember(**arguments):
        asked.update(arguments)
        raise OSError("no network here")

    monkeypatch.setitem(weights._APPLICATIONS, "vgg19", remember)
    refused(lambda: vgg19(["conv1_1"]))
    assert asked == {"weights": "imagenet", "include_top": False}


ARCHIVES = {
    "text": lambda path: path.write_text("no archive"),
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: (np.savez(path, a=np.zeros(1000)), path.write_bytes(path.read_bytes()[:500])),
    "array": lambda path: np.save(path.open("wb"), np.zeros(3)),
    "other arrays": lambda path: np.savez(path, a=np.zeros(3)),
    "no bias": lambda path: np.savez(path, **{"block1_conv1/kernel": np.zeros((3, 3, 3, 4))}),
    "missing": lambda path: None,
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_wrong_archive(kind, tmp_path):
    path = tmp_path / "weights.npz"
    ARCHIVES[kind](path)
    assert str(path) in refused(lambda: compact_vgg19(["conv1_1"], weights=str(path)))


def test_another_archive(archive, tmp_path):
    path = tmp_path / "half.npz"
    kernel, bias = archive["block1_conv1"]
    np.savez(path, **{"block1_conv1/kernel": kernel[..., :7], "block1_conv1/bias": bias[:7]})
    features = compact_vgg19(["conv1_1"], weights=str(path))(picture(32, 32))["conv1_1"]
    assert features.shape == (1, 32, 32, 7)


# --- Keras's cache ----------------------------------------------------------------------------------------------------


def test_cached_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert cached_weights("vgg19") is None
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / VGG19_FILE).write_bytes(b"")
    assert cached_weights("vgg19") == tmp_path / "models" / VGG19_FILE
    assert cached_weights("vgg16") is None


def test_cached_weights_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".keras" / "models").mkdir(parents=True)
    (tmp_path / ".keras" / "models" / VGG19_FILE).write_bytes(b"")
    assert cached_weights("vgg19") == tmp_path / ".keras" / "models" / VGG19_FILE


# --- compute dtype ----------------------------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Pretends to be a machine with these CPU flags and these GPUs."""

    def pretend(flags="", capabilities=()):
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: fpu sse {flags}\n")
        monkeypatch.setattr(precision, "_CPU_INFO", tmp_path / "cpuinfo")
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: list(range(len(capabilities))))
        details = lambda gpu: {"compute_capability": capabilities[gpu]} if capabilities[gpu] else {}  # noqa: E731
        monkeypatch.setattr(tf.config.experimental, "get_device_details", details)

    return pretend


@pytest.mark.parametrize(
    ("flags", "capabilities", "expected"),
    [
        ("avx512f amx_bf16 amx_tile", (), "bfloat16"),
        ("avx512f avx512_bf16", (), "bfloat16"),
        ("avx512f avx2", (), "float32"),
        ("", ((8, 0),), "bfloat16"),
        ("", ((9, 0), (8, 6)), "bfloat16"),
        ("amx_bf16", ((7, 5),), "float32"),  # the GPU runs it, not the CPU
        ("", ((9, 0), (7, 0)), "float32"),
        ("", (None,), "float32"),  # a GPU that does not tell
    ],
)
def test_auto_dtype(flags, capabilities, expected, machine):
    machine(flags, capabilities)
    assert resolve_compute_dtype("auto") == expected


def test_auto_dtype_without_cpuinfo(machine, monkeypatch, tmp_path):
    machine()
    monkeypatch.setattr(precision, "_CPU_INFO", tmp_path / "none")
    assert resolve_compute_dtype() == "float32"


def test_given_dtype_is_kept(machine):
    machine("amx_bf16")
    assert [resolve_compute_dtype(name) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]


def test_unknown_dtype():
    with pytest.raises(ValueError, match="'half'.*auto, float32, bfloat16"):
        resolve_compute_dtype("half")

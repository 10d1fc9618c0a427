"""Where a backbone's weights come from: a file, Keras's cache, a download, or the package."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

#: Layer name -> (kernel [3, 3, C, C'], bias [C']).
Kernels = dict[str, tuple[np.ndarray, np.ndarray]]

_FILES = {
    "vgg19": "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "vgg16": "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
}
_APPLICATIONS = {"vgg19": keras.applications.VGG19, "vgg16": keras.applications.VGG16}


class WeightsError(ValueError):
    """Weights are missing, cannot be downloaded or do not fit; the message says what to do."""


def weights_cache(backbone: str) -> Path:
    """Where Keras keeps its downloaded ImageNet weights for "vgg19" or "vgg16", whether or not they are there."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "models" / _FILES[backbone]


def cached_weights(backbone: str) -> Path | None:
    """The path of Keras's downloaded ImageNet weights for "vgg19" or "vgg16"; None if they are not there."""
    path = weights_cache(backbone)
    return path if path.is_file() else None


def application_kernels(backbone: str, weights: str | None) -> Kernels:
    """Convolution kernels and biases of a `keras.applications` VGG without its top.

    Args:
      backbone: "vgg19" or "vgg16".
      weights: "imagenet" (Keras's cache, else a download), the path of Keras's own `notop` file, or None for random
        weights from Keras's global seed, for tests.

    Raises:
      WeightsError: The file does not exist or does not fit, or the download failed.
    """
    if weights not in (None, "imagenet") and not Path(str(weights)).is_file():
        raise WeightsError(
            f"No weights file at {weights}; give the path of Keras's {_FILES[backbone]} (or leave --weights out)."
        )
    try:
        model = _APPLICATIONS[backbone](weights=weights, include_top=False)
    except Exception as error:  # Keras raises Exception, OSError or ValueError for an unusable file
        raise WeightsError(_reason(backbone, weights, error)) from error
    kernels = {
        layer.name: tuple(weights.copy() for weights in layer.get_weights()) for layer in model.layers if layer.weights
    }
    del model  # a Keras model is a reference cycle: without this, 80 MB stay in memory
    gc.collect()
    return kernels


def _reason(backbone: str, weights: str | None, error: Exception) -> str:
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    if weights == "imagenet":
        return (
            f"The ImageNet weights of {backbone} could not be downloaded ({first_line}); put {_FILES[backbone]} "
            f"into {weights_cache(backbone).parent} or give its path with --weights=PATH, or use the embedded "
            f"--backbone=compact_vgg19."
        )
    return (
        f"{weights} does not hold {backbone} weights without top ({first_line}); give the path of Keras's "
        f"{_FILES[backbone]}."
    )


def archive_kernels(path: Path) -> Kernels:
    """Kernels and biases from an .npz archive with `<layer>/kernel` and `<layer>/bias`, as float32.

    Raises:
      WeightsError: The file does not exist or is not such an archive.
    """
    try:
        with np.load(path) as archive:
            names = [key.removesuffix("/kernel") for key in archive.files if key.endswith("/kernel")]
            if not names:
                raise KeyError("kernel")
            return {
                name: tuple(archive[f"{name}/{part}"].astype(np.float32) for part in ("kernel", "bias"))
                for name in names
            }
    except Exception as error:  # NumPy's errors differ for a text, an array, an empty or a damaged file
        raise WeightsError(
            f"{path} is not an archive of compact_vgg19 weights; give another, or none for the embedded ones."
        ) from error


def archive_channels(path: Path) -> dict[str, np.ndarray]:
    """Which of its teacher's channels each layer of an archive has, if it says so; call `archive_kernels` first."""
    return _arrays_of(path, "/channels")


def archive_readouts(path: Path) -> dict[str, np.ndarray]:
    """The matrices, float32 [C, C'], that multiply the features of an archive's layers, for layers that have one."""
    return {layer: array.astype(np.float32) for layer, array in _arrays_of(path, "/readout").items()}


def _arrays_of(path: Path, ends: str) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return {key.removesuffix(ends): archive[key] for key in archive.files if key.endswith(ends)}


def write_kernels(path: Path, kernels: Kernels, **extras: np.ndarray) -> None:
    """Writes kernels for `archive_kernels`, in float16, and the extra arrays.

    Raises:
      ValueError: A weight is too large for float16.
    """
    with np.errstate(over="ignore"):  # checked below
        arrays: dict[str, Any] = {
            f"{name}/{part}": array.astype(np.float16)
            for name, pair in kernels.items()
            for part, array in zip(("kernel", "bias"), pair, strict=True)
        }
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"The weight {name} is too large for float16; the backbone cannot be written.")
    with path.open("wb") as file:
        np.savez_compressed(file, **(arrays | extras))

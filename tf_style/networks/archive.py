"""Trained networks as files: an .npz of weights with a card that describes them."""

from __future__ import annotations

import difflib
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_style.images import replacing

#: Networks that come with the package: name -> file.
EMBEDDED = {path.stem: path for path in sorted((Path(__file__).parent / "data").glob("*.npz"))}

#: The name of a network's file in the folder where it was trained.
NETWORK_FILE = "network.npz"

_CARD = "card"
_ENCODER = "encoder"
_FORMATS = {"arbitrary": 2}  # others have 1; a new design of a network gets a new number


class NetworkError(ValueError):
    """A network's file is missing or cannot be used; the message says what to do."""


def find_network(name: str) -> Path:
    """The file of a network, from an embedded network's name, the file's path, or the path of its folder.

    Raises:
      NetworkError: There is no such network.
    """
    if name in EMBEDDED:
        return EMBEDDED[name]
    path = Path(name)
    if path.is_dir():
        path = path / NETWORK_FILE
    if not path.is_file():
        raise NetworkError(
            f"Unknown network {name!r}. There are: {', '.join(EMBEDDED)}; or give the path of a file that tf-style "
            f"train wrote.{_hint(name, EMBEDDED)}"
        )
    return path


def read_card(path: Path) -> dict[str, Any]:
    """The card of a network's file: its kind, options, and how it was trained. Loads no weights.

    Raises:
      NetworkError: The file is not a network's.
    """
    return json.loads(str(_read(path, [_CARD])[_CARD]))


def check_style(name: str, known: Sequence[str]) -> None:
    """Raises NetworkError unless the style's name is among those `known`."""
    if name not in known:
        raise NetworkError(f"Unknown style {name!r}. This network knows: {', '.join(known)}.{_hint(name, known)}")


def _hint(name: str, known: Iterable[str]) -> str:
    """A close known name as the sentence " Did you mean ...?"; empty if there is none."""
    close = difflib.get_close_matches(name, known, 1)
    return f" Did you mean {close[0]!r}?" if close else ""


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a network's file, float32.

    Raises:
      NetworkError: The file is not a network's.
    """
    arrays = _read(path)
    arrays.pop(_CARD)
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def write_network(path: Path, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> None:
    """Writes a network's file, completely or not at all; weights become float16.

    Raises:
      ValueError: A weight is too large for float16.
    """
    with np.errstate(over="ignore"):  # checked below
        arrays = {name: np.asarray(array).astype(np.float16) for name, array in weights.items()}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"The weight {name} is too large for float16; the network cannot be written.")
    members: dict[str, Any] = {_CARD: np.array(json.dumps({"format": _format(card), **card}, sort_keys=True)), **arrays}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **members)


def _read(path: Path, names: list[str] | None = None) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            if _CARD not in archive:
                raise KeyError(_CARD)
            arrays = {name: archive[name] for name in names or archive.files}
            card = json.loads(str(archive[_CARD]))
            if not isinstance(card["kind"], str) or not isinstance(card.get("styles", []), list):
                raise KeyError("kind")
            check_format(card, str(path), "train the network anew")
            return arrays
    except NetworkError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error):
        raise NetworkError(f"{path} is not a network from tf-style train; give the path of one.") from None


def check_format(card: Mapping[str, Any], source: str, advice: str) -> None:
    """Raises NetworkError, naming the source, if a card is from another version; the advice is for earlier ones."""
    if card["format"] > _format(card):
        raise NetworkError(f"{source} is from a later version of tf_style; update tf_style.")
    if card["format"] < _format(card):
        raise NetworkError(f"{source} is from an earlier version of tf_style; {advice}.")


def _format(card: Mapping[str, Any]) -> int:
    return _FORMATS.get(card.get("kind", ""), 1)


def encoder_weights(kernels: Mapping[str, Sequence[np.ndarray]]) -> dict[str, np.ndarray]:
    """A frozen encoder's kernels and biases under their names in a network's file."""
    return {
        f"{_ENCODER}/{layer}/{part}": array
        for layer, arrays in kernels.items()
        for part, array in zip(("kernel", "bias"), arrays, strict=True)
    }


def encoder_kernels(weights: Mapping[str, np.ndarray], source: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The frozen encoder's kernels and biases from the arrays of a network's file, shallow to deep.

    Raises:
      NetworkError: The file holds no encoder.
    """
    layers = [name.split("/")[1] for name in weights if name.startswith(f"{_ENCODER}/") and name.endswith("/kernel")]
    if not layers:
        raise NetworkError(
            f"{source} holds no encoder: it is from an earlier version of tf_style; give another network, or train "
            "it again."
        )
    return {layer: (weights[f"{_ENCODER}/{layer}/kernel"], weights[f"{_ENCODER}/{layer}/bias"]) for layer in layers}


def weights_of(layers: list[Any]) -> dict[str, np.ndarray]:
    """The weights of Keras layers by their paths, float32."""
    return {variable.path: np.asarray(variable) for layer in layers for variable in layer.weights}


def set_weights(layers: list[Any], weights: Mapping[str, np.ndarray], source: str) -> None:
    """Sets the weights of Keras layers by their paths.

    Raises:
      NetworkError: A weight is missing, or has another shape.
    """
    for layer in layers:
        for variable in layer.weights:
            array = weights.get(variable.path)
            if array is None or tuple(array.shape) != tuple(variable.shape):
                came = "nothing" if array is None else f"shape {array.shape}"
                raise NetworkError(
                    f"{source} does not fit: for {variable.path} of shape {tuple(variable.shape)} it holds {came}."
                )
            variable.assign(array)

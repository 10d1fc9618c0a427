"""The whole state of a training in one file, from which a killed training can resume."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_style.config import ConfigError
from tf_style.images import replacing


def save_state(path: Path, identity: str, facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Writes facts (as JSON) and arrays, whole or not at all.

    If a value is not finite nothing is written: training cannot resume from it, but it can from an earlier file.
    """
    if not all(np.isfinite(array).all() for array in arrays.values()):
        return
    meta = json.dumps({**facts, "identity": identity})
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **{"meta": np.array(meta), **arrays})


def load_state(path: Path, identity: str, advice: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Reads the facts and arrays that `save_state` wrote.

    Args:
      path: The file.
      identity: A digest of what decides the result; the state of another training is refused.
      advice: What to do in that case, after "repeat that command to resume it, or".

    Raises:
      ConfigError: The file belongs to another training, or is not a checkpoint.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        facts = json.loads(str(arrays.pop("meta")))
        other = facts.pop("identity") != identity
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error):
        raise ConfigError(f"{path} is not a checkpoint of tf-style; delete it to start over.") from None
    if other:
        raise ConfigError(
            f"{path} belongs to a training with other pictures or settings; repeat that command to resume it, or "
            f"{advice}."
        )
    return facts, arrays


def numbered(name: str, values: Sequence[Any]) -> dict[str, np.ndarray]:
    """Unnamed variables as arrays, by number."""
    return {f"{name}_{index:04}": np.asarray(value) for index, value in enumerate(values)}


def restore(name: str, variables: Sequence[Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Assigns to variables the arrays that `numbered` made of them."""
    for index, variable in enumerate(variables):
        variable.assign(arrays[f"{name}_{index:04}"])

"""The whole state of a run in one file, from which a killed run can resume."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style.config import ConfigError
from tf_style.images import remove_leftovers, replacing
from tf_style.types import Progress

_NAME = "state.npz"


def fingerprint(settings: dict[str, Any], pictures: Mapping[str, np.ndarray] | Sequence[np.ndarray]) -> str:
    """A digest of everything that decides the bytes of the result; pictures come by purpose, or in an order."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    named = pictures.items() if isinstance(pictures, Mapping) else enumerate(pictures)
    for name, pixels in named:
        digest.update(f"{name} {pixels.shape}".encode())
        digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


class Checkpoint:
    """One run's checkpoint in a folder.

    Args:
      folder: The folder; it is created with the first save.
      identity: The run's `fingerprint`; checkpoints of other runs are refused.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.path = folder / _NAME
        self._identity = identity

    def save(self, progress: Progress, history: list[dict[str, float]]) -> None:
        """Writes state and loss history, whole or not at all."""
        leaves = {f"leaf_{i:03}": leaf.numpy() for i, leaf in enumerate(tf.nest.flatten(progress.state))}
        meta = json.dumps({"identity": self._identity, "scale": progress.scale, "history": history})
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, meta=np.array(meta), **leaves)

    def load(self) -> tuple[tuple[int, list[tf.Tensor]], list[dict[str, float]]] | None:
        """Returns (scale, state's leaves) for `PyramidStylizer.run(resume=...)`, and the losses; None without a file.

        Raises:
          ConfigError: The file belongs to another run, or is not a checkpoint.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(self.path) as archive:
                meta = json.loads(str(archive["meta"]))
                identity, scale, history = meta["identity"], meta["scale"], meta["history"]
                leaves = [tf.constant(archive[name]) for name in sorted(archive.files) if name.startswith("leaf_")]
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{self.path} is not a checkpoint of tf-style; delete it to start over.") from error
        if identity != self._identity:
            raise ConfigError(
                f"{self.path} belongs to a run with other pictures, settings or versions; repeat that run's command to "
                f"resume it, or delete the file or give another --checkpoint_dir to start over."
            )
        return (scale, leaves), history

    def remove(self) -> None:
        """Removes the checkpoint, and temporary files left by runs that were killed while saving."""
        self.path.unlink(missing_ok=True)
        remove_leftovers(self.path.parent)

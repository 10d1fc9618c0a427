"""How far a run in tiles is: a small file beside the planes, which hold the rest of its state."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import tensorflow as tf

from tf_style.build import BackboneChoice, NetworkChoice
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.images import replacing
from tf_style.jobs.large.inputs import LargeInputs
from tf_style.jobs.large.scale import Count
from tf_style.jobs.run.checkpoint import fingerprint
from tf_style.version import versions

STATE_NAME = "tiles.json"


@dataclasses.dataclass(frozen=True)
class LargeState:
    """The current scale, how far it is, and the losses so far."""

    scale: int
    count: Count
    history: list[dict[str, float]]


def run_identity(
    config: StylizeConfig, files: StylizeFiles, inputs: LargeInputs, choice: BackboneChoice | NetworkChoice
) -> str:
    """A digest of everything that decides the bytes of the result.

    The content and the masks count by their files' lengths and times.

    Args:
      config: All options.
      files: The masks' paths and the feather.
      inputs: The checked inputs.
      choice: The backbone or network.
    """
    masks = {"content": [files.content_mask], "styles": files.style_masks, "keep": [files.keep_mask]}
    settings = {
        **dataclasses.asdict(config),
        "masks": {name: [_state_of(path) for path in paths if path] for name, paths in masks.items()},
        "feather": files.feather,
        "backbone": choice.name,
        "compute_dtype": choice.compute_dtype,
        "devices": [device.device_type for device in tf.config.list_physical_devices()],
        "versions": versions(),
    }
    return fingerprint(settings, inputs.fingerprints())


def _state_of(path: str) -> tuple[int, int]:
    status = Path(path).stat()
    return status.st_size, status.st_mtime_ns


def save_state(folder: Path, identity: str, state: LargeState) -> None:
    """Writes the state, completely or not at all.

    Args:
      folder: The folder of the planes.
      identity: The run's fingerprint.
      state: The state after a complete step.
    """
    with replacing(folder / STATE_NAME) as temporary:
        temporary.write_text(json.dumps({"identity": identity, **dataclasses.asdict(state)}), encoding="utf-8")


def load_state(folder: Path, identity: str) -> LargeState | None:
    """The saved state, or None if there is none.

    Raises:
      ConfigError: The file belongs to another run, or is not a checkpoint.
    """
    path = folder / STATE_NAME
    if not path.exists():
        return None
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        owner, state = saved["identity"], LargeState(saved["scale"], Count(**saved["count"]), saved["history"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is not a checkpoint of tf-style; delete it to start over.") from error
    if owner != identity:
        raise ConfigError(
            f"{path} belongs to a run with other pictures, settings or versions; repeat that run's command to "
            "resume it, or delete the file or give another --checkpoint_dir to start over."
        )
    return state

"""Where a run in tiles is: a small file beside the planes, which hold the rest of its state."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import tensorflow as tf

from tf_style.build import BackboneChoice, NetworkChoice
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.large.inputs import LargeInputs
from tf_style.jobs.large.scale import Count
from tf_style.jobs.run.checkpoint import fingerprint
from tf_style.jobs.run.files import replacing
from tf_style.version import versions

STATE_NAME = "tiles.json"


@dataclasses.dataclass(frozen=True)
class LargeState:
    """The scale, how far it is, and the losses so far."""

    scale: int
    count: Count
    history: list[dict[str, float]]


def run_identity(
    config: StylizeConfig, files: StylizeFiles, inputs: LargeInputs, choice: BackboneChoice | NetworkChoice
) -> str:
    """A digest of everything that decides the bytes of the result; of content and masks their files' lengths and times.

    Args:
      config: All options.
      files: Where from.
      inputs: What was checked.
      choice: What paints.
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
    """Writes it, whole or not at all.

    Args:
      folder: Of the planes.
      identity: The run's fingerprint.
      state: After a whole step.
    """
    with replacing(folder / STATE_NAME) as temporary:
        temporary.write_text(json.dumps({"identity": identity, **dataclasses.asdict(state)}), encoding="utf-8")


def load_state(folder: Path, identity: str) -> LargeState | None:
    """What was saved; None if nothing was.

    Raises:
      ConfigError: The file is another run's, or not a checkpoint.
    """
    path = folder / STATE_NAME
    if not path.exists():
        return None
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        owner, state = saved["identity"], LargeState(saved["scale"], Count(**saved["count"]), saved["history"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is not a checkpoint of tf-style; delete it to start anew.") from error
    if owner != identity:
        raise ConfigError(
            f"{path} belongs to a run with other pictures, settings or versions; repeat that run's command to go on "
            "with it, or delete the file or give another --checkpoint_dir to start anew."
        )
    return state

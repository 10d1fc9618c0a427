"""What is painted so far: parts of a film, each whole or not there, and the state after the last one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_style.config import ConfigError
from tf_style.jobs.run.places import PARTS
from tf_style.video import Part, refusals

_STATE = "state.npz"
#: Options that do not change a painted frame, or whose contents do, and not their names.
_NAMES = (
    "preview", "json", "quiet", "output", "style", "style_text", "style_library", "any", "shots", "shots_output",
    "audio", "react", "bpm", "schedule", "schedule_output", "react_figure",
)  # fmt: skip


class Parts:
    """The folder of a film's parts, beside the film.

    A part counts once the state that names it is written; a run that was killed goes on behind it.

    Args:
      output: The film.
      identity: Of what decides the painted frames, from `identity_of`; another run's parts are refused.
      place: A folder in that folder, of a section that is painted by itself.

    Raises:
      ConfigError: The folder holds the parts of another run.
    """

    def __init__(self, output: Path, identity: str, place: str = "") -> None:
        self.folder = Path(f"{output}{PARTS}") / place
        self._identity = identity
        self.parts: list[Part] = []
        #: How many frames are in the parts, and the time of the last one.
        self.num_frames, self.last_time = 0, 0
        #: The state after the last part, arrays by name.
        self.state: dict[str, np.ndarray] = {}
        #: Whether there is no frame left.
        self.complete = False
        if (self.folder / _STATE).exists():
            self._load(output)

    def new_file(self) -> Path:
        """Where the next part goes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{len(self.parts):06}.part"

    def add(self, part: Part, num_frames: int, last_time: int, state: Mapping[str, np.ndarray]) -> None:
        """Adds a part that is written."""
        self.parts.append(part)
        self.num_frames += num_frames
        self.last_time = last_time
        self.state = dict(state)
        self._save()

    def finish(self) -> None:
        """Notes that there is no frame left."""
        self.complete = True
        self.state = {}
        self._save()

    def remove(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _save(self) -> None:
        facts = {
            "identity": self._identity,
            "starts": [part.start for part in self.parts],
            "num_frames": self.num_frames,
            "last_time": self.last_time,
            "complete": self.complete,
        }
        temporary = self.folder / f".{_STATE}"
        with refusals(self.folder / _STATE):
            with open(temporary, "wb") as file:
                np.savez(file, facts=np.array(json.dumps(facts)), **self.state)  # type: ignore[arg-type]
            os.replace(temporary, self.folder / _STATE)

    def _load(self, output: Path) -> None:
        try:
            with np.load(self.folder / _STATE) as arrays:
                facts = json.loads(str(arrays["facts"]))
                self.state = {name: arrays[name] for name in arrays.files if name != "facts"}
            identity = facts["identity"]
        except (OSError, ValueError, KeyError):
            identity = ""
        if identity != self._identity:
            raise ConfigError(
                f"{self.folder} holds parts of {output.name} that were painted with other options or from other files; "
                "give the same ones to go on, or remove the folder to begin anew."
            )
        names = (self.folder / f"{number:06}.part" for number in range(len(facts["starts"])))
        self.parts = [Part(path, start) for path, start in zip(names, facts["starts"], strict=True)]
        self.num_frames, self.last_time, self.complete = (facts[key] for key in ("num_frames", "last_time", "complete"))


def identity_of(about: Any) -> str:
    """What distinguishes a run, or a section of a film, from others."""
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()


def digest_of_files(paths: tuple[str, ...]) -> list[str]:
    """What identifies small files: their contents; names of styles stand for themselves."""
    return [hashlib.sha256(Path(path).read_bytes()).hexdigest() if Path(path).is_file() else path for path in paths]


def facts_of_film(path: str) -> list[Any]:
    """What identifies a film: its size, and when it was changed."""
    about = os.stat(path)
    return [os.path.realpath(path), about.st_size, about.st_mtime_ns]


def options_of(*options: Any) -> list[dict[str, Any]]:
    """Dataclasses of options, as JSON, without names of files."""
    found = [dataclasses.asdict(each) for each in options]
    return [{name: value for name, value in each.items() if name not in _NAMES} for each in found]

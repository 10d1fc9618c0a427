"""Finds the versions of a model on disk, and picks those its policy asks for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TypeAlias

from tensorflow_serving.config import file_system_storage_path_source_pb2

from tf_style.serving.wire.status import invalid

Policy: TypeAlias = file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy

_NUMBER = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_MAX_VERSION = 2**63 - 1


def aspired_versions(name: str, base_path: str, policy: Policy, warn: Callable[[str], None]) -> dict[int, str]:
    """The versions to serve: number -> folder.

    Args:
      name: The model's name, for messages.
      base_path: The folder of its versions.
      policy: latest (the default, with one version), all or specific.
      warn: Called with each warning.

    Raises:
      ServingError: The base path does not exist or cannot be read.
    """
    if not os.path.exists(base_path):
        raise invalid(
            f"Could not find base path {base_path} for servable {name} with error NOT_FOUND: {base_path} not found"
        )
    try:
        found = _versions(sorted(os.listdir(base_path)), warn)
    except OSError as error:
        raise invalid(f"Could not list base path {base_path} for servable {name}: {error.strerror}") from None
    choice = policy.WhichOneof("policy_choice") or "latest"
    if choice == "all":
        chosen = list(found)
    elif choice == "specific":
        chosen = [version for version in policy.specific.versions if version in found]
        for version in sorted(set(policy.specific.versions) - set(chosen)):
            warn(
                f"Version {version} of servable {name}, which was requested to be served as a 'specific' version in "
                "the servable's version policy, was not found in the file system"
            )
    else:
        chosen = sorted(found)[-max(policy.latest.num_versions, 1) :]
    if not chosen:
        warn(
            f"No versions of servable {name} found under base path {base_path}. Did you forget to name your leaf "
            "directory as a number (eg. '/1/')?"
        )
    return {version: os.path.join(base_path, found[version]) for version in chosen}


def _versions(children: list[str], warn: Callable[[str], None]) -> dict[int, str]:
    found: dict[int, str] = {}
    for child in children:
        if not _NUMBER.fullmatch(child) or not -_MAX_VERSION - 1 <= int(child) <= _MAX_VERSION:
            continue
        version = int(child)
        if version in found:
            warn(
                f"Duplicate version directories detected. Version {version} will be loaded from {child}, "
                f"{found[version]} will be ignored."
            )
        found[version] = child
    return found

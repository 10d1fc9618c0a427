"""The package's version, written only here, and the versions of what it depends on."""

from __future__ import annotations

import platform
from importlib import metadata

__version__ = "0.1.0"

_PACKAGES = ("tensorflow", "keras", "tensorflow-probability", "numpy", "pillow")


def versions() -> dict[str, str]:
    """Versions of everything that the picture may depend on."""
    found = {"tf_style": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # an unusual install (tensorflow-cpu, say)
            found[package] = "unknown"
    return found

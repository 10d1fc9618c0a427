"""tf_style: neural style transfer in TensorFlow.

Importing this package is quick and silent: it loads TensorFlow only when you first use a name that needs it.
"""

from __future__ import annotations

import importlib
from typing import Any

from tf_style.version import __version__

#: Public name -> the module it lives in.
_NAMES = {
    "BACKBONES": "tf_style.backbones",
    "ConfigError": "tf_style.config",
    "Controls": "tf_style.controls",
    "ImageError": "tf_style.images",
    "Objective": "tf_style.losses",
    "Optimization": "tf_style.stylizers",
    "Profile": "tf_style.taste.profile",
    "Progress": "tf_style.types",
    "PyramidStylizer": "tf_style.stylizers",
    "References": "tf_style.types",
    "Schedule": "tf_style.schedule",
    "StyleLibrary": "tf_style.words.library",
    "StylizeConfig": "tf_style.config",
    "StylizeLayer": "tf_style.layers",
    "Term": "tf_style.types",
    "WeightsError": "tf_style.backbones",
    "adam": "tf_style.optimizers",
    "build_backbone": "tf_style.build",
    "build_objective": "tf_style.build",
    "build_optimizer": "tf_style.build",
    "build_stylizer": "tf_style.build",
    "compact_vgg19": "tf_style.backbones",
    "content_loss": "tf_style.losses",
    "gram_matrix": "tf_style.ops",
    "lbfgs": "tf_style.optimizers",
    "preset_config": "tf_style.presets",
    "preset_names": "tf_style.presets",
    "read_image": "tf_style.images",
    "style_loss": "tf_style.losses",
    "stylize": "tf_style.api",
    "stylize_frames": "tf_style.frames",
    "stylize_video": "tf_style.jobs.film.call",
    "to_pil": "tf_style.images",
    "temporal_loss": "tf_style.losses",
    "total_variation": "tf_style.ops",
    "total_variation_loss": "tf_style.losses",
    "vgg16": "tf_style.backbones",
    "vgg19": "tf_style.backbones",
    "write_image": "tf_style.images",
}

__all__ = ["__version__", *_NAMES]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'tf_style' has no attribute {name!r}")
    value = getattr(importlib.import_module(_NAMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""Every option and its default, written here and only here.

Flags, presets and the Python API derive from these fields. A preset overrides a default, a flag overrides both.
"""

from tf_style.config.checks import check_given, check_masks
from tf_style.config.evaluate import EvaluateConfig, EvaluateFiles
from tf_style.config.export import ExportOptions, PrintOptions
from tf_style.config.options import ConfigError, is_switch, option, parse_value
from tf_style.config.palette import parse_palette
from tf_style.config.prepare import PrepareConfig
from tf_style.config.recolor import RecolorConfig, RecolorFiles
from tf_style.config.serving import DEFAULT_MODEL_NAME, RequestOptions, ServeOptions
from tf_style.config.stylize import (
    DEFAULT_PRESET,
    PRESERVE_COLOR,
    FilesWithoutStyle,
    StylizeConfig,
    StylizeFiles,
)
from tf_style.config.train import DistillConfig, DistillFiles, TrainConfig, TrainFiles
from tf_style.config.video import VideoFiles
from tf_style.config.words import ClipOptions, LibraryOptions, ProfileOptions, TasteOptions, WordsOptions

__all__ = [
    "DEFAULT_MODEL_NAME",
    "DEFAULT_PRESET",
    "PRESERVE_COLOR",
    "ClipOptions",
    "ConfigError",
    "DistillConfig",
    "DistillFiles",
    "EvaluateConfig",
    "EvaluateFiles",
    "ExportOptions",
    "FilesWithoutStyle",
    "LibraryOptions",
    "PrepareConfig",
    "PrintOptions",
    "ProfileOptions",
    "RecolorConfig",
    "RecolorFiles",
    "RequestOptions",
    "ServeOptions",
    "StylizeConfig",
    "StylizeFiles",
    "TasteOptions",
    "TrainConfig",
    "TrainFiles",
    "VideoFiles",
    "WordsOptions",
    "check_given",
    "check_masks",
    "option",
    "parse_palette",
    "is_switch",
    "parse_value",
]

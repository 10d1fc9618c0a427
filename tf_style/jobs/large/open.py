"""Opens a run in tiles."""

from __future__ import annotations

from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.jobs.large.inputs import LargeInputs
from tf_style.jobs.large.one_pass import OnePassSession
from tf_style.jobs.large.picture import LargePicture
from tf_style.jobs.large.session import LargeSession


def open_large(config: StylizeConfig, files: StylizeFiles, inputs: LargeInputs) -> LargePicture:
    """The session of a run in tiles, with a network or by optimisation; arguments and errors as `LargePicture`'s."""
    return (OnePassSession if config.network else LargeSession)(config, files, inputs)

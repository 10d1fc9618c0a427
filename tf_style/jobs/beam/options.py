"""Beam's own options, which decide where a pipeline runs."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions

from tf_style.config import ConfigError

#: Beam's own runner for one machine. It needs no download; Beam's DirectRunner may fetch another one.
LOCAL_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def pipeline_options(flags: Sequence[str]) -> PipelineOptions:
    """Reads Beam's options from flags; without --runner a pipeline runs on this machine.

    Raises:
      ConfigError: A value that is not allowed; or an unknown flag without --runner, which may be a typo. A named runner
        may know more flags than Beam's Python does, so it judges them itself.
    """
    named = False

    def check(parser: Any) -> None:
        nonlocal named
        parser.exit_on_error = False
        try:
            known, unknown = parser.parse_known_args(list(flags))
        except argparse.ArgumentError as error:
            raise ConfigError(f"Beam refuses its flags ({error}); correct the flags after --.") from None
        named = known.runner is not None
        if unknown and not named:
            raise ConfigError(_sentence(unknown[0]))

    PipelineOptions(list(flags)).get_all_options(add_extra_args_fn=check)
    options = PipelineOptions([*([] if named else [f"--runner={LOCAL_RUNNER}"]), *flags])
    options.view_as(SetupOptions).save_main_session = False
    return options


def _sentence(flag: str) -> str:
    name = flag.lstrip("-").partition("=")[0]
    close = difflib.get_close_matches(name, PipelineOptions([]).get_all_options(), 1)
    hint = f" Did you mean --{close[0]}?" if close else ""
    return (
        f"Beam has no flag {flag!r}, and without --runner the pipeline runs on this machine; correct the flag or leave "
        f"it out.{hint}"
    )

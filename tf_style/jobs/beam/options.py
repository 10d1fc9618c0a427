"""Beam's own options, which decide where a pipeline runs."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, StandardOptions
from apache_beam.runners.runner import PipelineRunner, create_runner

from tf_style.config import ConfigError
from tf_style.images.picture import one_line
from tf_style.jobs.run.quiet import quiet_tensorflow

#: Beam's own runner for one machine. It needs no download; Beam's DirectRunner may fetch another one.
LOCAL_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
#: Beam has this runner, but knows neither its short name nor its flags until it is imported.
DASK_RUNNER = "apache_beam.runners.dask.dask_runner.DaskRunner"
_STRICT = (LOCAL_RUNNER, DASK_RUNNER)
_PARTITIONS = ("--dask_partition_size", "--dask_npartitions")


def pipeline_options(flags: Sequence[str]) -> PipelineOptions:
    """Reads Beam's options from flags; without --runner a pipeline runs on this machine.

    Raises:
      ConfigError: A value that is not allowed; or an unknown flag, if it is for this machine or for Dask. Other runners
        may know more flags than Beam's Python does, so they judge them themselves.
    """
    named = _parse(flags).runner or LOCAL_RUNNER
    runner = DASK_RUNNER if named.lower() in ("dask", "daskrunner") else named
    added = [f"--runner={runner}"]
    if runner == DASK_RUNNER:
        _import_dask()
        if not any(flag.startswith(_PARTITIONS) for flag in flags):
            added.append("--dask_partition_size=1")  # else up to 128 batches go to one worker
    _parse(flags, all_known=runner in _STRICT)
    options = PipelineOptions([*flags, *added])
    options.view_as(SetupOptions).save_main_session = False
    return options


def load_runner(options: PipelineOptions) -> PipelineRunner:
    """Makes the runner that options name.

    Raises:
      ConfigError: There is no such runner, or it needs packages that are not installed.
    """
    name = options.view_as(StandardOptions).runner
    try:
        return create_runner(name)
    except Exception as error:  # a wrong name, a wrong module, a missing package, one that fails when imported
        raise ConfigError(
            f"Beam cannot load --runner={name} ({one_line(error)}); check the name, and install what the runner needs, "
            "such as apache-beam[dask] or apache-beam[gcp]."
        ) from None


@contextlib.contextmanager
def hushed(options: PipelineOptions) -> Iterator[None]:
    """Hides the logs of Beam, Dask and their processes on this machine; other runners tell how a job goes."""
    if options.view_as(StandardOptions).runner not in _STRICT:
        yield
        return
    for name in ("", "apache_beam.runners.common", "distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with quiet_tensorflow():
        yield


def _import_dask() -> None:
    try:
        importlib.import_module(DASK_RUNNER.rpartition(".")[0])
    except ImportError:
        raise ConfigError("Dask is not installed; run pip install 'tf-style[dask]'.") from None


def _parse(flags: Sequence[str], *, all_known: bool = False) -> argparse.Namespace:
    """Parses flags with all parsers that Beam has by now."""
    parsed = argparse.Namespace()
    logging.getLogger("apache_beam.options.pipeline_options").setLevel(logging.ERROR)  # of flags it does not know

    def check(parser: Any) -> None:
        parser.exit_on_error = False
        try:
            unknown = parser.parse_known_args(list(flags), parsed)[1]
        except argparse.ArgumentError as error:
            raise ConfigError(f"Beam refuses its flags ({error}); correct the flags after --.") from None
        if unknown and all_known:
            raise ConfigError(_sentence(unknown[0], re.findall(r"--(\w+)", parser.format_help())))

    PipelineOptions(list(flags)).get_all_options(add_extra_args_fn=check)
    return parsed


def _sentence(flag: str, known: list[str]) -> str:
    close = difflib.get_close_matches(flag.lstrip("-").partition("=")[0], known, 1)
    hint = f" Did you mean --{close[0]}?" if close else ""
    return (
        f"Beam has no flag {flag!r}; correct it or leave it out (without --runner the pipeline runs on this machine)."
        f"{hint}"
    )

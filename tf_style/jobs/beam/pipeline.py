"""What pipelines have in common: elements, a reshuffle, and a function without state, side inputs or outputs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam

from tf_style.config import ConfigError, StylizeConfig
from tf_style.images.picture import one_line
from tf_style.jobs.folder.manifest import path_or_name
from tf_style.jobs.run.interruption import Interruption
from tf_style.networks.archive import EMBEDDED


def run_pipeline(
    elements: Sequence[Any], paint: beam.DoFn, options: Any, runner: Any, interruption: Interruption
) -> str:
    """Runs the pipeline; returns a sentence if it ended early."""
    result: Any = None
    try:
        pipeline = beam.Pipeline(runner, options)
        _ = (
            pipeline
            | "Batches" >> beam.Create(elements, reshuffle=False)
            | "Spread" >> beam.Reshuffle()
            | "Paint" >> beam.ParDo(paint)
        )
        result = pipeline.run()
        result.wait_until_finish()
        return ""
    except BaseException as error:  # Beam's threads raise many things when interrupted
        if interruption.asked:
            with contextlib.suppress(Exception):  # not every runner can
                result.cancel()
            return ""
        if not isinstance(error, Exception):
            raise
        last = one_line(str(error).strip().rpartition("\n")[2], 300)  # after a worker's traceback
        return f"The pipeline ended early ({type(error).__name__}: {last}); repeat the command to resume."
    finally:
        with contextlib.suppress(Exception):  # Dask's runner leaves its client open, others have none
            result.client.close()


def complain(sentence: str) -> None:
    """Prints an error, if there is one."""
    with contextlib.suppress(OSError):  # nobody is reading
        if sentence:
            print(f"tf-style: {sentence}", file=sys.stderr, flush=True)


def refuse_urls(files: Any, *options: str) -> None:
    """Raises ConfigError if one of these options is a URL, which would be taken for a folder."""
    for option in options:
        if "://" in getattr(files, option):
            raise ConfigError(
                f"--{option}={getattr(files, option)} is a URL, but workers only see files; mount the bucket (gcsfuse, "
                "s3fs) and give its path."
            )


def absolute_options(config: StylizeConfig) -> StylizeConfig:
    """The same options for workers, which have another working folder."""
    here = Path.cwd()
    weights = str(here / config.weights) if config.weights else ""
    return config.replace(weights=weights, network=path_or_name(here, config.network, EMBEDDED))

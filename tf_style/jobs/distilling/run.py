"""A narrow backbone from folders of pictures: check, fit, train, report, survive interruptions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tf_style.config import ConfigError, DistillConfig, DistillFiles
from tf_style.jobs.run.inputs import check_writable
from tf_style.jobs.training.run import run_session

if TYPE_CHECKING:
    from tf_style.jobs.distilling.session import DistillationSession


def run(config: DistillConfig, files: DistillFiles) -> int:
    """Fits and trains a backbone and writes it. Returns and raises: see `run_session`.

    Args:
      config: All options.
      files: Where from, where to.
    """
    check_writable("output_dir", files.output_dir)
    for folder in files.picture_dirs:
        if not Path(folder).is_dir():
            raise ConfigError(f"{folder}, of --picture_dirs, is not a folder; give folders with pictures.")

    def open_session() -> DistillationSession:
        from tf_style.jobs.distilling.session import DistillationSession

        return DistillationSession(config, files)

    flags = "--backbone=compact_vgg19 --weights={}"
    return run_session(open_session, config.num_steps, flags, files.output_dir, quiet=files.quiet)

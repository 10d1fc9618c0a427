"""Every content in every style of a folder, as the rows of a list."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.folder.manifest import Row
from tf_style.jobs.folder.plan import check_output_folder, distinct_names, find_pictures
from tf_style.jobs.run.inputs import check_options
from tf_style.jobs.run.progress import ProgressDisplay


def pair_rows(config: StylizeConfig, files: StylizeFiles) -> list[Row]:
    """A row for each pair, written to `content--style` in the output folder; says how many there are.

    Args:
      config: All options.
      files: `content` is a picture or a folder, `style` holds pictures and folders, `output` is a folder.

    Raises:
      ConfigError, ImageError: What was given cannot be used.
    """
    if len(files.style_masks) > 1:
        raise ConfigError("style_masks are for several styles in one picture, but --style is a folder; leave them out.")
    contents = _pictures("content", [files.content], files)
    styles = [(path, name.replace("/", "-")) for path, name in _pictures("style", files.style, files)]
    first = dataclasses.replace(files, content=str(contents[0][0]), style=(str(styles[0][0]),))
    check_options(config, first)
    rows: list[Row] = []
    for (content, name), (style, style_name) in itertools.product(contents, styles):
        output = str(Path(files.output) / f"{name}--{style_name}.{files.format}")
        own = dataclasses.replace(first, content=str(content), style=(str(style),), output=output)
        rows.append(Row(len(rows) + 1, config, own))
    images.check_output_path(rows[0].files.output, bit_depth=files.bit_depth)
    _check_outputs(rows, files)
    ProgressDisplay(quiet=files.quiet).say(
        f"{len(contents)} content{'s' * (len(contents) > 1)} in {len(styles)} style{'s' * (len(styles) > 1)}: "
        f"{len(rows)} pictures, to {files.output}."
    )
    return rows


def _pictures(option: str, paths: Sequence[str], files: StylizeFiles) -> list[tuple[Path, str]]:
    """The pictures that the paths name or hold, and a name for each."""
    found: list[tuple[Path, Path]] = []
    for path in map(Path, paths):
        if path.is_dir():
            check_output_folder(files, option, str(path))
            found += [(path / below, below) for below in find_pictures(path)]
        else:
            found.append((path, Path(path.name)))
    names = distinct_names([below for _, below in found])
    return [(path, name) for (path, _), name in zip(found, names, strict=True)]


def _check_outputs(rows: list[Row], files: StylizeFiles) -> None:
    """Raises ConfigError if a painting or the record would overwrite a picture of the run."""
    inputs = {os.path.realpath(name) for row in rows for name in (row.files.content, *row.files.style)}
    outputs = {os.path.realpath(row.files.output) for row in rows}
    if inputs & outputs:
        raise ConfigError(f"The painting {min(inputs & outputs)} would overwrite an input; give another --output.")
    if files.json and os.path.realpath(files.json) in inputs | outputs:
        raise ConfigError(f"--json={files.json} is also a picture of this run; choose another name.")

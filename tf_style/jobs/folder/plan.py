"""Which pictures of a folder to paint, where to, and which of them together; checked before any model loads."""

from __future__ import annotations

import dataclasses
import os
import warnings
from pathlib import Path
from typing import Any

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.large.inputs import large_size
from tf_style.jobs.run.inputs import check_options, check_writable, read_colors, read_styles

_FOR_SINGLE_PICTURES = (
    "figure", "checkpoint_dir", "save_every", "tensorboard_dir", "content_mask", "style_masks", "keep_mask",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture: its name below the content folder, its file, its painting's file, and its place in a list."""

    name: str
    source: Path
    target: Path
    number: int = 0


@dataclasses.dataclass(frozen=True)
class Plan:
    """The pictures to paint, in batches of one size; those whose painting exists; and the styles.

    A network of named styles has `style_names`, and `styles` is empty. `large` are the pictures to paint in tiles, with
    their sizes.
    """

    batches: tuple[tuple[Job, ...], ...]
    skipped: tuple[Job, ...]
    styles: tuple[images.Picture, ...]
    style_names: tuple[str, ...]
    colors: images.Picture | None = None
    large: tuple[tuple[Job, tuple[int, int]], ...] = ()

    @property
    def num_pictures(self) -> int:
        """How many pictures to paint."""
        return sum(map(len, self.batches)) + len(self.large)


def make_plan(config: StylizeConfig, files: StylizeFiles) -> Plan:
    """Checks all that needs neither a model nor the contents' pixels; reads the styles.

    Raises:
      ImageError, ConfigError, NetworkError: What was given cannot be used.
    """
    for option in _FOR_SINGLE_PICTURES:
        if getattr(files, option):
            raise ConfigError(
                f"--{option} is for single pictures, but --content={files.content} is a folder; leave --{option} out."
            )
    check_output_folder(files)
    check_options(config, files)
    jobs = _find_jobs(files)
    images.check_output_path(jobs[0].target, bit_depth=files.bit_depth)
    _check_targets(jobs, files)
    check_writable("json", files.json)
    existing = {job for job in jobs if files.skip_existing and job.target.is_file()}
    left = [job for job in jobs if job not in existing]
    if not existing and not any(images.read_size(job.source) for job in left):
        raise ConfigError(_no_picture(files.content, f"{len(jobs)} files have such names"))
    return plan_jobs(left, config, files, skipped=tuple(job for job in jobs if job in existing))


def plan_jobs(jobs: list[Job], config: StylizeConfig, files: StylizeFiles, *, skipped: tuple[Job, ...] = ()) -> Plan:
    """Plans pictures with the same options; reads the styles.

    Raises:
      ImageError, NetworkError: A style cannot be read, or is unknown.
    """
    large, whole = [], []
    for job in jobs:
        size = large_size(config, files_of(job, files))
        if size is None:
            whole.append(job)
        else:
            large.append((job, size))
    sizes = [plan_size(images.read_size(job.source), config) for job in whole]
    batches = make_batches(whole, sizes, files.batch_size)
    return Plan(batches, skipped, *read_styles(config, files), read_colors(files), tuple(large))


def files_of(job: Job, files: StylizeFiles) -> StylizeFiles:
    """The files for running one picture alone."""
    fields = dataclasses.fields(files)
    plain: dict[str, Any] = {field.name: field.default for field in fields if field.metadata["group"] == "folder"}
    return dataclasses.replace(files, **plain, content=str(job.source), output=str(job.target), json="")


def check_output_folder(files: StylizeFiles, option: str = "content", folder: str = "") -> None:
    """Raises ConfigError unless the output is a folder outside of an input folder (default: the content's)."""
    output, folder = Path(files.output), folder or files.content
    if output.suffix.lower() in images.READABLE_SUFFIXES and not output.is_dir():
        raise ConfigError(
            f"'{folder}' is a folder, so --output must be a folder as well, but {files.output} names a picture; "
            f"give a folder, and set the pictures' format with --format={files.format} or another."
        )
    _check_outside(output, files, option, folder)


def _check_outside(path: Path, files: StylizeFiles, option: str, folder: str) -> None:
    inner, place = (Path(os.path.realpath(name)) for name in (folder, path))
    if place == inner or inner in place.parents:
        raise ConfigError(
            f"--output={files.output} lies in the folder of --{option}, {folder}, where paintings would be painted "
            "again; choose a folder outside it."
        )


def _find_jobs(files: StylizeFiles) -> list[Job]:
    """A job for each picture below the content folder."""
    root, found = Path(files.content), find_pictures(Path(files.content))
    targets = [Path(files.output) / f"{name}.{files.format}" for name in distinct_names(found)]
    return [Job(path.as_posix(), root / path, target) for path, target in zip(found, targets, strict=True)]


def distinct_names(paths: list[Path]) -> list[str]:
    """The paths without their suffixes; those that are then the same as another's keep theirs.

    Warns:
      PictureWarning: A path keeps its suffix.
    """
    names: dict[str, None] = {}
    for path in paths:
        name = path.with_suffix("").as_posix()
        if name in names:
            warnings.warn(
                f"Several pictures are called {name}; the painting of {path.name} keeps its suffix in its name.",
                images.PictureWarning,
                stacklevel=2,
            )
            name = path.as_posix()
        while name in names:
            name += "-2"
        names[name] = None
    return list(names)


def find_pictures(folder: Path) -> list[Path]:
    """Paths of all files below a folder with a picture's suffix, sorted, without hidden files and linked folders.

    Raises:
      ConfigError: There is none, or a folder cannot be read.
    """
    found = []
    for place, subfolders, names in os.walk(folder, onerror=_refuse_folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in images.READABLE_SUFFIXES:
                found.append((Path(place) / name).relative_to(folder))
    if not found:
        raise ConfigError(_no_picture(str(folder), "hidden files do not count"))
    return found


def _refuse_folder(error: OSError) -> None:
    raise ConfigError(f"The folder '{error.filename}' cannot be read ({error.strerror}); check its permissions.")


def _no_picture(folder: str, remark: str) -> str:
    return f"'{folder}' holds no picture that can be read ({images.READABLE}; {remark}); give a folder with pictures."


def _check_targets(jobs: list[Job], files: StylizeFiles) -> None:
    """Raises ConfigError if a painting would overwrite another one, an input or the record."""
    taken = {os.path.realpath(path): f"an input of this run, {path}" for path in files.style}
    taken |= {os.path.realpath(job.source): f"an input of this run, {job.source}" for job in jobs}
    for job in jobs:
        _check_outside(job.target.parent, files, "content", files.content)
        other = taken.setdefault(os.path.realpath(job.target), f"the painting of {job.name}")
        if other != f"the painting of {job.name}":
            raise ConfigError(
                f"The painting of {job.name} would overwrite {job.target}, which is {other}; rename one of them, or "
                "choose another --output."
            )
    if files.json and os.path.realpath(files.json) in taken:
        other = taken[os.path.realpath(files.json)]
        raise ConfigError(f"--json={files.json} is {other}; choose another name.")


def make_batches(jobs: list[Job], sizes: list[tuple[int, int] | None], batch_size: int) -> tuple[tuple[Job, ...], ...]:
    """Puts pictures of one painting size together, according to their headers; the others stay alone."""
    groups: dict[object, list[Job]] = {}
    for job, size in zip(jobs, sizes, strict=True):
        groups.setdefault(job if size is None else size, []).append(job)
    return tuple(
        tuple(group[start : start + batch_size])
        for group in groups.values()
        for start in range(0, len(group), batch_size)
    )


def plan_size(size: tuple[int, int] | None, config: StylizeConfig) -> tuple[int, int] | None:
    """The size at which a picture of a size will be painted, or None if it cannot be."""
    try:
        return None if size is None else images.painting_size(size, config.size, multiple=config.side_multiple)
    except images.ImageError:  # reported when it is the picture's turn
        return None

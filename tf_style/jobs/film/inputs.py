"""What a film is painted with: checked, read, and what distinguishes one film from another."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, VideoFiles
from tf_style.jobs.film.controls import FilmControls
from tf_style.jobs.film.parts import digest_of_files, facts_of_film, options_of
from tf_style.jobs.film.shots import Shot
from tf_style.jobs.film.source import Source
from tf_style.jobs.run.inputs import (
    check_options,
    check_outputs,
    check_takes_pictures,
    check_writable,
    read_styles,
)
from tf_style.networks.archive import find_network
from tf_style.video import is_still


def for_stills(config: StylizeConfig, files: VideoFiles) -> VideoFiles:
    """The options of a film of a single picture: as large as pictures, and what does not move needs no calming."""
    if not (files.audio and is_still(files.content)):
        return files
    consistency = 0.0 if config.network else files.consistency
    return dataclasses.replace(files, size=files.size or config.size, consistency=consistency)


def about(config: StylizeConfig, files: VideoFiles, source: Source, controls: FilmControls) -> dict[str, Any]:
    """What decides the painted frames."""
    return {
        "options": options_of(config, files),
        "film": [facts_of_film(path) for path in source.info.files],
        "cuts": "" if files.lists_shots else files.shots,
        "shots": [(shot.start, digest_of_files(shot.style), shot.controls) for shot in source.shots],
        "masks": [facts_of_film(path) for path in _masks_and_colors(files)],
        "controls": controls.identity,
        "network": digest_of_files((str(find_network(config.network)),)) if config.network else [],
    }


def _masks_and_colors(files: VideoFiles) -> list[str]:
    return [path for path in (files.content_mask, *files.style_masks, files.keep_mask, files.color_from) if path]


def read_style(config: StylizeConfig, files: VideoFiles, shot: Shot) -> Sequence[images.Picture | str]:
    """The pictures or the names of a shot's style.

    Raises:
      ConfigError, ImageError, NetworkError: It cannot be used.
    """
    own: Any = dataclasses.replace(files, style=shot.style, style_text="")
    try:
        if shot.words:
            check_takes_pictures(config.network)
        pictures, names = read_styles(config, own)
        check_options(config, own)
        if shot.controls.style_blend:
            check_options(config.replace(style_blend=shot.controls.style_blend), own)
    except ValueError as error:
        if shot.style == files.style or not shot.place:
            raise
        raise ConfigError(f"{shot.place}: {error}") from None
    return names or pictures


def check_files(files: VideoFiles, styles: Iterable[tuple[str, ...]]) -> None:
    """Raises ConfigError if a file would overwrite another one, or cannot be written."""
    options = ("output", "preview", "json", "shots_output", "schedule_output", "react_figure")
    listed = [files.shots] if files.lists_shots else []
    given = filter(None, (files.content, files.audio, files.schedule, *listed, *_masks_and_colors(files)))
    check_outputs(files, (*given, *itertools.chain(*styles)), options)
    for option in options:
        check_writable(option, getattr(files, option))
    if files.preview:
        images.check_output_path(files.preview)

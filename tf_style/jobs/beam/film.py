"""A film as an Apache Beam pipeline: workers paint its shots, and the machine that started them joins the parts.

Shots depend on nothing before them. Parts of a shot lie in a folder of their own beside the film, so that a worker goes
on where another one died, and a repeated command paints only what is missing.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tf_style.config import StylizeConfig, VideoFiles
from tf_style.jobs.beam import shots
from tf_style.jobs.beam.options import hushed, load_runner, pipeline_options
from tf_style.jobs.beam.pipeline import absolute_options, complain, refuse_urls, run_pipeline
from tf_style.jobs.film.run import Film
from tf_style.jobs.film.sections import Section, find_sections
from tf_style.jobs.film.shots import write_shots
from tf_style.jobs.folder.manifest import path_or_name
from tf_style.jobs.run.files import reserved
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.progress import ProgressDisplay

_FAILED = 1
_UNKNOWN = (
    "Some shots were not painted, or their workers could not say so; see the runner's log, and repeat the command."
)


def run(config: StylizeConfig, files: VideoFiles, options: Sequence[str]) -> int:
    """Paints a film with Beam.

    Args:
      config: All options of the pictures.
      files: All options of the film; this machine and all workers must see these paths.
      options: Beam's own flags, such as --runner=FlinkRunner.

    Returns:
      The exit status: 0; 1 if shots could not be painted; 130 after an interruption.

    Raises:
      ConfigError, ImageError, MotionError, NetworkError, VideoError: What was given cannot be used.
    """
    started = time.monotonic()
    known = pipeline_options(options)
    runner = load_runner(known)
    config, files = absolute_options(config), _absolute_files(files)
    film = Film(config, files)
    display = ProgressDisplay(quiet=False)
    shots.stopping.asked = False
    with _Stopping() as interruption, reserved("output", str(film.parts.folder)):
        try:
            sections = _sections(film, files, display)
        except KeyboardInterrupt:
            display.say("Interrupted while shots were looked for; nothing was painted.")
            return INTERRUPTED
        finally:
            display.close()
        word = ("shot" if files.consistency else "piece") + "s" * (len(sections) != 1)
        left = [section for section in sections if not film.parts_of(section).complete]
        display.say(f"Found {len(sections)} {word}; {len(left)} to paint.")
        shots.forget_errors(files, sections)
        ending = ""
        if left:
            with hushed(known):
                elements = [shots.Shot(config, files, section, film.identity) for section in left]
                ending = run_pipeline(elements, shots.PaintShots(), known, runner, interruption)
            left = [section for section in sections if not film.parts_of(section).complete]
        done = f"{len(sections) - len(left)} of {len(sections)} {word} are painted"
        interruption.at_once = False
        if left and interruption.asked:
            display.say(f"Interrupted: {done}; to go on, repeat the command.")
            return INTERRUPTED
        if left:
            errors = [error for section in left if (error := shots.error_of(files, section))]
            known_errors = dict.fromkeys(filter(None, (*errors, ending)))
            for sentence in (*(known_errors or [_UNKNOWN]), f"{done}; repeat the command to go on."):
                complain(sentence)
            return _FAILED
        film.join_sections(sections)
    frames = sum(section.num_frames for section in sections)
    display.say(f"Wrote {files.output}: {frames} frames ({time.monotonic() - started:.0f} s).")
    return 0


class _Stopping(Interruption):
    """Also stops what paints in this process."""

    def __call__(self, number: int, frame: Any) -> None:
        """Handles a signal."""
        shots.stopping.asked = True
        super().__call__(number, frame)


def _sections(film: Film, files: VideoFiles, display: ProgressDisplay) -> list[Section]:
    """Looks for the shots."""
    count = film.num_frames

    def show(number: int) -> None:
        display.show(f"looking for shots: frame {number}", min(1.0, number / count), 0.0, {}, last=False)

    sections = find_sections(film.source.frames(), files.consistency, show)
    if not sections:
        raise film.source.has_no_frame()
    for remark in film.source.remarks():
        display.say(remark)
    if files.shots_output:
        write_shots(files.shots_output, files.content, film.source.found)
    return sections


def _absolute_files(files: VideoFiles) -> VideoFiles:
    """The same files for workers, which have another working folder.

    Raises:
      ConfigError: A URL.
    """
    refuse_urls(files, "content", "output")
    here = Path.cwd()

    def path(text: str) -> str:
        return str(here / text) if text else ""

    return dataclasses.replace(
        files,
        content=path(files.content),
        output=path(files.output),
        style=tuple(path_or_name(here, style) for style in files.style),
        color_from=path(files.color_from),
        content_mask=path(files.content_mask),
        style_masks=tuple(map(path, files.style_masks)),
        keep_mask=path(files.keep_mask),
        shots=path(files.shots) if files.lists_shots else files.shots,
        style_library=path(files.style_library),
        shots_output=path(files.shots_output),
    )

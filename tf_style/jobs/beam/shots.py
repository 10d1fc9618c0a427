"""What a worker does with a shot of a film: paints what is left of it, into parts beside the film."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam

from tf_style.config import StylizeConfig, VideoFiles
from tf_style.images.picture import one_line
from tf_style.jobs.film.run import Film
from tf_style.jobs.film.sections import Section
from tf_style.jobs.run.files import reserved
from tf_style.jobs.run.interruption import Interruption
from tf_style.jobs.run.places import PARTS
from tf_style.jobs.run.progress import ProgressDisplay

_TURN = threading.Lock()  # one painting keeps all cores busy, whatever threads the runner has
_sessions: dict[str, Any] = {}  # the last one of this process, by the identity of the film
#: Asked for when the command is stopped whose pipeline runs in this process.
stopping = Interruption()


class Shot(NamedTuple):
    """A section of a film, with all that a worker needs; paths are absolute."""

    config: StylizeConfig
    files: VideoFiles
    section: Section
    identity: str


class PaintShots(beam.DoFn):
    """Takes shots; what it makes are files."""

    def process(self, element: Shot) -> tuple[()]:
        """Paints a shot, unless that is done; never raises, but leaves the sentence of an error."""
        with _TURN:
            if not stopping.asked:
                error = paint_shot(element)
                with contextlib.suppress(OSError):  # a full disk: that it is not painted is noticed
                    if error:
                        _report(element.files, element.section).write_text(error, encoding="utf-8")
        return ()


def paint_shot(shot: Shot) -> str:
    """Paints what is left of a shot; returns the sentence of an error, or nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the machine that found the shots has read the same film
            film = Film(shot.config, shot.files, shot.section, shot.identity)
            if not film.parts.complete:
                with reserved("output", str(film.parts.folder)):
                    film.paint(_session(film), ProgressDisplay(quiet=True), stopping)
    except Exception as error:  # a full disk, a worker without TensorFlow, anything: it must not end the pipeline
        if isinstance(error, ValueError) and type(error).__module__.startswith("tf_style"):
            return str(error)
        return (
            f"'{shot.files.content}': frames from {shot.section.before + 1} on cannot be painted "
            f"({type(error).__name__}: {one_line(error)}); repeat the command to go on."
        )
    return ""


def error_of(files: VideoFiles, section: Section) -> str:
    """What a worker wrote about a shot."""
    path = _report(files, section)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def forget_errors(files: VideoFiles, sections: Iterable[Section]) -> None:
    """Removes what workers wrote in earlier runs."""
    for section in sections:
        _report(files, section).unlink(missing_ok=True)


def _report(files: VideoFiles, section: Section) -> Path:
    return Path(f"{files.output}{PARTS}") / f"{section.place}.txt"


def _session(film: Film) -> Any:
    """What paints a film; shots of one film share it."""
    if film.identity not in _sessions:
        _sessions.clear()
        _sessions[film.identity] = film.open_session()
    _sessions[film.identity].add(film.styles)
    return _sessions[film.identity]

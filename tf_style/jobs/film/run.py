"""A film painted frame by frame, from file to file: check, paint in parts, join, survive interruptions."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tf_style import images
from tf_style.config import StylizeConfig, VideoFiles
from tf_style.controls import Controls
from tf_style.jobs.film.controls import FilmControls
from tf_style.jobs.film.inputs import about, check_files, for_stills, read_style
from tf_style.jobs.film.listing import list_shots
from tf_style.jobs.film.masks import FilmMasks
from tf_style.jobs.film.parts import Parts, identity_of
from tf_style.jobs.film.sections import Section
from tf_style.jobs.film.shots import Shot, write_shots
from tf_style.jobs.film.source import Source
from tf_style.jobs.run.files import reserved
from tf_style.jobs.run.inputs import read_colors
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.memory import check_memory
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.jobs.run.quiet import quiet_tensorflow
from tf_style.motion import flow_of
from tf_style.video import Frame, Part, choose_output

_PART = 48  # frames; a run that was killed paints fewer than this again
_PREVIEW_EVERY_SECONDS = 2.0


def run(config: StylizeConfig, files: VideoFiles, preset: str) -> int:
    """Paints a film.

    Args:
      config: All options of the pictures.
      files: All options of the film.
      preset: Its name, for the record.

    Returns:
      The exit status: 0, or 130 after an interruption (Ctrl-C or SIGTERM; what was painted so far is a film).

    Raises:
      ConfigError, ImageError, MotionError, NetworkError, VideoError: What was given cannot be used.
    """
    if files.only_finds_shots:
        return list_shots(files)
    started = time.monotonic()
    film = Film(config, files)
    display = ProgressDisplay(quiet=files.quiet)
    with Interruption() as interruption, reserved("output", str(film.parts.folder)):
        try:
            film.controls.write(files)
            session = film.open_session()
            display.say(session.headline())
            for remark in film.source.remarks():
                display.say(remark)
            if film.painted:
                display.say(f"Goes on after frame {film.painted}.")
            complete = film.paint(session, display, interruption)
        except KeyboardInterrupt:
            interruption.at_once, complete = False, False
        finally:
            display.close()
        interruption.at_once = False
        if not complete and not film.painted:
            display.say("Interrupted before the first frame; nothing was written.")
            return INTERRUPTED
        film.join()
        if not complete:
            display.say(
                f"Interrupted: {film.painted} of {film.num_frames} frames are in {files.output}; to go on, repeat the "
                "command."
            )
            return INTERRUPTED
        seconds = time.monotonic() - started
        if files.json:
            session.write_record(preset, seconds, film.record())
        film.parts.remove()
    display.say(f"Wrote {files.output}: {film.painted} frames ({seconds:.0f} s).")
    return 0


class Film:
    """A film's way through: frames in, shots, painted parts, the film.

    Args:
      config: All options of the pictures.
      files: All options of the film.
      section: Only these frames are painted, into parts of their own.
      identity: That of the whole film, if it is known.

    Raises:
      ConfigError, ImageError, MotionError, NetworkError, VideoError: What was given cannot be used.
    """

    def __init__(
        self, config: StylizeConfig, files: VideoFiles, section: Section | None = None, identity: str = ""
    ) -> None:
        files = for_stills(config, files)
        self._config, self._files, self._section = config, files, section
        self._output = choose_output(files.output, files.codec, files.crf)
        self.source = Source(files, self._output)
        styles = {shot.style: shot for shot in reversed(self.source.shots) if not section or shot == section.shot}
        check_files(files, styles)
        check_memory(config, self.source.size)
        #: By style, as given: its pictures, or names.
        self.styles = {style: read_style(config, files, shot) for style, shot in styles.items()}
        self.masks = FilmMasks(files, self.source.upright_size)
        self.colors = read_colors(files)  # type: ignore[arg-type]
        self.controls = FilmControls(config, files, self.source)
        if files.consistency:
            flow_of(files.flow)
        #: What distinguishes the film from others.
        self.identity = identity or identity_of(about(config, files, self.source, self.controls))
        self.parts = self.parts_of(section) if section else Parts(Path(files.output), self.identity)
        self._unfinished: list[Part] = []
        self._next_preview = 0.0
        self._last_time = self.parts.last_time
        self._latest: tuple[Any, np.ndarray] | None = None
        #: How many frames are painted.
        self.painted = self.parts.num_frames

    @property
    def num_frames(self) -> int:
        """How many frames there will be, as far as is known."""
        return self._section.num_frames if self._section else max(self.painted, self.source.num_frames)

    def parts_of(self, section: Section) -> Parts:
        """The parts of a section.

        Raises:
          ConfigError: Its folder holds the parts of another run.
        """
        return Parts(Path(self._files.output), identity_of([self.identity, *section]), section.place)

    def open_session(self) -> Any:
        """What paints the film; loads TensorFlow."""
        with quiet_tensorflow():
            from tf_style.jobs.film.session import FilmSession

            session = FilmSession(self._config, self._files, self.masks, self.colors)
            session.add(self.styles)
            return session

    def paint(self, session: Any, display: ProgressDisplay, interruption: Interruption) -> bool:
        """Paints what is left; returns False after an interruption."""
        if self.parts.complete:
            return True
        shots = self.source.frames_of(self._section) if self._section else self.source.frames()
        first = next(shots, None)
        if first is None:
            raise self.source.has_no_frame()
        beginning = self.source.upright((self.source.first() if self._section else first[0]).as_floats())
        masks, state = self.masks.at_first(), self.controls.resume(self.parts.state)
        for style in self.styles:
            painter = session.painters[style]
            painter.begin(beginning, masks)
            painter.state = state  # a shot begins wherever another one takes over
        frames = itertools.islice(itertools.chain([first], shots), self.parts.num_frames, None)
        begun, before = time.monotonic(), self.painted

        def show() -> None:
            rate = (self.painted - before) / (time.monotonic() - begun)
            place = f"shot {self.source.shot}  frame {self.painted}/{self.num_frames}  {rate:.1f} frames/s"
            display.show(place, self.painted / self.num_frames, 0.0, {}, last=False)

        for batch in _batches(frames, _PART):
            if interruption.asked or not self._paint_part(batch, session, show, interruption):
                return False
        if self._files.shots_output:
            write_shots(self._files.shots_output, self._files.content, self.source.found)
        self.parts.finish()
        return True

    def _paint_part(
        self,
        batch: Iterator[tuple[Frame, bool, Shot]],
        session: Any,
        show: Callable[[], None],
        interruption: Interruption,
    ) -> bool:
        """Paints the frames of a part; returns False after an interruption, with what there is in `_unfinished`."""
        path, start, count = self.parts.new_file(), 0, 0
        before = self.painted + (self._section.before if self._section else 0)
        with self._output.writer(path, self.source.info, self.source.written_size, before) as writer:
            for frame, begins, shot in batch:
                if interruption.asked and count:
                    break
                painter = session.painters[shot.style]
                pixels = self._paint_frame(frame, begins, painter, shot)
                writer.add(pixels, frame.time)
                interruption.at_once = False  # from now on there is something to lose
                start = start if count else frame.time
                count, self._last_time = count + 1, frame.time
                self.painted += 1
                show()
                self._preview(pixels)
        if interruption.asked:
            self._unfinished = [Part(path, start)]
            return False
        self.parts.add(Part(path, start), count, self._last_time, {**painter.state, **self.controls.state})
        return True

    def _preview(self, pixels: np.ndarray) -> None:
        """Writes a frame where --preview says, now and then."""
        if self._files.preview and time.monotonic() >= self._next_preview:
            images.write_image(self._files.preview, pixels.astype(np.float32) / np.iinfo(pixels.dtype).max)
            self._next_preview = time.monotonic() + _PREVIEW_EVERY_SECONDS

    def join(self) -> None:
        """Writes the film of what is painted."""
        end, info = self._files.end, self.source.info
        if not self.parts.complete or (self._files.audio and not end):  # sound as long as the pictures
            end = float((self._last_time - info.start) * info.time_base + 1 / info.rate)
        parts = [*self.parts.parts, *self._unfinished]
        self._output.join(parts, info, start=self._files.start, end=end, sound=self._files.audio)

    def join_sections(self, sections: Iterable[Section]) -> None:
        """Writes the film of sections that are painted, and removes their parts."""
        parts = itertools.chain.from_iterable(self.parts_of(section).parts for section in sections)
        self._output.join(list(parts), self.source.info, start=self._files.start, end=self._files.end)
        self.parts.remove()

    def record(self) -> dict[str, Any]:
        """The film, for the record."""
        height, width = self.source.written_size
        return {
            "frames": self.painted,
            "size": [height, width],
            "rate": str(self.source.info.rate),
            "codec": self._output.encoding.codec,
            "crf": self._output.encoding.crf,
        }

    def _paint_frame(self, frame: Frame, begins: bool, painter: Any, shot: Shot) -> np.ndarray:
        """The painted frame, in as many bits as the source's."""
        seconds = self.source.seconds(frame.time)
        painting = self._painting(frame, begins, painter, self.controls.at(shot, seconds), self.masks.at(seconds))
        shown = self.source.as_written(self.controls.guarded(painting, seconds))
        most = np.iinfo(frame.pixels.dtype).max
        return np.rint(shown * most).astype(frame.pixels.dtype)

    def _painting(self, frame: Frame, begins: bool, painter: Any, controls: Controls, masks: Any) -> np.ndarray:
        about = painter, controls
        if self._latest is not None and self._latest[0] == about:  # the same picture
            return self._latest[1]
        picture = self.source.upright(frame.as_floats())
        nothing = "regions" in masks and not masks["regions"].any()
        if begins or nothing:
            painter.begin_shot()
        painting = picture if nothing else painter.paint(picture, masks, controls)
        if self.source.is_still and self._config.network and not self.masks.moving:
            self._latest = about, painting
        return painting


def _batches(frames: Iterator[Any], size: int) -> Iterator[Iterator[Any]]:
    """Iterators of up to `size` frames each, none of them empty."""
    for first in frames:
        yield itertools.chain([first], itertools.islice(frames, size - 1))

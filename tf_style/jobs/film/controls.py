"""What the frames of a film are painted with: what a schedule or the sound decides; and the guard against flashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from tf_style.audio import FlashGuard, Sound, analyse, parse_reactions, plot_reactions, react, read_sound
from tf_style.audio.features import Features
from tf_style.config import ConfigError, StylizeConfig, VideoFiles
from tf_style.controls import Controls
from tf_style.jobs.film.shots import Shot
from tf_style.jobs.film.source import Source
from tf_style.schedule import Schedule

_GUARD = "guard_"  # before the names of the guard's arrays, among those of a painter


class FilmControls:
    """Controls by `--schedule` or `--react`. Without them, each shot has its own, and nothing is guarded.

    What the schedule says takes the place of what a shot says; the rest stays. Seconds count from the film's beginning.

    Args:
      config: All options of the pictures.
      files: All options of the film.
      source: The film.

    Raises:
      AudioError, ConfigError, ScheduleError: The sound, the reactions or the schedule cannot be used, or do not fit.
    """

    def __init__(self, config: StylizeConfig, files: VideoFiles, source: Source) -> None:
        self._heard: tuple[Sound, Schedule, Features] | None = None
        self.schedule: Schedule | None = None
        if files.react:
            self._heard = _listen(config, files, source)
            heard = self._heard[1]
            self.schedule = Schedule(heard.seconds + files.start, heard.values, heard.shares)
        elif files.schedule:
            self.schedule = Schedule.read(files.schedule)
        self._guard: FlashGuard | None = None
        if self.schedule is not None:
            _check(self.schedule, files, source)
            changes = self.schedule.values or self.schedule.num_styles
            self._guard = FlashGuard(float(source.info.rate)) if changes and not files.allow_flashes else None

    @property
    def identity(self) -> str:
        """What distinguishes it from others."""
        if self.schedule is None:
            return ""
        arrays = {"seconds": self.schedule.seconds, **self.schedule.values, "shares": self.schedule.shares}
        return hashlib.sha256(repr([(name, array.tolist()) for name, array in arrays.items()]).encode()).hexdigest()

    def at(self, shot: Shot, seconds: float) -> Controls:
        """The controls of a frame."""
        if self.schedule is None:
            return shot.controls
        found = self.schedule.at(seconds)
        names = [*self.schedule.values, *(["style_blend"] if self.schedule.num_styles else [])]
        return shot.controls.replace(**{name: getattr(found, name) for name in names})

    def guarded(self, painting: np.ndarray, seconds: float) -> np.ndarray:
        """The painting to show: softened where it would flash."""
        return painting if self._guard is None else self._guard(painting, seconds)

    @property
    def state(self) -> dict[str, np.ndarray]:
        """All that the next frame needs, arrays by name."""
        return {f"{_GUARD}{name}": array for name, array in (self._guard.state if self._guard else {}).items()}

    def resume(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Takes what is its own from a stored state, and returns the rest."""
        own = {name.removeprefix(_GUARD): array for name, array in state.items() if name.startswith(_GUARD)}
        if self._guard is not None and own:
            self._guard.state = own
        return {name: array for name, array in state.items() if not name.startswith(_GUARD)}

    def write(self, files: VideoFiles) -> None:
        """Writes what was asked for with `--schedule_output` and `--react_figure`."""
        if files.schedule_output and self.schedule is not None:
            self.schedule.write(files.schedule_output)
        if files.react_figure and self._heard is not None:
            plot_reactions(files.react_figure, *self._heard)


def _listen(config: StylizeConfig, files: VideoFiles, source: Source) -> tuple[Sound, Schedule, Features]:
    """The sound from `--start` on, what it decides, and what is heard in it; seconds count from `--start`."""
    reactions = parse_reactions(files.react)
    if not files.audio and not source.info.sounds:
        raise ConfigError(f"'{files.content}' has no sound that react could follow; give some, as in --audio=song.mp3.")
    end = files.end or (source.info.seconds if source.info.seconds > files.start else 0.0)
    sound = read_sound(files.audio or files.content, files.start, end)
    features = analyse(sound, files.bpm)
    base = Controls(style_blend=config.style_blend, style_strength=config.style_strength, consistency=files.consistency)
    counts = {len(shot.style) for shot in source.shots}
    if len(counts) > 1 and any(each.control == "blend" for each in reactions):
        raise ConfigError(
            f"react={files.react} blends the styles of a shot, but these have {min(counts)} to {max(counts)}; give all "
            "of them the same number."
        )
    schedule = react(
        features,
        reactions,
        base,
        num_styles=max(counts),
        fps=float(source.info.rate),
        seconds=source.num_frames / float(source.info.rate) if source.info.seconds else sound.seconds,
        cuts=[shot.start - files.start for shot in source.shots if shot.start > files.start],
    )
    return sound, schedule, features


def _check(schedule: Schedule, files: VideoFiles, source: Source) -> None:
    """Raises ConfigError if the styles have no such shares, or could not follow."""
    given = f"schedule={files.schedule}" if files.schedule else f"react={files.react}"
    calmed = files.consistency or source.is_still or not schedule.values.get("consistency", np.zeros(1)).any()
    if not calmed:
        raise ConfigError(
            f"{given} sets consistency, but consistency=0 paints each frame alone; give --consistency=0.5 or so."
        )
    if not schedule.num_styles:
        return
    if len(files.style_masks) > 1:
        raise ConfigError(f"{given} blends styles, but style_masks give each its own place; leave one of them out.")
    for shot in source.shots:
        if len(shot.style) != schedule.num_styles:
            place = f"{shot.place}: " if shot.place else ""
            raise ConfigError(
                f"{place}{given} has {schedule.num_styles} shares for {len(shot.style)} styles; give one for each."
            )

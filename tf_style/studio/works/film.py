"""Films painted on this machine, by the job of `tf-style video`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tf_style.audio import read_sound
from tf_style.config import ConfigError, VideoFiles
from tf_style.jobs.film.run import Film
from tf_style.studio.works.settings import Settings
from tf_style.studio.works.work import Work
from tf_style.video import ANIMATIONS, CONTAINERS, read_info

#: What films may end in.
SUFFIXES = (*CONTAINERS, *ANIMATIONS)
_HEARD_SECONDS = 1.0  # of a sound, to see whether it can be read
_HEAD = 7  # bytes at the beginning of a file that tell a list of files from a film
_PRINTABLE = (b"RIFF", b"FORM", b"GIF8")  # beginnings of films and sounds that look like text


@dataclasses.dataclass(frozen=True)
class FilmSettings(Settings):
    """A painted film's settings; `options` are those of `StylizeConfig` and of `VideoFiles`."""

    command_name = "video"
    file_defaults = VideoFiles
    file_options = frozenset(field.name for field in dataclasses.fields(VideoFiles))

    def files(self, folder: Path, max_pixels: int, preview: Path | None = None) -> VideoFiles:
        """What to read and write, in a visitor's folder."""
        own = {name: value for name, value in self.options.items() if name in self.file_options}
        own |= {"audio": str(folder / own["audio"])} if "audio" in own else {}
        return VideoFiles(
            **self._placed_files(folder), **own, max_pixels=max_pixels, preview=str(preview or ""), quiet=True
        )

    def python(self, folder: Path) -> str:
        """The same in Python."""
        styles = self.styles[0] if len(self.styles) == 1 else list(self.styles)
        arguments = [repr(one) for one in (self.content, styles, self.output)]
        arguments += [f"{name}={value!r}" for name, value in {"preset": self.preset, **self.options}.items()]
        return "\n".join(["import tf_style", "", "tf_style.stylize_video(", *(f"    {one}," for one in arguments), ")"])


class FilmWork(Work):
    """A film painted here, as `tf-style video` paints it.

    Args:
      settings: What to paint.
      folder: Where its files lie.
      max_pixels: Films with larger pictures are refused.
    """

    def __init__(self, settings: FilmSettings, folder: Path, max_pixels: int) -> None:
        super().__init__(folder / settings.output)
        self.settings = settings
        self.asked, self.at_once = False, False  # those of an Interruption
        self._preview = folder / f".{settings.output}.jpg"
        self._files = settings.files(folder, max_pixels, self._preview)

    def stop(self) -> None:
        """Asks it to stop; what is painted so far is kept."""
        super().stop()
        self.asked = True

    def show(self, place: str, fraction: float, loss: float, losses: object, *, last: bool) -> None:
        """Shows how far it is: what a ProgressDisplay does."""
        self._show(place, fraction, lambda: self._preview.read_bytes() if self._preview.exists() else b"")

    def _paint(self) -> bool:
        film = Film(self.settings.config, self._files)
        session = film.open_session()
        complete = film.paint(session, self, self)  # type: ignore[arg-type]  # it has what these need of both
        if not (complete or film.painted):
            return False
        film.join()
        film.parts.remove()
        return complete


def check_clip(path: Path, max_pixels: int) -> None:
    """Raises VideoError or ConfigError unless a file is a film that can be painted."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"A film ends in one of {', '.join(SUFFIXES)}, but '{path.name}' was given.")
    _check_binary(path)
    info = read_info(str(path))
    if info.width * info.height > max_pixels:
        raise ConfigError(
            f"The film's pictures have {info.width * info.height} pixels, above max_pixels={max_pixels}; choose a "
            "smaller one."
        )


def check_sound(path: Path) -> None:
    """Raises AudioError or ConfigError unless a file has sound that can be read."""
    _check_binary(path)
    read_sound(path, end=_HEARD_SECONDS)


def _check_binary(path: Path) -> None:
    """Raises ConfigError for a text: a playlist could name other files."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.decode("latin-1").isprintable() and head.isascii() and not head.startswith(_PRINTABLE):
        raise ConfigError(f"'{path.name}' is a text, not a film or a song; choose another file.")

"""Files that say where the shots of a film begin, and how each is painted."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tf_style.config import ConfigError, VideoFiles
from tf_style.controls import OWN, Controls
from tf_style.images import replacing
from tf_style.jobs.run.inputs import find_styles
from tf_style.words.choice import as_flags

#: Columns that hold when a shot begins: ours, and PySceneDetect's. The first of them that a file has is read.
_STARTS = ("start", "start time (seconds)", "start timecode")
_WORDS = "text:"  # before words, in the place of a style
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)")  # 12.48, 1:12.48, 00:01:12.480


class Shot(NamedTuple):
    """A shot of a film, as it is to be painted.

    Attributes:
      start: The second of the film at which it begins.
      style: Its paintings or names.
      place: Where in the file that is said.
      controls: What is otherwise than the flags say.
      words: What words chose, for people.
    """

    start: float
    style: tuple[str, ...]
    place: str = ""
    controls: Controls = OWN
    words: str = ""


def read_shots(files: VideoFiles) -> list[Shot]:
    """The shots of `--shots=FILE` from `--start` on; without a file, one in `--style` or `--style_text`.

    Raises:
      ConfigError: The file cannot be read, a shot has no style, or words find none.
    """
    style = files.style or ((f"{_WORDS} {files.style_text}",) if files.style_text else ())
    if not files.lists_shots:
        return [_by_words(Shot(0.0, style), files)]
    path = files.shots
    found = list(_shots_in(path))
    if not found:
        raise ConfigError(f"'{path}' holds no shot; write one a line: when it begins, such as 12.48 or 00:00:12.480.")
    for before, shot in zip(found, found[1:], strict=False):
        if shot.start <= before.start:
            raise ConfigError(
                f"{shot.place}: this shot begins at {shot.start:g} s, not after the one before ({before.start:g} s); "
                "put the shots in their order."
            )
    if found[0].start > 0:
        found.insert(0, Shot(0.0, (), f"'{path}' says nothing about the film before {found[0].start:g} s"))
    later = [shot.start for shot in found[1:]]
    found = [shot for shot, end in zip(found, [*later, float("inf")], strict=True) if end > files.start]
    shots = [shot._replace(style=shot.style or style) for shot in found]
    for shot in shots:
        if not shot.style:
            raise ConfigError(
                f"{shot.place}: this shot has no style; write one behind its time, as in 12.48,painting.jpg, or give "
                "--style for all shots without one."
            )
    return [_by_words(shot, files) for shot in shots]


def write_shots(path: str, film: str, starts: Iterable[float]) -> None:
    """Writes a file that `read_shots` reads, with no style yet."""
    with replacing(Path(path)) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(
            f"# Shots of {Path(film).name}. Write paintings into the column style, or delete lines.\nstart,style\n"
        )
        csv.writer(file, lineterminator="\n").writerows((_timecode(start), "") for start in starts)


def _shots_in(path: str) -> Iterator[Shot]:
    """What stands in the file; a header says which columns there are, and what is above it does not count."""
    rows, column, styles, columns = list(_rows(path)), 0, 1, 2
    for number, (_, row) in enumerate(rows):
        names = [cell.lower() for cell in row]
        starts = [names.index(name) for name in _STARTS if name in names]
        if starts:
            column, styles = starts[0], names.index("style") if "style" in names else len(names)
            rows, columns = rows[number + 1 :], len(names)
            break
    for line, row in rows:
        place = f"'{path}', line {line}"
        text = row[column] if column < len(row) else ""
        time = _TIME.fullmatch(text)
        if time is None:
            raise ConfigError(
                f"{place}: {text!r} is not a time; write seconds, such as 12.48, or a timecode, such as 00:00:12.480, "
                "or a header with the column start."
            )
        hours, minutes, seconds = (float(part or 0) for part in time.groups())
        given = row[styles] if styles < len(row) else ""
        if given.startswith(_WORDS) and len(row) > columns:
            raise ConfigError(
                f"{place}: a comma begins a new column; put words with commas into quotes, as in "
                f'0,"{_WORDS} stormy sea, muted".'
            )
        yield Shot(3600 * hours + 60 * minutes + seconds, _style(given, Path(path).parent), place)


def _rows(path: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold something, with their numbers."""
    if not Path(path).is_file():
        raise ConfigError(
            f"shots must be auto, none, or a file that says where shots begin, but there is no file '{path}'."
        )
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True)
            for cells in reader:
                row = [cell.strip() for cell in cells]
                if any(row) and not row[0].startswith("#"):
                    yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"'{path}' cannot be read as text ({error}); give a CSV file of shots.") from None


def _by_words(shot: Shot, files: VideoFiles) -> Shot:
    """The shot, with the paintings and controls that its words choose."""
    if not shot.style or not shot.style[0].startswith(_WORDS):
        return shot
    place = f"{shot.place}: " if shot.place else ""
    try:
        choice = find_styles(shot.style[0].removeprefix(_WORDS).strip(), files.style_library, far=files.any)
    except ValueError as error:
        raise ConfigError(f"{place}{error}") from None
    said = f"{place}{choice.summary(choice.options)}; the same as {as_flags(choice.styles, choice.options)}"
    return shot._replace(style=choice.styles, controls=Controls(**choice.options), words=said)


def _style(text: str, folder: Path) -> tuple[str, ...]:
    """Paths of paintings, those beside the file first, names, or words."""
    if text.startswith(_WORDS):
        return (text,)
    parts = [text] if (folder / text).is_file() else [part.strip() for part in text.split("+")]
    return tuple(str(folder / part) if (folder / part).is_file() else part for part in parts if part)


def _timecode(seconds: float) -> str:
    minutes, rest = divmod(round(1000 * seconds), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"

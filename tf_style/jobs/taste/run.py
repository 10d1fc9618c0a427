"""Asks a person in the terminal which of two paintings is better, and keeps what was learned."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tf_style import images
from tf_style.config import ConfigError, TasteOptions
from tf_style.jobs.folder.plan import find_pictures
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.quiet import quiet_tensorflow
from tf_style.taste.log import MOST_CONTENTS
from tf_style.taste.profile import Profile, counted
from tf_style.taste.session import Session, TasteError
from tf_style.words.choice import as_flags

if TYPE_CHECKING:
    from tf_style.jobs.taste.painter import Painter

#: What a person types, and what it means; "undo" and "quit" are no answers.
KEYS = {"l": "left", "r": "right", "b": "both", "n": "neither", "s": "skip", "u": "undo", "q": "quit"}
_HELP = "l left, r right, b both, n neither, s skip, u undo, q quit; then Enter"


def run(options: TasteOptions) -> int:
    """Merges other profiles, asks, and says what was learned.

    Returns:
      The exit status: 0, also after "quit" and at the end of standard input, or 130 after an interruption. Answers are
      kept in each case.

    Raises:
      ConfigError, ImageError, LibraryError, TasteError: Before anything is asked.
    """
    if options.content:
        pair_file = options.pair or f"{Path(options.profile).with_suffix('')}-pair.png"
        images.check_output_path(pair_file)
        contents = _read_contents(options, Path(pair_file))
    elif not options.merge:
        _show(Profile.read(options.profile), options.profile)
        return 0
    session = Session.open(options.profile, options.style_library or None, options.seed)
    for other in options.merge:
        print(f"{other}: {counted(session.merge(other))} added.")
    if session.lost:
        print(f"The library does not have {', '.join(session.lost)}; choices that name one teach nothing.")
    status = 0
    if options.content:
        if session.choices >= options.choices:
            raise ConfigError(
                f"{options.profile} holds {counted(session.choices)} already; to go on, give "
                f"--choices={session.choices + 20}."
            )
        with Interruption():
            status = _converse(session, contents, pair_file, options)
    _show(session.profile(), options.profile)
    return status


def _read_contents(options: TasteOptions, pair: Path) -> list[images.Picture]:
    """The photos that take turns, at the size to paint; of many, some from the beginning to the end of the list."""
    place = Path(options.content)
    found = [place / name for name in find_pictures(place)] if place.is_dir() else [place]
    files = [file for file in found if file.resolve() != pair.resolve()]
    if not files:
        raise ConfigError(f"The pair would be written over the photo {pair}; give another file to --pair.")
    step = max(1, len(files) // MOST_CONTENTS)
    pictures = [images.read_visible(file) for file in files[::step][:MOST_CONTENTS]]
    return [images.resize(picture, images.painting_size(picture.size, options.size)) for picture in pictures]


def _converse(session: Session, contents: list[images.Picture], pair_file: str, options: TasteOptions) -> int:
    """Shows pairs and takes answers until there are enough, or the person stops."""
    painter = None
    try:
        with quiet_tensorflow():
            from tf_style.jobs.taste.painter import Painter

            painter = Painter(contents, session.space)
        print(f"Look at {pair_file} and type: {_HELP}.", flush=True)
        while session.choices < options.choices and _ask(session, painter, pair_file, options.choices):
            pass
    except KeyboardInterrupt:
        print("\nInterrupted; all answers are kept.")
        return INTERRUPTED
    finally:
        if painter is not None:
            painter.close()
    return 0


def _ask(session: Session, painter: Painter, pair_file: str, wanted: int) -> bool:
    """Shows a pair and takes one answer, or an "undo"; returns whether to go on."""
    pair = session.ask()
    images.write_image(pair_file, painter.side_by_side(pair))
    painter.paint_ahead(session.after(answer) for answer in ("left", "right"))
    print(f"{session.choices + 1} of {wanted}? ", end="", flush=True)
    line = sys.stdin.readline()
    word = line.strip().lower()
    meaning = KEYS.get(word[:1], "") if word in {*KEYS, *KEYS.values()} else ""
    if not line or meaning == "quit":
        print()
        return False
    if not meaning:
        print(f"{word!r} is no answer: {_HELP}.")
        return True
    try:
        if meaning == "undo":
            session.undo()
        else:
            session.tell(meaning)
    except TasteError as error:
        if meaning != "undo":
            raise
        print(error)
        return True
    print(f"So far: {session.profile().sentence}.", flush=True)
    return True


def _show(profile: Profile, path: str) -> None:
    """Says what a profile holds, and how to use it."""
    print(f"{path}: {profile.sentence}.")
    if profile.styles:
        print(f"--profile={path} is the same as {as_flags(profile.styles, profile.options)}")

"""Visitors of the page: each has a folder, which goes when the visitor does."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tf_style import images
from tf_style.studio.works.film import FilmWork
from tf_style.studio.works.painting import PictureWork, RequestWork
from tf_style.studio.works.tasting import PROFILE, Tasting
from tf_style.studio.works.work import Work, as_view

_REST, _FORGET = 90.0, 600.0  # seconds without a sign of a page; browsers let hidden pages give one a minute
_SWEEP = 10.0  # seconds between two looks for visitors who are gone
_MOST_NAME, _MOST_SUFFIX = 60, 8  # characters of an upload's name that are kept


class Visitor:
    """One visitor: the files in a folder, the works, and what the page showed last.

    Args:
      folder: An own folder; it is made here.
    """

    def __init__(self, folder: Path) -> None:
        self.id = secrets.token_hex(16)
        self.folder = folder / self.id
        self.folder.mkdir(parents=True, mode=0o700)
        self.photo = ""
        self.clip = ""
        #: Names of the style pictures that the visitor brought.
        self.styles: list[str] = []
        #: The paintings that are chosen, and their shares if words found them.
        self.chosen: tuple[str, ...] = ()
        self.shares: tuple[float, ...] = ()
        #: How often the visitor chose one or took one out.
        self.choices = 0
        #: What was brushed over the photo, uint8 [H, W, 4], and whether the first painting fills the rest.
        self.brushed: np.ndarray | None = None
        self.fills_rest = False
        #: How often the page has sent it.
        self.strokes = 0
        #: The works, the oldest first, and the picture and the film that are shown.
        self.works: list[Work] = []
        self.shown: PictureWork | RequestWork | None = None
        self.shown_film: FilmWork | None = None
        #: Changes with each page, or part of one, that shows the works as they grow.
        self.watched: object = None
        #: What is learned of the visitor's taste, once it is asked for.
        self.tasting: Tasting | None = None
        #: The sound that the painted film gets, and that it may follow.
        self.sound = ""
        #: When a page of the visitor asked for something, on the clock `time.monotonic`.
        self.seen = 0.0
        #: A sentence about what went wrong.
        self.notice = ""
        self._views: dict[str, bytes] = {}

    @property
    def busy(self) -> bool:
        """Whether something is being painted, or waits for it."""
        pair = self.tasting.pair if self.tasting else ()
        return any(not work.ended.is_set() for work in (*self.works, *pair))

    def choose(self, styles: tuple[str, ...], shares: tuple[float, ...] = ()) -> None:
        """Chooses these paintings, and no others."""
        self.chosen, self.shares = styles, shares

    def keep(self, upload: Path, name: str) -> str:
        """Moves an uploaded file into the folder; returns its name there: that of the upload, in plain letters."""
        letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        stem = re.sub(r"[^\w-]+", "_", letters.rpartition(".")[0])
        suffix = "." + re.sub(r"\W", "", letters.rpartition(".")[2].lower())[:_MOST_SUFFIX]
        plain = self.free_name(stem.strip("_-")[:_MOST_NAME] or "picture", suffix)
        shutil.move(upload, self.folder / plain)
        return plain

    def free_name(self, stem: str, suffix: str) -> str:
        """A name that no file of the folder has, nor a work will write."""
        taken = {PROFILE} | {path.name for path in self.folder.iterdir()} | {work.output.name for work in self.works}
        names = (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}" for number in range(1, 10_000))
        return next(name for name in names if name not in taken)

    def refused(self, name: str, error: ValueError) -> ValueError:
        """Removes a file that cannot be used; returns the error without the folder's path."""
        (self.folder / name).unlink()
        return type(error)(str(error).replace(f"{self.folder}/", ""))

    def file(self, name: str) -> Path | None:
        """The file of this name in the folder; None if there is none."""
        path = self.folder / name
        return path if path.name == name and path.is_file() and not path.is_symlink() else None

    def view(self, name: str) -> bytes | None:
        """A picture of the folder as a small JPEG file; None if there is none."""
        path = self.file(name)
        if path is not None and name not in self._views:
            self._views[name] = as_view(images.read_visible(path, min_side=1).pixels)
        return self._views.get(name) if path is not None else None


class Visitors:
    """All visitors.

    Args:
      folder: Holds their folders.
      stop: Called with the id of a visitor who is gone; ends the works, and returns when nothing is written any more.
    """

    def __init__(self, folder: Path, stop: Callable[[str], None]) -> None:
        self._folder, self._stop = folder, stop
        self._known: dict[str, Visitor] = {}
        self._lock = threading.Lock()

    def arrive(self, ident: str = "") -> Visitor:
        """The visitor of a page: a known one whose page was loaded again, or a new one."""
        with self._lock:
            visitor = self._known.get(ident) or Visitor(self._folder)
            self._known[visitor.id] = visitor
            visitor.seen = time.monotonic()
            visitor.brushed = None  # the new page does not show it
        return visitor

    def find(self, ident: str) -> Visitor | None:
        """The visitor with this id."""
        return self._known.get(ident)

    def sweep_forever(self) -> None:
        """Sweeps again and again."""
        while True:
            time.sleep(_SWEEP)
            self.sweep()

    def sweep(self) -> None:
        """Stops the works of visitors whose pages have given no sign for a while, and forgets those who are gone."""
        now = time.monotonic()
        for visitor in list(self._known.values()):
            if visitor.busy and now - visitor.seen > _REST:
                self._stop(visitor.id)
            with self._lock:
                gone = now - visitor.seen > _FORGET and self._known.pop(visitor.id)
            if gone:
                self._stop(visitor.id)
                shutil.rmtree(visitor.folder, ignore_errors=True)

"""What the page shows, as values of its parts (`page/*.js`); nothing here knows of Gradio."""

from __future__ import annotations

from typing import Any

from tf_style import images
from tf_style.studio.desk import Desk
from tf_style.studio.visitors import Visitor
from tf_style.studio.works.painting import PictureWork, RequestWork
from tf_style.studio.works.regions import COLORS
from tf_style.studio.works.tasting import PROFILE
from tf_style.studio.works.work import Work
from tf_style.words.naming import PREFIX

#: Long sides for print, and what they are.
_PRINTS = {3508: "A4 at 300 dpi", 4961: "A3 at 300 dpi", 7016: "A2 at 300 dpi"}
_MINUTES_FROM = 90  # seconds


class Views:
    """Looks at the desk for the page.

    Args:
      desk: Where to look.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def stage(self, visitor: Visitor) -> dict[str, Any]:
        """The photo and the painting that is shown."""
        work = visitor.shown
        photo = work.settings.content if work else visitor.photo
        view = {**self._progress(visitor, work), "photo": _view(visitor, photo) if photo else ""}
        view["strokes"] = visitor.strokes
        view["state"] = work.state if work else "ready" if photo else "empty"
        view["notice"] = visitor.notice or view["notice"]
        view["painting"] = self._picture_of(visitor, work) if work else ""
        view["larger"] = self._sizes(work) if work and work.written else []
        titles = [self._title(style) for style in visitor.chosen]
        view["brushes"] = [] if self._desk.options.server else list(zip(COLORS, titles, strict=False))
        return view

    def film(self, visitor: Visitor) -> dict[str, Any]:
        """The film, and the painted one."""
        work = visitor.shown_film
        view = {**self._progress(visitor, work), "clip": _file(visitor, visitor.clip) if visitor.clip else ""}
        view["state"] = work.state if work else "ready" if visitor.clip else "empty"
        view["notice"] = visitor.notice or view["notice"]
        view["sound"] = visitor.sound
        view["preview"] = "" if work is None or work.ended.is_set() else self._live(visitor, work)
        view["recipe"] = self._recipe(visitor, work) if work else None
        return view

    def taste(self, visitor: Visitor) -> dict[str, Any]:
        """The pair to compare, and what was learned."""
        tasting = visitor.tasting
        if tasting is None:
            return {"notice": visitor.notice}
        ready = all(work.written for work in tasting.pair) and bool(tasting.pair)
        failed = next((work.message for work in tasting.pair if work.state == "failed"), "")
        profile = tasting.profile
        asked = () if any(work.lost for work in tasting.pair) else tasting.pair
        left, right = [self._picture_of(visitor, work) or "-" for work in asked] or ["", ""]
        learned = f"So far: {profile.sentence}." if profile.choices else ""
        return {
            "left": left,
            "right": right,
            "ready": ready,
            "line": learned if ready or not asked else "Painting two pictures ...",
            "notice": visitor.notice or failed,
            "choices": profile.choices,
            "undo": bool(profile.choices),
            "profile": _file(visitor, PROFILE) if visitor.file(PROFILE) else "",
        }

    def gallery(self, visitor: Visitor, *, first: bool = False) -> dict[str, Any]:
        """The paintings to choose from; those that are chosen come first if asked to."""
        own = [(style, style, _view(visitor, style)) for style in reversed(visitor.styles)]
        items = own + [(style, title, library_picture(style)) for style, title in self._desk.titles.items()]
        shares = visitor.shares or (None,) * len(visitor.chosen)
        names = [
            self._title(style) + ("" if share is None else f" {share:.0%}")
            for style, share in zip(visitor.chosen, shares, strict=True)
        ]
        line = " · ".join(names) or "Choose one or several; several are mixed."
        return {"items": items, "chosen": visitor.chosen, "choices": visitor.choices, "line": line, "first": first}

    def history(self, visitor: Visitor) -> dict[str, Any]:
        """All pictures of this session, the latest first, and how the one that is shown can be made again."""
        works = [
            {
                "number": number,
                "title": " and ".join(map(self._title, work.settings.styles)),
                "line": " · ".join([*work.settings.facts(), *([work.state] if work.state != "done" else [])]),
                "view": self._picture_of(visitor, work) if work.ended.is_set() else "",
                "reusable": not self._desk.options.server,
            }
            for number, work in enumerate(visitor.works)
            if isinstance(work, PictureWork | RequestWork)
        ]
        shown = visitor.works.index(visitor.shown) if visitor.shown else -1
        recipe = self._recipe(visitor, visitor.shown) if visitor.shown else None
        return {"works": works[::-1], "shown": shown, "recipe": recipe}

    def library(self, words: str = "") -> dict[str, Any]:
        """The library's paintings, or those that are nearest to words, with what is known about them.

        Raises:
          ValueError: No word is known.
        """
        library = self._desk.library
        entries = {entry.style: entry for entry in library.entries}
        near = [one.style for one in library.search(words, _FOUND)] if words.strip() else list(entries)
        cards = [
            {
                "style": f"{PREFIX}{name}",
                "title": entries[name].title,
                "by": ", ".join(filter(None, (entries[name].artist, entries[name].year))),
                "text": next(iter(entries[name].captions), ""),
                "source": library_picture(name),
            }
            for name in near
        ]
        return {"cards": cards}

    def _progress(self, visitor: Visitor, work: Work | None) -> dict[str, Any]:
        """How far a work is, and where its result is."""
        if work is None:
            return {"line": "", "notice": "", "fraction": 0.0, "stopping": False, "download": "", "name": ""}
        return {
            "line": self._line(work),
            "notice": work.message if work.state == "failed" else "",
            "fraction": work.fraction,
            "stopping": work.stopping and not work.ended.is_set(),
            "download": _file(visitor, work.output.name) if work.written else "",
            "name": work.output.name,
            "number": visitor.works.index(work),
        }

    def _line(self, work: Work) -> str:
        if work.state == "waiting":
            before = self._desk.turns.before(work)
            return f"In line: {before} {'work comes' if before == 1 else 'works come'} first." if before else "Next."
        if work.state == "painting":
            return work.place[:1].upper() + work.place[1:] + _time_left(work) if work.place else "Preparing ..."
        if work.state == "stopped":
            return f"{work.message} What is painted so far is kept." if work.written else work.message
        return f"Painted in {work.seconds:.1f} s." if work.state == "done" else ""

    def _picture_of(self, visitor: Visitor, work: Work) -> str:
        """Where the page finds a work's picture; empty if there is none yet."""
        if work.written:
            return _view(visitor, work.output.name)
        return "" if work.ended.is_set() or work not in visitor.works else self._live(visitor, work)

    def _live(self, visitor: Visitor, work: Work) -> str:
        return f"studio/{visitor.id}/live/{visitor.works.index(work)}?{work.views}" if work.views else ""

    def _sizes(self, work: Work) -> list[tuple[int, str]]:
        """Larger sizes for a painting: twice as large, and those for print."""
        own = images.read_size(work.output) or (1, 1)
        share = min(own) / max(own)
        sizes = {2 * max(own): ""} | _PRINTS
        return [
            (size, f"{size} pixels, {text}" if text else f"{size} pixels")
            for size, text in sorted(sizes.items())
            if size > max(own) and size * size * share <= self._desk.options.max_pixels
        ]

    def _recipe(self, visitor: Visitor, work: Any) -> dict[str, Any] | None:
        """The command and the Python that make a work again, and the files that they name."""
        if work.state != "done":
            return None
        settings = work.settings
        own = [style for style in settings.styles if not style.startswith(PREFIX)]
        sound = [settings.options["audio"]] if "audio" in settings.options else []
        names = (settings.content, *own, *settings.style_masks, *sound)
        return {
            "command": settings.command(),
            "python": settings.python(visitor.folder),
            "files": [(name, _file(visitor, name)) for name in names],
        }

    def _title(self, style: str) -> str:
        return self._desk.titles.get(style, style)


_FOUND = 12  # pictures of the library that words find


def library_picture(style: str) -> str:
    """Where the page finds a picture of the library."""
    return f"studio/library/{style.removeprefix(PREFIX)}"


def _time_left(work: Work) -> str:
    left = work.seconds_left
    if left is None:
        return ""
    return f" · about {left:.0f} s left" if left < _MINUTES_FROM else f" · about {left / 60:.0f} min left"


def _view(visitor: Visitor, name: str) -> str:
    return f"studio/{visitor.id}/view/{name}"


def _file(visitor: Visitor, name: str) -> str:
    return f"studio/{visitor.id}/file/{name}"

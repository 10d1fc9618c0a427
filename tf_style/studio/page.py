"""The page: its parts, and what happens when somebody uses them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import gradio as gr

from tf_style.studio.controls import FilmControls, PictureControls
from tf_style.studio.desk import Desk
from tf_style.studio.look import part
from tf_style.studio.views import Views
from tf_style.studio.visitors import Visitor

_POLL_SECONDS = 0.25
_UPLOADS = (600, 3600)  # every so many seconds, uploads that nobody took go after so many
_REMEMBER = "(ident) => { sessionStorage.setItem('tf-style-studio', ident); }"
_RECALL = "() => [sessionStorage.getItem('tf-style-studio') || '']"
#: Waits until the desk knows all that was chosen and brushed.
_SETTLED = """async (...values) => {
  const pending = () => (window.studioPending || []).some((one) => one());
  for (let turn = 0; turn < 100 && pending(); turn += 1) await new Promise((done) => setTimeout(done, 50));
  return values;
}"""
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple"}

Shown = dict[Any, Any]  # component -> what it shows


class Page:
    """The page.

    Args:
      desk: Does what visitors ask for.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk, self._views = desk, Views(desk)
        self._local = not desk.options.server
        self._stamps = itertools.count(1)
        with gr.Blocks(
            title="tf-style studio", analytics_enabled=False, fill_width=True, delete_cache=_UPLOADS
        ) as self.blocks:
            gr.HTML('<header class="studio-head"><h1>tf-style <span>studio</span></h1></header>')
            self._ident = gr.Textbox(visible="hidden", elem_id="ident")
            self._visitor = gr.State("")
            with gr.Tabs() as self._tabs:
                with gr.Tab("Picture", id="picture"):
                    self._lay_out_pictures()
                if self._local:
                    with gr.Tab("Film"):
                        self._lay_out_films()
                with gr.Tab("Library"):
                    self._lay_out_library()
                if self._local:
                    with gr.Tab("Taste"):
                        self._taste = _made("taste", elem_id="taste")
            self._galleries = [self._gallery, *([self._film_gallery] if self._local else [])]
            self._parts = [self._stage, self._history, *self._galleries, self._library]
            self._parts += [self._film, self._taste] if self._local else []
            self._listen()
        self.blocks.queue(default_concurrency_limit=None)

    # --- the parts ----------------------------------------------------------------------------------------------------

    def _lay_out_pictures(self) -> None:
        with gr.Row(elem_classes="picture"):
            with gr.Column(elem_classes="hero"):
                self._stage = _made("stage", elem_id="stage")
            with gr.Column(elem_classes="choices"):
                self._words = gr.Textbox(
                    label="In words", placeholder="stormy sea, thick brush strokes", max_lines=1, submit_btn="Find"
                )
                self._gallery = _made("gallery", elem_id="gallery")
                self._controls = PictureControls(None if self._local else self._desk.served)
                self._picture_paint = gr.Button("Paint", variant="primary", elem_id="paint", elem_classes="paint")
            with gr.Column(elem_classes="results"):
                self._history = _made("history", elem_id="history")

    def _lay_out_films(self) -> None:
        with gr.Row(elem_classes="picture"):
            with gr.Column(elem_classes="hero"):
                self._film = _made("film", elem_id="film")
            with gr.Column(elem_classes="choices"):
                self._film_gallery = _made("gallery", elem_id="film-gallery")
                self._film_controls = FilmControls()
                self._film_paint = gr.Button(
                    "Paint the film", variant="primary", elem_id="film-paint", elem_classes="paint"
                )

    def _lay_out_library(self) -> None:
        with gr.Column(elem_classes="search-bar"):
            self._search = gr.Textbox(
                label="Search in words", placeholder="quiet garden", max_lines=1, submit_btn="Search"
            )
        self._library = _made("library", value=self._views.library(), chosen={}, elem_id="library")

    # --- what happens -------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        all_parts, controls = self._parts, self._controls.components
        arrived = self.blocks.load(self._arrive, [self._ident], [self._visitor, self._ident], js=_RECALL, **_QUIET)
        arrived.then(None, [self._ident], js=_REMEMBER, **_QUIET)
        arrived.then(self._watch, [self._visitor], all_parts, **_QUIET)
        desk, stages = self._desk, [self._stage, *([self._film] if self._local else [])]
        for event, action in (
            (self._stage.upload, lambda who, data: desk.take_photo(who, data["path"], data["name"])),
            (self._stage.input, lambda who, data: desk.brush(who, data["path"], data["rest"], data["count"])),
            *((stage.submit, lambda who, data: desk.stop(who, data["number"])) for stage in stages),
            (self._history.select, lambda who, data: desk.show(who, data["number"])),
            *((gallery.select, _choosing(desk)) for gallery in (*self._galleries, self._library)),
            *((gallery.upload, _bringing(desk)) for gallery in self._galleries),
        ):
            event(self._doing(action), [self._visitor], all_parts, **_QUIET)
        self._stage.edit(self._larger, [self._visitor], all_parts, **_QUIET)
        self._history.edit(self._reuse, [self._visitor], [*all_parts, *controls], **_QUIET)
        self._words.submit(self._find, [self._visitor, self._words], [*all_parts, *controls], **_QUIET)
        self._picture_paint.click(self._paint, [self._visitor, *controls], all_parts, js=_SETTLED, **_QUIET)
        self._search.submit(self._look_up, [self._search], [self._library], **_QUIET)
        if self._local:
            self._listen_to_films_and_taste(all_parts)

    def _listen_to_films_and_taste(self, all_parts: list[Any]) -> None:
        desk = self._desk
        for event, action in (
            (self._film.upload, lambda who, data: desk.take_clip(who, data["path"], data["name"])),
            (self._film.input, lambda who, data: desk.take_sound(who, data["path"], data["name"])),
            (self._taste.upload, lambda who, data: desk.take_profile(who, data["path"])),
        ):
            event(self._doing(action), [self._visitor], all_parts, **_QUIET)
        given = [self._visitor, *self._film_controls.components]
        self._film_paint.click(self._paint_film, given, all_parts, js=_SETTLED, **_QUIET)
        self._taste.submit(self._tell, [self._visitor], all_parts, **_QUIET)
        likes = [*all_parts, *self._controls.components, self._tabs]
        self._taste.edit(self._use_taste, [self._visitor], likes, **_QUIET)

    def _arrive(self, ident: str) -> tuple[str, str]:
        visitor = self._desk.visitors.arrive(ident)
        return visitor.id, visitor.id

    def _known(self, ident: str) -> Visitor:
        visitor = self._desk.visitors.find(ident)
        if visitor is None:
            raise gr.Error("This session has ended; load the page again.", print_exception=False)
        return visitor

    def _look(self, visitor: Visitor, *, first: bool = False) -> Shown:
        """What the page shows of a visitor's things, by its parts."""
        views, gallery = self._views, self._views.gallery(visitor, first=first)
        shown: Shown = {self._stage: views.stage(visitor), self._history: views.history(visitor)}
        shown |= {part: gallery for part in self._galleries}
        shown[self._library] = {"styles": list(visitor.chosen)}
        return shown | ({self._film: views.film(visitor), self._taste: views.taste(visitor)} if self._local else {})

    def _stamped(self, shown: Shown, stamp: int) -> Shown:
        """Views with the number of the look that they come from: a part ignores those that arrive too late."""
        stamped = {part: {**view, "stamp": stamp} for part, view in shown.items()}
        if self._library in stamped:
            stamped[self._library] = gr.update(chosen=stamped[self._library])
        return stamped

    def _do(self, visitor: Visitor, action: Callable[[], None], *, first: bool = False) -> Shown:
        """Does something, and shows what came of it, or why it cannot be done."""
        visitor.notice = ""
        try:
            action()
        except ValueError as error:
            visitor.notice = str(error)
        stamp = next(self._stamps)
        return self._stamped(self._look(visitor, first=first), stamp)

    def _doing(self, action: Callable[[Visitor, Any], None]) -> Callable[..., Shown]:
        """A listener that does something with what the event says."""

        def listener(ident: str, event: gr.EventData) -> Shown:
            visitor = self._known(ident)
            return self._do(visitor, lambda: action(visitor, event._data))

        return listener

    async def _watch(self, ident: str) -> AsyncIterator[Shown]:
        """Shows the visitor's works as they grow."""
        visitor = self._known(ident)
        visitor.watched = watched = object()
        before: Shown = {}
        while visitor.watched is watched:  # a later watch shows the same
            busy, stamp = visitor.busy, next(self._stamps)
            shown = await asyncio.to_thread(self._look, visitor)
            if changed := {part: view for part, view in shown.items() if before.get(part) != view}:
                yield self._stamped(changed, stamp)
            before = shown
            if not busy:
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _do_and_watch(self, ident: str, action: Callable[[Visitor], None]) -> AsyncIterator[Shown]:
        visitor = self._known(ident)
        yield await asyncio.to_thread(self._do, visitor, lambda: action(visitor))
        async for shown in self._watch(ident):
            yield shown

    async def _paint(self, ident: str, *values: Any) -> AsyncIterator[Shown]:
        given = self._controls.read(values)
        async for shown in self._do_and_watch(ident, lambda who: self._desk.paint(who, *given)):
            yield shown

    async def _paint_film(self, ident: str, *values: Any) -> AsyncIterator[Shown]:
        given = self._film_controls.read(values)
        async for shown in self._do_and_watch(ident, lambda who: self._desk.paint_film(who, *given)):
            yield shown

    async def _larger(self, ident: str, event: gr.EventData) -> AsyncIterator[Shown]:
        size = int(event._data["size"])
        async for shown in self._do_and_watch(ident, lambda who: self._desk.paint_larger(who, size)):
            yield shown

    async def _tell(self, ident: str, event: gr.EventData) -> AsyncIterator[Shown]:
        answer = str(event._data["answer"])
        async for shown in self._do_and_watch(ident, lambda who: self._desk.taste(who, answer)):
            yield shown

    def _use_taste(self, ident: str) -> Shown:
        visitor, found = self._known(ident), {}
        shown = self._do(visitor, lambda: found.update(self._desk.use_taste(visitor)), first=True)
        return shown | self._controls.updates(found) | {self._tabs: gr.Tabs(selected="picture")}

    def _find(self, ident: str, words: str) -> Shown:
        visitor, found = self._known(ident), {}
        shown = self._do(visitor, lambda: found.update(self._desk.find(visitor, words)), first=True)
        return shown | self._controls.updates(found)

    def _reuse(self, ident: str, event: gr.EventData) -> Shown:
        visitor = self._known(ident)
        found: list[Any] = []
        shown = self._do(visitor, lambda: found.extend(self._desk.reuse(visitor, event._data["number"])), first=True)
        return shown | self._controls.updates(found[1], found[0])

    def _look_up(self, words: str) -> Shown:
        try:
            found = self._views.library(words)
        except ValueError as error:
            found = {"cards": [], "notice": str(error)}
        return {self._library: gr.update(value=found)}


def _made(name: str, **given: Any) -> gr.HTML:
    """A part of the page from its HTML and its JavaScript."""
    options: dict[str, Any] = {"value": {}, **part(name), **given}
    return gr.HTML(**options)


def _choosing(desk: Desk) -> Callable[[Visitor, Any], None]:
    return lambda visitor, data: desk.choose(visitor, str(data["style"]), bool(data["chosen"]))


def _bringing(desk: Desk) -> Callable[[Visitor, Any], None]:
    return lambda visitor, data: desk.take_style(visitor, data["path"], data["name"])

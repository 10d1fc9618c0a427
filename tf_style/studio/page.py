"""The page: its parts, and what happens when somebody uses them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from tf_style.studio.controls import Controls
from tf_style.studio.desk import Desk
from tf_style.studio.look import part
from tf_style.studio.visitors import Visitor

_POLL_SECONDS = 0.25
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_REMEMBER = "(ident) => { sessionStorage.setItem('tf-style-studio', ident); }"
_RECALL = "() => [sessionStorage.getItem('tf-style-studio') || '']"


def make_page(desk: Desk) -> gr.Blocks:
    """Lays out the page.

    Args:
      desk: Does what visitors ask for.
    """
    with gr.Blocks(title="tf-style studio", analytics_enabled=False, fill_width=True) as page:
        gr.HTML('<header class="head"><h1>tf-style <span>studio</span></h1></header>')
        ident = gr.Textbox(visible="hidden", elem_id="ident")
        with gr.Tabs():
            with gr.Tab("Picture", id="picture"):
                _PictureTab(desk, page, ident)
    page.queue(default_concurrency_limit=None)
    return page


class _PictureTab:
    """The tab for pictures."""

    def __init__(self, desk: Desk, page: gr.Blocks, ident: gr.Textbox) -> None:
        self._desk = desk
        visitor = gr.State("")
        with gr.Row(elem_classes="picture"):
            with gr.Column(elem_classes="main"):
                stage = gr.HTML(value={}, **part("stage"), elem_id="stage")
            with gr.Column(elem_classes="panel"):
                words = gr.Textbox(
                    label="In words", placeholder="stormy sea, thick brush strokes, muted", max_lines=1, submit_btn="Find"
                )
                gallery = gr.HTML(value={}, **part("gallery"), elem_id="gallery")
                controls = Controls(desk.served if desk.options.server else None)
                paint = gr.Button("Paint", variant="primary", elem_id="paint")
            with gr.Column(elem_classes="extras"):
                history = gr.HTML(value={}, **part("history"), elem_id="history")
        self._outputs = [stage, gallery, history]
        given = [visitor, *controls.components]

        page.load(self._arrive, [ident], [visitor, ident], js=_RECALL, **_QUIET).then(
            None, [ident], js=_REMEMBER, **_QUIET
        ).then(self._watch, [visitor], self._outputs, **_QUIET)
        page.unload(self._leave)
        for listen, action in (
            (stage.upload, self._photo),
            (stage.input, self._brush),
            (stage.submit, self._stop),
            (gallery.upload, self._style),
            (gallery.select, self._choose),
            (history.select, self._show),
        ):
            listen(action, [visitor], self._outputs, **_QUIET)
        words.submit(self._find, [visitor, words], [*self._outputs, *controls.components], **_QUIET)
        stage.edit(self._larger, [visitor], self._outputs, **_QUIET)
        history.edit(self._reuse, [visitor], [*self._outputs, *controls.components], **_QUIET)
        paint.click(self._paint, given, self._outputs, **_QUIET)
        self._controls = controls

    # --- visitors ------------------------------------------------------------------------------------------------------

    def _arrive(self, ident: str, request: gr.Request) -> tuple[str, str]:
        visitor = self._desk.visitors.arrive(str(request.session_hash), ident)
        return visitor.id, visitor.id

    def _leave(self, request: gr.Request) -> None:
        self._desk.visitors.leave(str(request.session_hash))

    def _visitor(self, ident: str) -> Visitor:
        visitor = self._desk.visitors.find(ident)
        if visitor is None:
            raise gr.Error("This session has ended; load the page again.", print_exception=False)
        return visitor

    # --- what the page shows -------------------------------------------------------------------------------------------

    def _views(self, visitor: Visitor, *, first: bool = False) -> list[dict[str, Any]]:
        desk = self._desk
        return [desk.stage(visitor), desk.gallery(visitor, first=first), desk.history(visitor)]

    def _answer(self, visitor: Visitor, action: Any, *arguments: Any) -> list[dict[str, Any]]:
        """Does something, and shows what came of it, or why it cannot be done."""
        visitor.notice = ""
        try:
            action(visitor, *arguments)
        except ValueError as error:
            visitor.notice = str(error)
        return self._views(visitor)

    async def _watch(self, ident: str) -> AsyncIterator[list[Any]]:
        """Shows the visitor's works as they grow."""
        visitor = self._visitor(ident)
        visitor.watched = watched = object()
        before: list[Any] | None = None
        while True:
            busy = any(not work.ended.is_set() for work in visitor.works)
            views = await asyncio.to_thread(self._views, visitor)
            if visitor.watched is not watched:  # a later watch shows the same
                return
            if views != before:
                before = views
                yield [view if changed else gr.skip() for view, changed in zip(views, [True] * 3, strict=True)]
            if not busy:
                return
            await asyncio.sleep(_POLL_SECONDS)

    # --- what visitors do ----------------------------------------------------------------------------------------------

    def _photo(self, ident: str, event: gr.EventData) -> list[dict[str, Any]]:
        return self._answer(self._visitor(ident), self._desk.take_photo, *_upload(event))

    def _style(self, ident: str, event: gr.EventData) -> list[dict[str, Any]]:
        return self._answer(self._visitor(ident), self._desk.take_style, *_upload(event))

    def _brush(self, ident: str, event: gr.EventData) -> list[dict[str, Any]]:
        data = event._data
        return self._answer(self._visitor(ident), self._desk.brush, str(data["path"]), bool(data["rest"]))

    def _choose(self, ident: str, event: gr.EventData) -> list[dict[str, Any]]:
        return self._answer(self._visitor(ident), self._desk.choose, list(map(str, event._data["chosen"])))

    def _show(self, ident: str, event: gr.EventData) -> list[dict[str, Any]]:
        return self._answer(self._visitor(ident), self._desk.show, int(event._data["number"]))

    def _stop(self, ident: str) -> list[dict[str, Any]]:
        return self._answer(self._visitor(ident), self._desk.stop)

    def _find(self, ident: str, words: str) -> list[Any]:
        visitor = self._visitor(ident)
        visitor.notice = ""
        try:
            found = self._desk.find(visitor, words)
        except ValueError as error:
            visitor.notice, found = str(error), {}
        return [*self._views(visitor, first=bool(found or visitor.shares)), *self._controls.updates(found)]

    def _reuse(self, ident: str, event: gr.EventData) -> list[Any]:
        visitor = self._visitor(ident)
        preset, options = self._desk.reuse(visitor, int(event._data["number"]))
        return [*self._views(visitor, first=True), *self._controls.updates(options, preset, all_of_them=True)]

    async def _paint(self, ident: str, *values: Any) -> AsyncIterator[list[Any]]:
        visitor = self._visitor(ident)
        preset, options = self._controls.read(values)
        yield await asyncio.to_thread(self._answer, visitor, self._desk.paint, preset, options)
        async for views in self._watch(ident):
            yield views

    async def _larger(self, ident: str, event: gr.EventData) -> AsyncIterator[list[Any]]:
        visitor = self._visitor(ident)
        yield await asyncio.to_thread(self._answer, visitor, self._desk.paint_larger, int(event._data["size"]))
        async for views in self._watch(ident):
            yield views


def _upload(event: gr.EventData) -> tuple[str, str]:
    return str(event._data["path"]), str(event._data["name"])

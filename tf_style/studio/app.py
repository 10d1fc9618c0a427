"""The studio's web application: Gradio's page, routes for pictures, and a guard before both."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
import time
import webbrowser
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tf_style.config import ConfigError, StudioOptions
from tf_style.jobs.run.interruption import Interruption
from tf_style.serving.client import Client
from tf_style.serving.client.errors import ServerError
from tf_style.words.naming import PREFIX, LibraryError, picture_file

#: What the page may load: what comes from here, and what it makes itself. Gradio makes functions from text.
_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'self'"
)
_CHANGES = {"Cache-Control": "no-cache"}
_HEADERS = [(b"content-security-policy", _POLICY.encode()), (b"referrer-policy", b"no-referrer")]


def serve(options: StudioOptions, say: Callable[[str], None]) -> int:
    """Serves the page until Ctrl-C or SIGTERM.

    Args:
      options: The command's.
      say: Prints a line.

    Returns:
      The exit status.

    Raises:
      ConfigError: The port is taken, or the model server does not answer.
    """
    import uvicorn

    listener = _listen(options)
    served = _ask(options.server) if options.server else ()
    with listener, tempfile.TemporaryDirectory(prefix="tf_style_studio_") as folder:
        app, desk = make_app(options, Path(folder), served)
        if not options.server:
            desk.warm_up(Path(folder))
        threading.Thread(target=desk.visitors.sweep_forever, daemon=True).start()
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        say(f"The studio is at http://{shown}:{port} (Ctrl-C stops it).")
        if options.open:
            threading.Timer(1.0, webbrowser.open, (f"http://{shown}:{port}",)).start()
        settings = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1, ws="none")
        with contextlib.suppress(KeyboardInterrupt), Interruption():  # uvicorn heeds signals, then raises them again
            uvicorn.Server(settings).run(sockets=[listener])
        desk.turns.close()
    return 0


def make_app(options: StudioOptions, folder: Path, served: tuple[str, ...] = ()) -> tuple[Any, Any]:
    """The web application, and its desk. It sets Gradio's variables of this process.

    Args:
      options: The command's.
      folder: All files of the studio lie here.
      served: The options that the model server takes.
    """
    uploads = folder / "uploads"
    uploads.mkdir()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    import gradio
    from fastapi import FastAPI

    from tf_style.studio.desk import Desk
    from tf_style.studio.look import page_css, theme
    from tf_style.studio.page import Page

    desk = Desk(options, folder / "visitors", uploads, served)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _add_pictures(app, desk)
    user, _, password = options.auth.partition(":")
    gradio.mount_gradio_app(
        app,
        Page(desk).blocks,
        path="/",
        auth=(user, password) if options.auth else None,
        allowed_paths=[],
        max_file_size=options.max_megabytes * 1_000_000,
        show_error=False,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme(),
        css=page_css(),
    )
    return Guard(app), desk


class Guard:
    """Refuses requests for files outside the uploads and for addresses elsewhere, and says what the page may load."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answers a request."""
        if scope["type"] == "http" and _leaves(scope["path"]):
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"Not allowed."})
            return

        async def with_headers(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        await self._app(scope, receive, with_headers)


def _leaves(path: str) -> bool:
    """Whether a path asks Gradio for something elsewhere: a URL to fetch, or the like."""
    asked = unquote(path)
    return "file=http" in asked.lower() or "/proxy=" in asked or "://" in asked


def _add_pictures(app: Any, desk: Any) -> None:
    """Routes for the library and for visitors' own pictures; a visitor's id is a secret of 128 bits."""
    from fastapi import HTTPException
    from fastapi.responses import FileResponse, Response

    @app.get("/studio/library/{name}")
    def library(name: str) -> Any:
        try:
            return FileResponse(picture_file(PREFIX + name), headers={"Cache-Control": "max-age=86400"})
        except LibraryError:
            raise HTTPException(404) from None

    @app.get("/studio/alive/{ident}")
    def alive(ident: str) -> dict[str, bool]:
        visitor = desk.visitors.find(ident)
        if visitor is not None:
            visitor.seen = time.monotonic()
        return {"known": visitor is not None}

    @app.get("/studio/{ident}/{kind}/{name}")
    def own(ident: str, kind: str, name: str) -> Any:
        visitor = desk.visitors.find(ident)
        if visitor is not None and kind == "live" and name.isdecimal() and int(name) < len(visitor.works):
            return Response(visitor.works[int(name)].view, media_type="image/jpeg", headers=_CHANGES)
        path = visitor.file(name) if visitor is not None else None
        if path is not None and kind == "view":
            with contextlib.suppress(ValueError):  # it is no picture
                return Response(visitor.view(name), media_type="image/jpeg", headers=_CHANGES)
        if path is not None and kind == "file":
            return FileResponse(path, filename=name)
        raise HTTPException(404)


def _listen(options: StudioOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except OSError as error:
        raise ConfigError(
            f"--host={options.host} --port={options.port} cannot be used ({error.strerror}); choose another port, or "
            "--port=0 for a free one."
        ) from None
    return listener


def _ask(server: str) -> tuple[str, ...]:
    """The options that the model on a server takes, and "steps" if it can paint step by step.

    Raises:
      ConfigError: It does not answer.
    """
    try:
        with Client(server, deadline=10.0) as client:
            signatures = client.metadata()
    except ServerError as error:
        raise ConfigError(str(error)) from None
    inputs = {name for taken in signatures.values() for name in taken.get("inputs", {})}
    return (*inputs, *(["steps"] if "advance" in signatures else []))

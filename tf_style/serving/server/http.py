"""The HTTP port: the REST API and the page of metrics, as a Starlette application on uvicorn."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gzip
import socket
import threading
import zlib
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tf_style.serving.server.metrics import Metrics
from tf_style.serving.server.rest import API_PATH, Answer, RestApi, error_answer
from tf_style.serving.wire.status import invalid

#: Where the metrics are unless the configuration says otherwise.
METRICS_PATH = "/monitoring/prometheus/metrics"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_CORS = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["POST", "GET"], allow_headers=["Content-Type"])


class HttpOptions(NamedTuple):
    """How many requests run at once, whether pages of other origins may ask, and where the metrics are (None: no)."""

    threads: int
    cors: bool = False
    metrics_path: str | None = None


class HttpServer:
    """Listens as soon as it is made, and answers once `start` is called.

    Args:
      address: Host and port; port 0 takes a free one.
      api: Answers below /v1/.
      metrics: For the page of metrics.
      options: See HttpOptions.

    Raises:
      OSError: The address is not available.
    """

    def __init__(self, address: tuple[str, int], api: RestApi, metrics: Metrics, options: HttpOptions) -> None:
        self._api, self._metrics = api, metrics
        self._pool = concurrent.futures.ThreadPoolExecutor(options.threads, "rest")
        routes = [Route("/{path:path}", self._respond, methods=_METHODS)]
        if options.metrics_path is not None:
            routes.insert(0, Route(options.metrics_path, self._respond_metrics))
        app = Starlette(routes=routes, middleware=[_CORS] if options.cors else [])
        config = uvicorn.Config(app, lifespan="off", log_config=None, log_level="critical", server_header=False)
        self._server = uvicorn.Server(config)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.create_server(address, family=family, backlog=128)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="http", daemon=True)
        #: The port it listens on.
        self.port: int = self._socket.getsockname()[1]

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self, grace_seconds: float) -> bool:
        """Takes no more requests and waits for those that run.

        Returns:
          Whether all of them were answered in time.
        """
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(grace_seconds)
        self._socket.close()
        return not self._thread.is_alive()

    async def _respond(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        if not API_PATH.fullmatch(path):
            return PlainTextResponse("Not Found", 404)
        body = await request.body()
        is_gzip = request.headers.get("Content-Encoding", "").lower() == "gzip"
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._pool, self._answer, request.method, path, body, is_gzip)
        return Response(answer.body, answer.status, media_type="application/json")

    def _answer(self, method: str, path: str, body: bytes, is_gzip: bool) -> Answer:
        try:
            body = gzip.decompress(body) if is_gzip else body
        except (OSError, EOFError, zlib.error):
            return error_answer(invalid("The body is not gzip, as Content-Encoding says."))
        return self._api.answer(method, path, body)

    async def _respond_metrics(self, request: Request) -> Response:
        return PlainTextResponse(self._metrics.page())

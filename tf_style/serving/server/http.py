"""The HTTP door: the REST API and the page of metrics on the standard library's server."""

from __future__ import annotations

import gzip
import http.server
import socket
import threading
import urllib.parse
import zlib
from typing import NamedTuple

from tf_style.serving.server.metrics import Metrics
from tf_style.serving.server.rest import API_PATH, Answer, RestApi, error_answer
from tf_style.serving.wire.status import ServingError, invalid

#: Where the metrics are unless the configuration says otherwise.
METRICS_PATH = "/monitoring/prometheus/metrics"
_NOT_FOUND = b"<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n</BODY></HTML>\n"
_CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
_MAX_BODY = 2**31 - 1  # as of a gRPC message
_JSON, _TEXT, _HTML = "application/json", "text/plain", "text/html"


class HttpOptions(NamedTuple):
    """How the door is kept."""

    threads: int
    cors: bool = False
    metrics_path: str | None = None  # None: no metrics


class HttpServer:
    """Listens as soon as it is made, answers once `start` is called.

    Args:
      address: Host and port; port 0 takes a free one.
      api: Answers below /v1/.
      metrics: For the page of metrics.
      options: How.

    Raises:
      OSError: The address is not available.
    """

    def __init__(self, address: tuple[str, int], api: RestApi, metrics: Metrics, options: HttpOptions) -> None:
        self._server = _Server(address, api, metrics, options)
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)
        #: The port it listens to.
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self, grace_seconds: float) -> bool:
        """Takes no more requests and waits for those that run.

        Returns:
          Whether all of them were answered in time.
        """
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        return self._server.wait_until_idle(grace_seconds)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], api: RestApi, metrics: Metrics, options: HttpOptions) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)
        self._api, self._metrics, self.options = api, metrics, options
        self._slots = threading.Semaphore(options.threads)
        self._running, self._changed = 0, threading.Condition()

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        with self._changed:
            self._running += 1
        try:
            with self._slots:
                return self._api.answer(method, path, body)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def metrics_page(self) -> bytes:
        return self._metrics.page().encode()

    def wait_until_idle(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout=seconds)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "tf-style"
    disable_nagle_algorithm = True  # or a client that delays its acknowledgements waits for them
    sys_version = ""
    server: _Server

    def _handle(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("http://"):
            path = urllib.parse.urlsplit(path).path
        try:
            body = self._body()
        except ServingError as error:
            self.close_connection = True
            answer = error_answer(error)
            self._send(answer.status, _JSON, answer.body)
            return
        options = self.server.options
        if options.metrics_path is not None and path == options.metrics_path:
            self._send(200, _TEXT, self.server.metrics_page())
        elif not API_PATH.fullmatch(path):
            self._send(404, _HTML, _NOT_FOUND)
        elif options.cors and self.command == "OPTIONS":
            allowed = self.headers.get("Origin", "").startswith(("http://", "https://"))
            self._send(200 if allowed else 400, _JSON, b"")
        else:
            self._send(*self._answer(path, body))

    def _answer(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        answer = self.server.answer(self.command, path, body)
        return answer.status, _JSON, answer.body

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = _handle  # noqa: N815

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = self._chunks()
        else:
            length = self.headers.get("Content-Length", "0")
            if not length.isascii() or not length.isdigit():
                raise invalid("Content-Length must be a whole number.")
            if int(length) > _MAX_BODY:
                raise invalid(f"The body has {length} bytes, but at most {_MAX_BODY} are read.")
            body = self.rfile.read(int(length))
        if self.headers.get("Content-Encoding", "").lower() == "gzip":
            try:
                return gzip.decompress(body)
            except (OSError, EOFError, zlib.error):
                raise invalid("The body is not gzip, as Content-Encoding says.") from None
        return body

    def _chunks(self) -> bytes:
        parts = []
        while True:
            try:
                length = int(self.rfile.readline(64).split(b";")[0], 16)
            except ValueError:
                raise invalid("The chunks of the body are malformed.") from None
            parts.append(self.rfile.read(max(length, 0)))
            self.rfile.readline(8)
            if length <= 0:
                return b"".join(parts)

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status, "Client Closed Request" if status == 499 else None)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.server.options.cors:
            for name, value in _CORS_HEADERS.items():
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is logged; metrics count."""

"""The REST client of a model server, for encoded pictures, where gRPC is blocked."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_style.config import DEFAULT_MODEL_NAME, ConfigError
from tf_style.serving.client.arguments import check_version
from tf_style.serving.client.certificates import Certificates
from tf_style.serving.client.errors import RETRY_PAUSES, ServerError, with_retries

# HTTP status -> the gRPC code that TensorFlow Serving's REST port stands for with it.
_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class RestClient:
    """Asks a model server for paintings over HTTP, with a new connection for each call.

    REST needs every input of a signature, so this client uses the one with the fewest. The model's own options hold.

    Args:
      server: `host:port` of the server's REST port (8501 by default), or an http:// or https:// address.
      model_name: The model's name on the server.
      model_version: Default: the latest one.
      version_label: Instead of a version, a label from the server's configuration, such as "stable".
      deadline: Seconds; None: no limit here, but the server has its own (30 s by default).
      tls: Certificates for https://, which is then the default.

    All methods raise ServerError. While the server is unavailable, a call is repeated for up to two seconds.

    Example:
      RestClient("localhost:8501").stylize_bytes(content_jpeg, style_jpeg)
    """

    def __init__(
        self,
        server: str,
        model_name: str = DEFAULT_MODEL_NAME,
        *,
        model_version: int | None = None,
        version_label: str = "",
        deadline: float | None = None,
        tls: Certificates | None = None,
    ) -> None:
        check_version(model_version, version_label)
        base = server if "://" in server else f"{'http' if tls is None else 'https'}://{server}"
        self._server, self._deadline = server, deadline
        self._url = f"{base.rstrip('/')}/v1/models/{urllib.parse.quote(model_name, safe='')}"
        if model_version is not None:
            self._url += f"/versions/{model_version}"
        elif version_label:
            self._url += f"/labels/{urllib.parse.quote(version_label, safe='')}"
        self._context = None if tls is None else _context(tls)

    def close(self) -> None:
        """Does nothing, because no connection stays open; `Client` has this method too."""

    def predict(self, signature: str, inputs: Mapping[str, Any]) -> Any:
        """Runs any signature of the model, in REST's column format.

        Args:
          signature: Its name.
          inputs: All inputs of the signature by name: arrays, lists or numbers, and bytes for strings.

        Returns:
          The outputs by name, or the only output itself: lists and numbers, and bytes where the server marks them.

        Raises:
          ServerError: The server refused, or cannot be reached.

        Example:
          client.predict("stylize_bytes", {"content_bytes": [jpeg], "style_bytes": [jpeg]})
        """
        columns = {name: _to_json(value) for name, value in inputs.items()}
        body = json.dumps({"signature_name": signature, "inputs": columns}).encode()
        answer = with_retries(lambda left: self._post(body, left), self._deadline, RETRY_PAUSES)
        if "outputs" not in answer:
            raise ServerError(self._server, "DATA_LOSS", "the answer has no outputs")
        return _from_json(answer["outputs"])

    def stylize_bytes(self, content: bytes, style: bytes | str) -> bytes:
        """Paints an encoded picture. The server decodes it, and paints at the size it was exported for.

        Args:
          content: A whole JPEG, PNG, WebP, GIF or BMP file.
          style: The same; for a model of named styles, a name.

        Returns:
          A PNG file.

        Raises:
          ServerError: The server refused, or cannot be reached.

        Example:
          Path("painting.png").write_bytes(client.stylize_bytes(content_jpeg, style_jpeg))
        """
        style = style.encode() if isinstance(style, str) else style
        outputs = self.predict("stylize_bytes", {"content_bytes": [content], "style_bytes": [style]})
        images = outputs.get("image_bytes") if isinstance(outputs, dict) else outputs
        if not (isinstance(images, list) and len(images) == 1 and isinstance(images[0], bytes)):
            raise ServerError(self._server, "DATA_LOSS", "the answer holds no picture")
        return images[0]

    def _post(self, body: bytes, timeout: float | None) -> dict[str, Any]:
        request = urllib.request.Request(f"{self._url}:predict", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=self._context) as response:
                answer = json.loads(response.read())
        except urllib.error.HTTPError as error:
            code = _CODES.get(error.code, "INTERNAL" if error.code >= 500 else "UNKNOWN")
            raise ServerError(self._server, code, f"HTTP {error.code}: {_error_text(error)}") from None
        except urllib.error.URLError as error:
            raise ServerError(self._server, *_network(error.reason)) from None
        except OSError as error:
            raise ServerError(self._server, *_network(error)) from None
        except http.client.HTTPException as error:
            raise ServerError(self._server, "UNAVAILABLE", f"not an HTTP answer, {type(error).__name__}") from None
        except ValueError as error:
            raise ServerError(self._server, "DATA_LOSS", f"the answer is not JSON: {error}") from None
        return answer if isinstance(answer, dict) else {}


def _context(tls: Certificates) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca_file or None)
        if tls.cert_file:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except ssl.SSLError as error:
        raise ConfigError(f"The certificates cannot be used ({error}); give files in PEM format.") from None
    return context


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    return np.asarray(value).tolist()


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"b64"}:
            return base64.b64decode(value["b64"])
        return {name: _from_json(item) for name, item in value.items()}
    return value


def _error_text(error: urllib.error.HTTPError) -> str:
    """The server's text, which is JSON only from a model server."""
    text = error.read().decode(errors="replace")
    try:
        found = json.loads(text)
    except ValueError:
        return text or str(error.reason)
    return str(found["error"]) if isinstance(found, dict) and "error" in found else text


def _network(reason: Any) -> tuple[str, str]:
    if isinstance(reason, (TimeoutError, socket.timeout)):
        return "DEADLINE_EXCEEDED", str(reason)
    return "UNAVAILABLE", str(reason) or type(reason).__name__

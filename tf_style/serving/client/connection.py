"""One gRPC channel to a model server: TLS, message sizes, deadlines, retries, errors."""

from __future__ import annotations

from typing import Any

import grpc

from tf_style.serving.client.certificates import Certificates
from tf_style.serving.client.errors import RETRY_PAUSES, ServerError, with_retries
from tf_style.serving.wire.messages import ANSWERS

_CHANNEL_OPTIONS = (
    # A picture of 1024 x 1024 pixels in TensorFlow Serving's answer has 4.7 MB, above gRPC's limit; -1: no limit.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),  # ours are bounded by the deadline
    ("grpc.initial_reconnect_backoff_ms", 100),  # else gRPC itself does not look again within the first second
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class Connection:
    """A channel that the first call opens. Safe to use from several threads.

    Args:
      server: `host:port`, or another target that gRPC knows.
      tls: Certificates for TLS; None: no TLS.
    """

    def __init__(self, server: str, tls: Certificates | None = None) -> None:
        self.server = server
        if tls is None:
            self._channel = grpc.insecure_channel(server, _CHANNEL_OPTIONS)
        else:
            credentials = grpc.ssl_channel_credentials(tls.read("ca_file"), tls.read("key_file"), tls.read("cert_file"))
            self._channel = grpc.secure_channel(server, credentials, _CHANNEL_OPTIONS)
        self._methods: dict[str, Any] = {}
        self._answered = False

    def call(self, method: str, request: Any, deadline: float | None) -> Any:
        """Sends a request and waits for the answer.

        Args:
          method: The method's path, a key of `messages.ANSWERS`.
          request: A message.
          deadline: Seconds to wait, retries included; None: no limit.

        Raises:
          ServerError: No answer came, or it is an error.
        """
        if method not in self._methods:
            self._methods[method] = self._channel.unary_unary(
                method,
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=ANSWERS[method].FromString,
            )

        def once(left: float | None) -> Any:
            try:
                return self._methods[method](request, timeout=left)
            except grpc.RpcError as error:
                raise ServerError(self.server, error.code().name, error.details() or "") from None

        answer = with_retries(once, deadline, () if self._answered else RETRY_PAUSES)
        self._answered = True
        return answer

    def close(self) -> None:
        """Closes the channel. Running calls end with CANCELLED."""
        self._channel.close()

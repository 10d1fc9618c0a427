"""Explains a server's refusal in one sentence: which server, what it answered, and what to do about it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

from tf_style.images.picture import one_line

Answer = TypeVar("Answer")

#: Seconds before each retry while a server is unavailable and has not answered yet.
RETRY_PAUSES = (0.2, 0.4, 0.8)

_DETAILS_LENGTH = 600  # characters of the server's text to show
_SHORTEST_DEADLINE = 1e-3  # seconds; servers read 0 as no deadline

# (status code or "" for any, part of the server's text in lower case, what to do); the first match counts.
_ADVICE = (
    ("", "serving signature", "the model has no such signature: is it an export of tf-style?"),
    ("RESOURCE_EXHAUSTED", "larger than max", "raise the limit of message sizes there, or send smaller pictures"),
    ("RESOURCE_EXHAUSTED", "", "the server is overloaded: try again later"),
    ("UNAVAILABLE", "handshake", "client and server disagree about TLS: check the certificates, and if TLS is wanted"),
    ("UNAVAILABLE", "ssl", "client and server disagree about TLS: check the certificates, and if TLS is wanted"),
    ("UNAVAILABLE", "socket closed", "check whether the server is still running, and whether it wants TLS"),
    (
        "UNAVAILABLE",
        "",
        "check the address and that the server is running (by default, gRPC uses port 8500 and REST 8501)",
    ),
    ("NOT_FOUND", "", "check the model's name and version"),
    ("UNIMPLEMENTED", "", "is this the port of a model server?"),
    ("DEADLINE_EXCEEDED", "", "allow more time, or ask for less: a smaller picture or fewer steps"),
    ("INVALID_ARGUMENT", "", "change the request accordingly"),
    ("FAILED_PRECONDITION", "", "is the model an export of tf-style?"),
    ("UNAUTHENTICATED", "", "the server wants other credentials, perhaps a client certificate"),
    ("PERMISSION_DENIED", "", "the server wants other credentials, perhaps a client certificate"),
    ("CANCELLED", "", "ask again if you did not want that"),
    ("DATA_LOSS", "", "is it a model server, and the model an export of tf-style?"),
    ("", "", "the server's log may say more"),
)

_PLACES = re.compile(r"\s*\[\[\{\{.*?\}\}\]\]", re.DOTALL)  # where in the graph a run failed: of no use to people
_UNREACHABLE = ("failed to connect", "resol", "lookup", "not known", "handshake", "ssl", "connection refused")


class ServerError(RuntimeError):
    """A server answered with an error, or not at all. The message is one sentence on one line.

    Args:
      server: Its address.
      code: gRPC's name of the status code, such as "NOT_FOUND". HTTP codes are translated.
      details: The server's text, or the connection's.

    Attributes: `server`, `code` and `details`, as given.
    """

    def __init__(self, server: str, code: str, details: str) -> None:
        self.server, self.code, self.details = server, code, details
        text = details.lower()
        advice = next(advice for wanted, part, advice in _ADVICE if wanted in ("", code) and part in text)
        reached = not (code == "UNAVAILABLE" and any(part in text for part in _UNREACHABLE))
        happened = f"{server} answered {code}" if reached else f"{server} cannot be reached, {code}"
        if code == "DEADLINE_EXCEEDED":
            happened = f"{server} did not answer in time, {code}"
        printable = "".join(letter if letter.isprintable() else " " for letter in _PLACES.sub("", details))
        shown = one_line(printable, _DETAILS_LENGTH).rstrip(".")
        end = "" if advice.endswith("?") else "."
        super().__init__(f"{happened}{f' ({shown})' if shown else ''}; {advice}{end}")


def with_retries(call: Callable[[float | None], Answer], deadline: float | None, pauses: tuple[float, ...]) -> Answer:
    """Calls, and calls again after UNAVAILABLE.

    Args:
      call: Called with the seconds left, or None without a deadline.
      deadline: Seconds for everything, pauses included.
      pauses: Seconds before the second call, the third, and so on: one per retry.

    Raises:
      ServerError: The last error, or the first with another code than UNAVAILABLE.
    """
    end = None if deadline is None else time.monotonic() + deadline
    for pause in pauses:
        try:
            return call(_left(end))
        except ServerError as error:
            if error.code != "UNAVAILABLE" or (end is not None and time.monotonic() + pause >= end):
                raise
        time.sleep(pause)
    return call(_left(end))


def _left(end: float | None) -> float | None:
    return None if end is None else max(end - time.monotonic(), _SHORTEST_DEADLINE)

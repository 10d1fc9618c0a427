"""Status codes, and the error that carries one."""

from __future__ import annotations

import enum

#: TensorFlow Serving cuts longer texts in gRPC answers.
_MAX_GRPC_TEXT = 1024


class Code(enum.IntEnum):
    """Status codes of gRPC and of TensorFlow."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class ServingError(Exception):
    """A request, a load or a run that failed.

    Args:
      code: The canonical status code.
      message: The text for the client.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = Code(code)
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"

    @property
    def grpc_text(self) -> str:
        """The message, cut to the length TensorFlow Serving sends over gRPC."""
        if len(self.message) <= _MAX_GRPC_TEXT:
            return self.message
        return self.message[:_MAX_GRPC_TEXT] + "...TRUNCATED"


def invalid(message: str) -> ServingError:
    """An INVALID_ARGUMENT error."""
    return ServingError(Code.INVALID_ARGUMENT, message)

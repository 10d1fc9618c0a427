"""JSON as TensorFlow Serving's parser (RapidJSON) reads and writes it: its errors with their offsets, its layout."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

from tf_style.serving.wire.status import ServingError, invalid

_SPACE, _DIGITS = re.compile(rb"[ \t\r\n]*"), re.compile(rb"\d+")
_NUMBER_START = re.compile(rb"-?(0|[1-9]\d*)")
_SPECIAL = re.compile(rb"-?(NaN|Infinity|Inf)")
_PLAIN_TEXT = re.compile(rb'[^"\\\x00-\x1f]*')
_HEX = re.compile(rb"[0-9a-fA-F]{4}")
_ESCAPES = {ord(key): text for key, text in zip('"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True)}
_WORDS = {ord("t"): (b"true", True), ord("f"): (b"false", False), ord("n"): (b"null", None)}
_MAX_FLOAT32 = float(np.finfo(np.float32).max)
_ENCODING = ("utf-8", "surrogateescape")  # bytes that are not UTF-8 pass through strings unchanged


def parse_json(body: bytes) -> Any:
    """The value of a JSON text; NaN, Inf and Infinity are numbers, and of equal names the first counts.

    Raises:
      ServingError: It is not JSON, in RapidJSON's words.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    text = body.removeprefix(b"\xef\xbb\xbf")
    try:
        value = json.loads(text.decode(*_ENCODING), object_pairs_hook=_first_wins)
    except RecursionError:
        raise invalid("JSON Parse error: Lists and objects are nested too deeply.") from None
    except ValueError:
        try:
            return _Scanner(text).document()
        except RecursionError:
            raise invalid("JSON Parse error: Lists and objects are nested too deeply.") from None
    return value


def to_bytes(text: str) -> bytes:
    """The bytes of a string out of `parse_json`; lone surrogates become question marks."""
    try:
        return text.encode(*_ENCODING)
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def to_text(data: bytes) -> str:
    """Bytes as a string that `quote` turns into the same bytes."""
    return data.decode(*_ENCODING)


def quote(text: str) -> str:
    """A JSON string."""
    return json.dumps(text, ensure_ascii=False)


def encode(text: str) -> bytes:
    """A finished JSON text as bytes."""
    return text.encode(*_ENCODING)


def describe(value: Any) -> str:
    """A value as error messages show it."""
    if isinstance(value, float):
        return decimal(np.float32(value) if abs(value) <= _MAX_FLOAT32 else np.float64(value))
    return json.dumps(value, indent=4, ensure_ascii=False)


def decimal(value: np.floating) -> str:
    """A float as TensorFlow Serving writes it: the shortest of 6 or all digits, whole numbers with `.0`."""
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    text = f"{number:g}"
    if type(value)(float(text)) != value:
        text = f"{number:.9g}" if isinstance(value, np.float32) else f"{number:.17g}"
    return text if "." in text or "e" in text else f"{text}.0"


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs)) if len({name for name, _ in pairs}) < len(pairs) else dict(pairs)


class _Scanner:
    """Reads again, slowly, what Python's parser refused: to name the error and its place, or for an `Inf`."""

    def __init__(self, text: bytes) -> None:
        self._text, self._at = text, 0

    def document(self) -> Any:
        self._skip_space()
        if self._at == len(self._text):
            raise self._error("The document is empty.")
        value = self._value()
        self._skip_space()
        if self._at < len(self._text):
            raise self._error("The document root must not be followed by other values.")
        return value

    def _error(self, what: str, at: int | None = None) -> ServingError:
        return invalid(f"JSON Parse error: {what} at offset: {self._at if at is None else at}")

    def _skip_space(self) -> None:
        self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]

    def _peek(self) -> int:
        return self._text[self._at] if self._at < len(self._text) else 0

    def _take(self, byte: bytes) -> bool:
        taken = self._text[self._at : self._at + 1] == byte
        self._at += taken
        return taken

    def _value(self) -> Any:
        first = self._peek()
        if first == ord("{"):
            return self._object()
        if first == ord("["):
            return self._array()
        if first == ord('"'):
            return self._string()
        if first in _WORDS:
            word, value = _WORDS[first]
            for letter in word:
                if not self._take(bytes([letter])):
                    raise self._error("Invalid value.")
            return value
        return self._number()

    def _object(self) -> dict[str, Any]:
        self._at += 1
        pairs: list[tuple[str, Any]] = []
        self._skip_space()
        if self._take(b"}"):
            return {}
        while True:
            if self._peek() != ord('"'):
                raise self._error("Missing a name for object member.")
            name = self._string()
            self._skip_space()
            if not self._take(b":"):
                raise self._error("Missing a colon after a name of object member.")
            self._skip_space()
            pairs.append((name, self._value()))
            self._skip_space()
            if self._take(b"}"):
                return _first_wins(pairs)
            if not self._take(b","):
                raise self._error("Missing a comma or } after an object member.")
            self._skip_space()

    def _array(self) -> list[Any]:
        self._at += 1
        values: list[Any] = []
        self._skip_space()
        if self._take(b"]"):
            return values
        while True:
            values.append(self._value())
            self._skip_space()
            if self._take(b"]"):
                return values
            if not self._take(b","):
                raise self._error("Missing a comma or ] after an array element.")
            self._skip_space()

    def _string(self) -> str:
        self._at += 1
        parts: list[str] = []
        while True:
            plain = _PLAIN_TEXT.match(self._text, self._at)
            assert plain is not None  # it matches nothing at all, too
            parts.append(plain.group().decode(*_ENCODING))
            self._at = plain.end()
            if self._take(b'"'):
                return "".join(parts)
            if not self._take(b"\\"):
                end = self._peek() == 0
                raise self._error(
                    "Missing a closing quotation mark in string." if end else "Invalid encoding in string."
                )
            parts.append(self._escape())

    def _escape(self) -> str:
        start, kind = self._at - 1, self._peek()
        self._at += 1
        if kind in _ESCAPES:
            return _ESCAPES[kind]
        if kind != ord("u"):
            raise self._error("Invalid escape character in string.", start)
        code = self._hex(start)
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code)
        if code <= 0xDBFF and self._take(b"\\") and self._take(b"u"):
            low = self._hex(start)
            if 0xDC00 <= low <= 0xDFFF:
                return chr(0x10000 + (code - 0xD800 << 10) + low - 0xDC00)
        raise self._error("The surrogate pair in string is invalid.", start)

    def _hex(self, start: int) -> int:
        digits = _HEX.match(self._text, self._at)
        if digits is None:
            raise self._error("Incorrect hex digit after \\u escape in string.", start)
        self._at = digits.end()
        return int(digits.group(), 16)

    def _number(self) -> int | float:
        special = _SPECIAL.match(self._text, self._at)
        if special:
            self._at = special.end()
            return float(special.group())
        start, whole = self._at, _NUMBER_START.match(self._text, self._at)
        if whole is None:
            self._take(b"-")
            raise self._error("Invalid value.")
        self._at = whole.end()
        is_whole = True
        if self._take(b"."):
            is_whole = False
            self._some_digits("Miss fraction part in number.")
        if self._take(b"e") or self._take(b"E"):
            is_whole = False
            if not self._take(b"+"):
                self._take(b"-")
            self._some_digits("Miss exponent in number.")
        text = self._text[start : self._at]
        return int(text) if is_whole else float(text)

    def _some_digits(self, missing: str) -> None:
        digits = _DIGITS.match(self._text, self._at)
        if digits is None:
            raise self._error(missing)
        self._at = digits.end()

"""Pairs, what a person said of them, and their form in a file."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from tf_style.taste import file
from tf_style.taste.file import TasteError
from tf_style.taste.space import Candidate

#: What a person may say of a pair.
ANSWERS = ("left", "right", "both", "neither", "skip")
#: How many photos take turns.
MOST_CONTENTS = 4


class Pair(NamedTuple):
    """Two ways to paint, and what to paint in them.

    Attributes:
      left: The first.
      right: The second.
      content: Which of `MOST_CONTENTS` photos, from 0; of fewer, take the remainder.
      kind: "random"; "best": the likely best and a challenger; "surprise": and a random one; "repeat": asked before.
    """

    left: Candidate
    right: Candidate
    content: int
    kind: str


class Choice(NamedTuple):
    """A pair, and what the person said of it."""

    pair: Pair
    answer: str

    @property
    def chosen(self) -> Candidate | None:
        """The better one, if one is."""
        return getattr(self.pair, self.answer) if self.answer in ("left", "right") else None

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        left, right, content, kind = self.pair
        return {
            "answer": self.answer, "kind": kind, "content": content, "left": left.as_json(), "right": right.as_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, given: Any, path: str) -> Choice:
        """What `as_json` made, checked. Raises TasteError."""
        try:
            pair = Pair(
                Candidate.from_json(given["left"]), Candidate.from_json(given["right"]), int(given["content"]),
                str(given["kind"]),
            )  # fmt: skip
            answer = ANSWERS[ANSWERS.index(given["answer"])]
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            raise file.broken(path, f"a choice in its log: {error}") from None
        return cls(pair, answer)


#: Answers in their order.
Log: TypeAlias = tuple[Choice, ...]


def read_logs(fields: dict[str, Any], path: str) -> tuple[str, int, list[Log]]:
    """The library's folder, the seed and the logs of a profile's file."""
    try:
        folder, seed, logs = str(fields["library"]["folder"]), int(fields["seed"]), [fields["log"], *fields["merged"]]
        found = [tuple(Choice.from_json(one, path) for one in log) for log in logs]
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, TasteError):
            raise
        raise file.broken(path, f"{error} in its library, seed or log") from None
    if seed < 0:
        raise file.broken(path, f"its seed is {seed}")
    return folder, seed, found

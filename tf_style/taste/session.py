"""Questions, answers, and what they teach."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tf_style.taste import file
from tf_style.taste.file import TasteError
from tf_style.taste.learning import Understanding, next_pair, understand
from tf_style.taste.log import ANSWERS, Choice, Log, Pair, read_logs
from tf_style.taste.profile import Profile
from tf_style.taste.space import Candidate, Space
from tf_style.taste.speaking import in_words

_POOL = 400  # candidates that questions and profiles are taken from


class Session:
    """Asks which of two paintings a person prefers, and learns from the answers.

    With a file, each answer is on the disk before `tell` returns: whoever kills the program loses nothing, and `open`
    goes on. The same file, seed and library give the same questions.

    Args:
      space: What can be painted.
      path: The profile's file; "": none.
      library: The library's folder, for the file; "": the package's own.
      seed: Of the candidates and of random questions.
      logs: What was answered so far: first in this session, then in others that were merged.

    Example:
      >>> session = Session.open("me.json")
      >>> pair = session.ask()
      >>> session.tell("left")
      >>> print(session.profile().sentence)
    """

    def __init__(
        self, space: Space, path: str = "", library: str = "", seed: int = 0, logs: Sequence[Log] = ((),)
    ) -> None:
        self.space = space
        self.path = path
        self.library = library
        self.seed = seed
        self.log, *merged = logs
        self.merged = tuple(merged)
        self._data: bytes | None = None  # the file's, as we know it
        self.pool = space.draw(_POOL, seed)
        self._pair: Pair | None = None
        self._known: Understanding | None = None
        self._profile: Profile | None = None

    @classmethod
    def open(
        cls, path: str | os.PathLike[str] = "", library: str | os.PathLike[str] | None = None, seed: int = 0
    ) -> Session:
        """Opens a profile's file to go on with it, or begins one; the file is written with the first answer.

        Args:
          path: The file; "": nothing is kept.
          library: A folder of pictures; "" is the package's own; None: that of the file.
          seed: Of a new session.

        Raises:
          TasteError: The file is no profile.
          LibraryError, ImageError: The library or one of its pictures cannot be read.
        """
        name = os.fspath(path)
        try:
            data = Path(name).read_bytes() if name else None
        except FileNotFoundError:
            data = None
        except OSError as error:
            raise TasteError(f"The profile '{name}' cannot be read ({error.strerror}).") from None
        given = str(Path(library).expanduser().resolve()) if library else None if library is None else ""
        if data is None:
            return cls(Space.open(given or ""), name, given or "", seed)
        fields = file.parse(data, name)
        Profile.from_json(fields, name)
        known, seed, logs = read_logs(fields, name)
        folder = known if given is None else given
        session = cls(Space.open(folder), name, folder, seed, logs)
        session._data = data
        return session

    # Questions and answers --------------------------------------------------------------------------------------------

    @property
    def choices(self) -> int:
        """How many answers there are, without skipped pairs."""
        return sum(one.answer != "skip" for log in self._logs for one in log)

    def ask(self) -> Pair:
        """The pair to show next; the same one until it is answered."""
        if self._pair is None:
            self._pair = next_pair(self.space, self.understanding(), self._logs, self.seed)
        return self._pair

    def tell(self, answer: str) -> None:
        """Answers the pair of `ask`.

        Args:
          answer: One of `ANSWERS`. "both" teaches nothing, "neither" that both are below the best so far; "skip" does
            not count.

        Raises:
          TasteError: Another answer, or the file was changed by another program.
          WriteError: The file cannot be written; the answer does not count.
        """
        if answer not in ANSWERS:
            raise TasteError(f"An answer is one of {', '.join(ANSWERS)}, but {answer!r} was given.")
        self._change((*self.log, Choice(self.ask(), answer)), self.merged)

    def undo(self) -> None:
        """Takes back the last answer; the next `ask` shows its pair again.

        Raises:
          TasteError: There is none.
        """
        if not self.log:
            raise TasteError("There is no answer to take back.")
        self._change(self.log[:-1], self.merged)

    def after(self, answer: str) -> Pair:
        """The pair that would come next after an answer, so that it can be painted ahead."""
        other = copy.copy(self)
        other.path = ""  # writes nothing
        other.tell(answer)
        return other.ask()

    def merge(self, path: str | os.PathLike[str]) -> int:
        """Learns from another profile, too; a profile that was merged before only brings what is new.

        Returns:
          How many choices came with it.

        Raises:
          TasteError: The file is no profile.
        """
        before = self.choices
        _, _, others = read_logs(file.read(path), os.fspath(path))
        own = max((log for log in others if log[: len(self.log)] == self.log and self.log), key=len, default=self.log)
        logs: list[Log] = []
        for log in sorted(dict.fromkeys([*self.merged, *others]), key=len, reverse=True):
            if log and not any(longer[: len(log)] == log for longer in (own, *logs)):
                logs.append(log)
        self._change(own, tuple(logs))
        return self.choices - before

    @property
    def lost(self) -> tuple[str, ...]:
        """Pictures that choices name, but that the library no longer has; those choices teach nothing."""
        named = {name for log in self._logs for one in log for each in one.pair[:2] for name in each.styles}
        return tuple(sorted(named - self.space.entries.keys()))

    @property
    def agreement(self) -> tuple[int, int]:
        """How many of the pairs that were shown twice got the same answer twice, and how many were shown twice."""
        agreed = [
            any(one.chosen == old.chosen and set(old.pair[:2]) == set(one.pair[:2]) for old in log[:number])
            for log in self._logs
            for number, one in enumerate(log)
            if one.pair.kind == "repeat" and one.chosen
        ]
        return sum(agreed), len(agreed)

    # What was learned -------------------------------------------------------------------------------------------------

    def understanding(self) -> Understanding:
        """What is known of all candidates."""
        if self._known is None:
            self._known = understand(self.space, self.pool, self._logs)
        return self._known

    def profile(self) -> Profile:
        """What the choices so far have taught; without any, it changes nothing."""
        if self._profile is None:
            self._profile = self._made()
        return self._profile

    def _made(self) -> Profile:
        agreed, repeated = self.agreement
        known = self.understanding()
        if not known.comparisons:
            return Profile(choices=self.choices, agreed=agreed, repeated=repeated)
        best = known.items[known.best]
        titles = tuple(self.space.entries[style].title for style in best.styles)
        return Profile(
            styles=tuple(map(self.space.named, best.styles)),
            titles=titles,
            controls=best.controls,
            choices=self.choices,
            sure=round(known.sure, 2),
            learned=in_words(best, titles, self._compared),
            agreed=agreed,
            repeated=repeated,
        )

    def _compared(self, one: Candidate, others: Sequence[Candidate]) -> np.ndarray:
        """The probability that one is worth more than each of the others."""
        known = understand(self.space, [one, *others], self._logs)
        return known.belief.worth_more(0)[[known.items.index(other) for other in others]]

    @property
    def _logs(self) -> tuple[Log, ...]:
        return (self.log, *self.merged)

    # State ------------------------------------------------------------------------------------------------------------

    def _change(self, log: Log, merged: tuple[Log, ...]) -> None:
        """Takes other answers, and writes the file; if that fails, nothing has changed."""
        before = self.log, self.merged
        self.log, self.merged = log, merged
        self._pair = self._known = self._profile = None
        try:
            self._write()
        except BaseException:
            self.log, self.merged = before
            self._pair = self._known = self._profile = None
            raise

    def _write(self) -> None:
        if not self.path:
            return
        place = Path(self.path)
        if place.exists() and place.read_bytes() != self._data:
            raise TasteError(f"'{self.path}' was changed by another program meanwhile; open it again.")
        fields = {
            **self.profile().as_json(),
            "library": {"folder": self.library, "pictures": len(self.space.entries), "sha256": self.space.digest},
            "seed": self.seed,
            "log": [one.as_json() for one in self.log],
            "merged": [[one.as_json() for one in log] for log in self.merged],
        }
        self._data = file.write(self.path, fields)

"""What answers say of candidates, and which pair to show next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tf_style.taste.log import MOST_CONTENTS, Log, Pair
from tf_style.taste.preference import Belief, Comparison, learn
from tf_style.taste.space import Candidate, Space

_FIRST = 3  # comparisons of random pairs, before anything is known
_VARIATIONS, _VARIED_AFTER = 100, 10  # of the best, which may challenge it after so many questions
_SURPRISE = 5  # every so many questions a random painting challenges
_REPEAT, _REPEAT_AFTER = 8, 3  # every so many questions one is repeated, none of the last few
_QUESTION = 1  # purpose of random numbers


class Understanding(NamedTuple):
    """Candidates, and what is known of them.

    Attributes:
      items: The candidates, those that were drawn first.
      drawn: How many were.
      belief: About the items, by their numbers.
    """

    items: tuple[Candidate, ...]
    drawn: int
    belief: Belief

    @property
    def comparisons(self) -> int:
        """How many comparisons it comes from."""
        return len(self.belief.known)

    @property
    def best(self) -> int:
        """The number of the candidate that is expected to be worth most."""
        return int(np.argmax(self.belief.mean))

    @property
    def sure(self) -> float:
        """The probability that the person prefers the best to one that was drawn."""
        return float(self.belief.preferred_to(self.best)[: self.drawn].mean())


def understand(
    space: Space, pool: Sequence[Candidate], logs: Sequence[Log], others: Sequence[Candidate] = ()
) -> Understanding:
    """Learns from answers.

    Args:
      space: Where candidates lie.
      pool: Those that were drawn, all different.
      logs: The answers. Those that name pictures which the space lacks, and "both" and "skip", teach nothing.
      others: More candidates to know about.
    """
    choices = [one for log in logs for one in log if one.answer not in ("both", "skip") and space.holds(one.pair[:2])]
    asked = [candidate for one in choices for candidate in one.pair[:2]]
    items = tuple(dict.fromkeys([*pool, *asked, *others]))
    numbers = {candidate: number for number, candidate in enumerate(items)}
    prior = space.prior(items)
    found: list[Comparison] = []
    for one in choices:
        left, right = (numbers[candidate] for candidate in one.pair[:2])
        if one.answer == "neither":
            level = float(learn(prior, found).mean.max())
            found += [Comparison(-1, left, level), Comparison(-1, right, level)]
        else:
            found.append(Comparison(left, right) if one.answer == "left" else Comparison(right, left))
    return Understanding(items, len(pool), learn(prior, found))


def next_pair(space: Space, known: Understanding, logs: Sequence[Log], seed: int) -> Pair:
    """The pair to show next: random ones first, then the best with what may be better, surprises and repetitions.

    Args:
      space: Where candidates lie.
      known: What `logs` taught.
      logs: The answers; the first log is that of this session.
      seed: Of all that is random.
    """
    log = logs[0]
    turn = len(log)
    rng = np.random.default_rng([seed, _QUESTION, turn])
    content = turn % MOST_CONTENTS
    if known.comparisons < _FIRST:
        left, right = rng.permutation(known.drawn)[:2]
        return Pair(known.items[left], known.items[right], content, "random")
    again = _unrepeated(space, log) if turn % _REPEAT == _REPEAT - 1 else []
    if again:
        old = again[rng.integers(len(again))]
        return Pair(old.right, old.left, old.content, "repeat")
    best = known.items[known.best]
    if turn % _SURPRISE == _SURPRISE - 1:
        kind, other = "surprise", next(known.items[number] for number in rng.permutation(known.drawn)
                                       if known.items[number] != best)  # fmt: skip
    else:
        wider = understand(space, known.items, logs, space.vary(best, _VARIATIONS if turn >= _VARIED_AFTER else 0, rng))
        worth = wider.belief.expected_best(known.best)
        worth[known.best] = -np.inf
        kind, other = "best", wider.items[int(np.argmax(worth))]
    left, right = (best, other) if rng.random() < 0.5 else (other, best)
    return Pair(left, right, content, kind)


def _unrepeated(space: Space, log: Log) -> list[Pair]:
    """Pairs to show again."""
    known = [frozenset(one.pair[:2]) for one in log if one.pair.kind == "repeat"]
    decided = [one.pair for one in log[:-_REPEAT_AFTER] if one.chosen and space.holds(one.pair[:2])]
    return [pair for pair in decided if frozenset(pair[:2]) not in known]

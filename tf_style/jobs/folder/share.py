"""A process's share of the work."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from tf_style.jobs.folder.plan import Plan

T = TypeVar("T")


class Share:
    """Every `count`-th piece of work, counted over all calls.

    Args:
      index: Which: 0 to count - 1.
      count: How many shares there are.
    """

    def __init__(self, index: int = 0, count: int = 1) -> None:
        self._index, self._count, self._seen = index, count, 0

    def of(self, pieces: Sequence[T]) -> tuple[T, ...]:
        """Those of the next pieces that belong to this share."""
        first = self._seen
        self._seen += len(pieces)
        return tuple(piece for place, piece in enumerate(pieces, first) if place % self._count == self._index)

    def of_plan(self, plan: Plan) -> Plan:
        """The part of a plan that belongs to this share, batch by batch."""
        return dataclasses.replace(plan, batches=self.of(plan.batches), large=self.of(plan.large))

"""Stylizers for many pictures, without TensorFlow before the first one is painted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tf_style.jobs.run.progress import ProgressDisplay

if TYPE_CHECKING:
    from tf_style.jobs.run.models import Models


class LazyModels:
    """`Models`, loaded with TensorFlow when first asked for."""

    def __init__(self) -> None:
        self._models: Models | None = None
        self._said = ""

    def get(self) -> Models:
        """The one of this run."""
        if self._models is None:
            from tf_style.jobs.run.models import Models

            self._models = Models()
        return self._models

    def say_once(self, headline: str, display: ProgressDisplay) -> None:
        """Shows a line, unless it was the last one."""
        if headline != self._said:
            display.say(headline)
        self._said = headline

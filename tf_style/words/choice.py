"""From a sentence to styles, their shares and options: all that words decide, as a person may write it by hand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from tf_style.words import naming
from tf_style.words.controls import controls_of
from tf_style.words.library import Found, StyleLibrary
from tf_style.words.naming import PREFIX, LibraryError

#: Below this similarity no picture is near. In the package's library the 40 questions of tests/words/queries.csv reach
#: at least .31; of 32 things that no painting shows, such as "laptop", half stay below. No number tells all apart.
NEAR = 0.25
COUNT = 3
DIGITS = 3  # of shares: what is printed is what is used


class Choice(NamedTuple):
    """What words chose: the pictures, best first, and options of a painting."""

    found: tuple[Found, ...]
    controls: dict[str, Any]

    @property
    def styles(self) -> tuple[str, ...]:
        """The pictures as a style may name them: by `library:` if they are the package's own, else by their files."""
        return tuple(
            f"{PREFIX}{one.style}" if one.path.parent == naming.FOLDER else str(one.path) for one in self.found
        )

    @property
    def options(self) -> dict[str, Any]:
        """The shares and the controls, as options of `StylizeConfig`."""
        return {"style_blend": tuple(round(one.share, DIGITS) for one in self.found), **self.controls}

    def summary(self, options: Mapping[str, Any]) -> str:
        """What was taken, for people: titles with shares, and those of the options that are controls."""
        pictures = [f"{one.title} {one.share:.2f}" for one in self.found]
        return ", ".join(
            [*pictures, *(f"{name} {as_text(options[name])}" for name in self.controls if name in options)]
        )


def choose(text: str, library: StyleLibrary, *, far: bool = False) -> Choice:
    """Finds the pictures that a sentence describes, and the options that it sets.

    Args:
      text: A sentence or some words, in English.
      library: Where to look.
      far: Take the nearest pictures even if none is near.

    Raises:
      LibraryError: No picture is near; the message names the nearest.
      ValueError: The text is empty, or has no known word.
    """
    controls, rest = controls_of(text)
    found = tuple(library.search(rest if re.search(r"\w", rest) else text, COUNT))
    if found[0].similarity < NEAR and not far:
        nearest = ", ".join(f"{one.title} ({one.similarity:.2f})" for one in found)
        raise LibraryError(f"No picture of the style library is near {text!r}; the nearest are {nearest}.")
    return Choice(tuple(one for one in found if round(one.share, DIGITS)), controls)


def as_text(value: Any) -> str:
    """An option's value as a flag takes it."""
    return ",".join(map(as_text, value)) if isinstance(value, tuple) else f"{value:g}" if _is_number(value) else value


def as_flags(styles: tuple[str, ...], options: Mapping[str, Any]) -> str:
    """Styles and options as flags, quoted for a shell where needed."""
    joined = [",".join(styles)] if styles and not any("," in style for style in styles) else styles
    given = [*(("style", value) for value in joined), *((name, as_text(value)) for name, value in options.items())]
    return " ".join(shlex.quote(f"--{name}={value}") for name, value in given)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)

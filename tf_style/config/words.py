"""The options of words: those of `tf-style stylize` beside its files, and those of `tf-style library`."""

from __future__ import annotations

import dataclasses
from typing import Any

from tf_style.config.options import Options, option


def style_text_option() -> Any:
    """The option `style_text`, which several commands have."""
    return option(
        "", "what the painting should look like, in words, instead of --style: finds and mixes captioned paintings",
        "words",
    )  # fmt: skip


def style_library_option() -> Any:
    """The option `style_library` of commands that paint."""
    return option("", "a folder of pictures with a captions.csv to find styles in; default: the package's own", "words")


def any_option() -> Any:
    """The option `any`, which several commands have."""
    return option(False, "take the nearest paintings even if none is near", "words")


@dataclasses.dataclass(frozen=True)
class WordsOptions(Options):
    """Styles found by words. Every field is a flag."""

    style_text: str = style_text_option()
    style_library: str = style_library_option()
    any: bool = any_option()


@dataclasses.dataclass(frozen=True)
class LibraryOptions(Options):
    """What to show of a style library. Every field is a flag."""

    search: str = option("", "words to search for; empty: list all", "library")
    count: int = option(3, "how many pictures to show of those found", "library", minimum=1)
    sheet: str = option("", "write a picture with all pictures shown, and their names", "library")
    style_library: str = option(
        "", "a folder of pictures with a captions.csv to show; default: the package's own", "library"
    )

"""The options of words and of taste: those of painting commands, of `tf-style library` and of `tf-style taste`."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import Options, option, size_option


@dataclasses.dataclass(frozen=True)
class WordsOptions(Options):
    """Styles found by words. Every field is a flag."""

    style_text: str = option(
        "", "what the painting should look like, in words, instead of --style: finds and mixes captioned paintings",
        "words",
    )  # fmt: skip
    style_library: str = option(
        "", "a folder of pictures with a captions.csv to find styles in; default: the package's own", "words"
    )
    any: bool = option(False, "take the nearest paintings even if none is near", "words")


@dataclasses.dataclass(frozen=True)
class LibraryOptions(Options):
    """What to show of a style library. Every field is a flag."""

    search: str = option("", "words to search for; empty: list all", "library")
    count: int = option(3, "how many pictures to show of those found", "library", minimum=1)
    sheet: str = option("", "write a picture with all pictures shown, and their names", "library")
    style_library: str = option(
        "", "a folder of pictures with a captions.csv to show; default: the package's own", "library"
    )


@dataclasses.dataclass(frozen=True)
class ProfileOptions(Options):
    """A taste that was learned. Every field is a flag."""

    profile: str = option(
        "", "paint to a taste: the file that tf-style taste writes; with --style, only its controls count", "words"
    )


@dataclasses.dataclass(frozen=True)
class TasteOptions(Options):
    """Questions about taste, and where the answers go. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    content: str = option("", "a photo to paint, or a folder of photos, of which four take turns", "taste")
    profile: str = option("", "the profile: a file that is begun, or gone on with", "taste")
    choices: int = option(20, "ask until the profile holds so many", "taste", minimum=1)
    pair: str = option("", "where to write the pair to look at, as PNG or JPEG; default: beside the profile", "taste")
    size: int = size_option(256, "long side of each of the two paintings in pixels", "taste")
    merge: tuple[str, ...] = option((), "other profiles whose choices are added to this one", "files")
    style_library: str = option(
        "", "a folder of pictures to choose styles from; default: the profile's, or the package's own", "taste"
    )
    seed: int = option(0, "seed of a new profile: same seed and answers, same questions", "taste", minimum=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(("profile",), "tf-style taste photos/ --profile=me.json")

"""The options of words and of taste: those of painting commands, of `tf-style library` and of `tf-style taste`."""

from __future__ import annotations

import dataclasses
from typing import Any

from tf_style.config.options import ConfigError, Options, option, size_option


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
    text_guidance: str = option(
        "library", "what words do: find paintings of the library, or guide the painting through CLIP, which needs "
        "--clip_preset and a GPU; then --style may be given as well", "words", ("library", "clip"),
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class ClipOptions(Options):
    """Words that guide the painting through CLIP; part of `StylizeConfig`.

    Raises:
      ConfigError: A value that is not allowed, or a text without a model.
    """

    clip_text: str = option("", "what the painting should look like; set by --text_guidance=clip", "clip")
    source_text: str = option("a photo", "what the content is, in words", "clip")
    clip_preset: str = option("", "folder of a CLIP model, as keras-hub's save_to_preset writes it", "clip")
    clip_weight: float = option(5.0, "weight of the text's direction for the whole picture", "clip", minimum=0)
    clip_patch_weight: float = option(90.0, "weight of the text's direction for patches", "clip", minimum=0)
    clip_patches: int = option(64, "patches in each step", "clip", minimum=1)

    @classmethod
    def of(cls, text: str, *, with_style: bool) -> dict[str, Any]:
        """The options of a painting that a text guides; without a style picture, nothing may need one."""
        return {"clip_text": text, **({} if with_style else {"style_weight": 0.0, "init": "content"})}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clip_text and not self.clip_preset:
            raise ConfigError(
                "Words through CLIP need a model, which tf-style does not bring along; give the folder of one as "
                "clip_preset."
            )
        if self.clip_text and not self.clip_weight + self.clip_patch_weight:
            raise ConfigError("clip_weight and clip_patch_weight are both 0; give one of them a positive value.")


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

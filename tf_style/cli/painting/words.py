"""`--style_text`: words become the flags that a person would write."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

from tf_style.cli import flags
from tf_style.config import DEFAULT_PRESET, ClipOptions, ConfigError, WordsOptions
from tf_style.presets import preset_config


def replace_words(given: dict[str, Any], only: Collection[str] = ()) -> None:
    """Puts the styles, shares and controls that `--style_text` chooses among the flags, and says what they are.

    Args:
      given: The flags by name, as `flags.parse` returns them; those of words are removed. A flag that was given stays.
      only: The options that the command has; empty: all.

    Raises:
      ConfigError, LibraryError, WordsError: The words find nothing, or other flags do not go with them.
    """
    empty = not given.get("style_text", "any").strip()
    words: WordsOptions = flags.take(WordsOptions, given)
    if empty:
        raise ConfigError("style_text is empty; describe a painting, such as 'stormy sea, thick brush strokes'.")
    through_clip = words.text_guidance == "clip"
    if not words.style_text or through_clip:
        for name in ("style_library", "any"):
            if getattr(words, name):
                raise ConfigError(f"{name} is for styles found by words; give style_text as well, or leave {name} out.")
    if not words.style_text:
        if through_clip:
            raise ConfigError("text_guidance is for words; give style_text as well, or leave it out.")
        return
    if through_clip:
        _guide(words.style_text, given)
        return
    if given.get("style"):
        raise ConfigError(
            f"style={','.join(given['style'])} and style_text were both given; leave one of them out. (The result's "
            "name goes to --output.)"
        )
    from tf_style.jobs.run.inputs import check_takes_pictures, find_styles
    from tf_style.words.choice import as_flags, as_text
    from tf_style.words.naming import picture_file

    check_takes_pictures(network_of(given))
    choice = find_styles(words.style_text, words.style_library, far=words.any)
    options = {name: value for name, value in choice.options.items() if name not in given}
    without = [name for name in options if only and name not in only]
    options = {name: value for name, value in options.items() if name not in without}
    if given.get("quiet") not in ("true", True):
        left_out = f"; without {' and '.join(without)}, which this command does not have" if without else ""
        same = as_flags(choice.styles, options)
        print(f"Words: {choice.summary(options)}; the same as {same}{left_out}", file=sys.stderr)
    given["style"] = tuple(map(picture_file, choice.styles))
    given.update((name, as_text(value)) for name, value in options.items())


def _guide(text: str, given: dict[str, Any]) -> None:
    """Puts the options of a painting that the text guides among the flags, and says what they are."""
    from tf_style.words.choice import as_flags, as_text

    chosen = ClipOptions.of(text, with_style=bool(given.get("style") or given.get("manifest")))
    options = {name: value for name, value in chosen.items() if name not in given}
    if given.get("quiet") not in ("true", True):
        print(f"Words: through CLIP; the same as {as_flags((), options)}", file=sys.stderr)
    given.update((name, as_text(value)) for name, value in options.items())


def network_of(given: dict[str, Any]) -> str:
    """The network of a command's flags or preset; "": none."""
    return given.get("network", preset_config(given.get("preset", DEFAULT_PRESET)).network)

"""`--style_text`: words become the flags that a person would write."""

from __future__ import annotations

import sys
from typing import Any

from tf_style.cli import flags
from tf_style.config import DEFAULT_PRESET, ConfigError, WordsOptions
from tf_style.presets import preset_config


def replace_words(given: dict[str, Any]) -> None:
    """Puts the styles, shares and controls that `--style_text` chooses among the flags, and says what they are.

    Args:
      given: The flags by name, as `flags.parse` returns them; those of words are removed. A flag that was given stays.

    Raises:
      ConfigError, LibraryError, WordsError: The words find nothing, or other flags do not go with them.
    """
    empty = not given.get("style_text", "any").strip()
    words: WordsOptions = flags.take(WordsOptions, given)
    if empty:
        raise ConfigError("style_text is empty; describe a painting, such as 'stormy sea, thick brush strokes'.")
    if not words.style_text:
        for name in ("style_library", "any"):
            if getattr(words, name):
                raise ConfigError(f"{name} is for styles found by words; give style_text as well, or leave {name} out.")
        return
    if given.get("style"):
        raise ConfigError(
            f"style={','.join(given['style'])} and style_text were both given; leave one of them out. (The result's "
            "name goes to --output.)"
        )
    from tf_style.jobs.run.inputs import check_takes_pictures, find_styles
    from tf_style.words.choice import as_flags, as_text
    from tf_style.words.naming import picture_file

    check_takes_pictures(given.get("network", preset_config(given.get("preset", DEFAULT_PRESET)).network))
    choice = find_styles(words.style_text, words.style_library, far=words.any)
    options = {name: value for name, value in choice.options.items() if name not in given}
    if given.get("quiet") not in ("true", True):
        print(f"Words: {choice.summary(options)}; the same as {as_flags(choice.styles, options)}", file=sys.stderr)
    given["style"] = tuple(map(picture_file, choice.styles))
    given.update((name, as_text(value)) for name, value in options.items())

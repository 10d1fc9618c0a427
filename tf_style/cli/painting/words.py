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
    check_network(given, "style_text finds pictures")
    from tf_style.words.choice import as_flags, as_text, choose
    from tf_style.words.library import StyleLibrary
    from tf_style.words.naming import LibraryError, picture_file

    try:
        choice = choose(words.style_text, StyleLibrary.open(words.style_library), far=words.any)
    except LibraryError as error:
        hint = " To take them all the same, give --any." if "nearest" in str(error) else ""
        raise LibraryError(f"{error}{hint}") from None
    options = {name: value for name, value in choice.options.items() if name not in given}
    if given.get("quiet") not in ("true", True):
        print(f"Words: {choice.summary(options)}; the same as {as_flags(choice.styles, options)}", file=sys.stderr)
    given["style"] = tuple(map(picture_file, choice.styles))
    given.update((name, as_text(value)) for name, value in options.items())


def check_network(given: dict[str, Any], why: str) -> None:
    """Raises ConfigError if the network has styles of its own, and so cannot paint in those of pictures."""
    network = given.get("network", preset_config(given.get("preset", DEFAULT_PRESET)).network)
    if not network:
        return
    from tf_style.networks.archive import find_network, read_card

    names = read_card(find_network(network)).get("styles")
    if names:
        raise ConfigError(
            f"{why}, but network={network} knows its own styles only; give one of them as --style, "
            f"such as {names[0]}, or --network=arbitrary."
        )

"""Colours written as hexadecimal text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tf_style.config.options import ConfigError

_MOST = 64


def parse_palette(names: Iterable[str]) -> tuple[tuple[float, float, float], ...]:
    """Colours from hexadecimal text, "#1a2b3c" or "#abc", with or without "#": sRGB in [0, 1].

    Raises:
      ConfigError: A colour that is not of this form, a repeated one, or too many.
    """
    colors: list[tuple[float, float, float]] = []
    for name in names:
        match = re.fullmatch(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})", name.strip())
        if match is None:
            raise ConfigError(
                f"palette must hold colors like #1a2b3c or #abc, separated by commas, but {name!r} was given."
            )
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        red, green, blue = (int(digits[start : start + 2], 16) / 255.0 for start in (0, 2, 4))
        if (red, green, blue) in colors:
            raise ConfigError(f"palette holds {name} twice; leave one of them out.")
        colors.append((red, green, blue))
    if len(colors) > _MOST:
        raise ConfigError(f"palette holds {len(colors)} colors; give at most {_MOST}.")
    return tuple(colors)

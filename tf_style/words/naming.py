"""Names of pictures in the package's style library: `library:starry_night` stands for a file."""

from __future__ import annotations

import difflib
from pathlib import Path

#: What the names of the library's pictures begin with wherever a style picture may be named.
PREFIX = "library:"
#: The folder of the package's own library.
FOLDER = Path(__file__).parent.parent / "library"

_MOST_HINTS = 5


class LibraryError(ValueError):
    """A style library cannot be read, or has no picture of that name or kind; the message says what to do."""


def picture_file(name: str) -> str:
    """The file of a picture that is named as `library:NAME`; any other text is returned as it is.

    Raises:
      LibraryError: There is no such picture; the message lists near names.

    Example:
      >>> picture_file("painting.jpg")
      'painting.jpg'
    """
    if not name.startswith(PREFIX):
        return name
    known = {path.stem: path for path in sorted(FOLDER.glob("*.webp"))}
    stem = name.removeprefix(PREFIX).strip().lower().replace(" ", "_").replace("-", "_")
    if stem in known:
        return str(known[stem])
    if not known:
        raise LibraryError(f"{name} cannot be found, as the style library is missing; install tf_style again.")
    near = [other for other in known if stem and (stem in other or other in stem)]
    near += [other for other in difflib.get_close_matches(stem, known, _MOST_HINTS) if other not in near]
    hint = f" Near names: {', '.join(near[:_MOST_HINTS])}." if near else ""
    raise LibraryError(f"The style library has no picture {name!r}; tf-style library lists all {len(known)}.{hint}")

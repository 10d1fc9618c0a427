"""`--profile`: a taste becomes the flags that a person would write."""

from __future__ import annotations

import sys
from typing import Any

from tf_style.cli import flags
from tf_style.cli.painting.words import network_of
from tf_style.config import ConfigError, ProfileOptions

#: Flags that say what to paint like. Beside them only a profile's controls are taken.
_STYLES = ("style", "style_text", "clip_text")


def replace_profile(given: dict[str, Any], *, with_styles: bool = True) -> None:
    """Puts the styles, shares and controls of `--profile` among the flags, and says what they are.

    Args:
      given: The flags by name, as `flags.parse` returns them; `profile` is removed. A flag that was given stays; if
        styles were given, the profile's controls alone are taken.
      with_styles: Whether to take styles from the profile at all.

    Raises:
      ConfigError, LibraryError, TasteError: The file is no profile, or it has no styles and none were given.
    """
    empty = given.get("profile") == ""
    path = flags.take(ProfileOptions, given).profile
    if empty:
        raise ConfigError("profile is empty; give the file of a profile, such as me.json.")
    if not path:
        return
    from tf_style.jobs.run.inputs import check_takes_pictures
    from tf_style.taste.profile import Profile
    from tf_style.words.choice import as_flags, as_text
    from tf_style.words.naming import picture_file

    profile = Profile.read(path)
    with_styles = with_styles and not any(given.get(name) for name in _STYLES)
    styles = profile.styles if with_styles else ()
    if with_styles and not styles:
        raise ConfigError(
            f"{path} holds no choices that teach a style yet; run tf-style taste PHOTOS --profile={path}, or give a "
            "--style as well."
        )
    options = {name: value for name, value in profile.options_beside(given, styles).items() if name not in given}
    if styles:
        check_takes_pictures(network_of(given), f"profile={path} holds pictures")
        given["style"] = tuple(map(picture_file, styles))
    if given.get("quiet") not in ("true", True):
        print(f"Profile: {profile.sentence}; the same as {as_flags(styles, options) or 'no flags'}", file=sys.stderr)
    given.update((name, as_text(value)) for name, value in options.items())

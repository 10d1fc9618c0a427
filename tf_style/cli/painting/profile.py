"""`--profile`: a taste becomes the flags that a person would write."""

from __future__ import annotations

import sys
from typing import Any

from tf_style.cli import flags
from tf_style.config import DEFAULT_PRESET, ConfigError, ProfileOptions
from tf_style.presets import preset_config


def replace_profile(given: dict[str, Any]) -> None:
    """Puts the styles, shares and controls of `--profile` among the flags, and says what they are.

    Args:
      given: The flags by name, as `flags.parse` returns them; `profile` is removed. A flag that was given stays; if
        styles were given, the profile's controls alone are taken.

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
    styles = () if given.get("style") else profile.styles
    if not (given.get("style") or styles):
        raise ConfigError(
            f"{path} holds no choices that teach a style yet; run tf-style taste PHOTOS --profile={path}, or give a "
            "--style as well."
        )
    options = {name: value for name, value in profile.options_beside(given, styles).items() if name not in given}
    if styles:
        network = given.get("network", preset_config(given.get("preset", DEFAULT_PRESET)).network)
        check_takes_pictures(network, f"profile={path} holds")
        given["style"] = tuple(map(picture_file, styles))
    if given.get("quiet") not in ("true", True):
        print(f"Profile: {profile.sentence}; the same as {as_flags(styles, options) or 'no flags'}", file=sys.stderr)
    given.update((name, as_text(value)) for name, value in options.items())

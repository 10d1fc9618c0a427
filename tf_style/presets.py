"""Presets: absl flagfiles in `configs/`, found by name or by path."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path

from tf_style.config import DEFAULT_PRESET, ConfigError, StylizeConfig

_PACKAGE = Path(__file__).parent
#: In an installed package, then in a checkout.
_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")
_SUFFIX = ".cfg"


@dataclasses.dataclass(frozen=True)
class Preset:
    """A preset: its name, its header (comment lines without the `#`), and its options as text."""

    name: str
    header: tuple[str, ...]
    options: dict[str, str]


def preset_names() -> list[str]:
    """Names of the presets that come with the package, sorted."""
    return sorted(path.stem for path in _folder().glob(f"*{_SUFFIX}"))


def load_preset(name: str = DEFAULT_PRESET) -> Preset:
    """Reads a preset.

    Args:
      name: A preset's name, or the path of a flagfile.

    Raises:
      ConfigError: No such preset, or a line that is neither a comment nor `--option=value`.
    """
    path = _folder() / f"{name}{_SUFFIX}"
    if not path.is_file():
        path = Path(name)
    if not path.is_file():
        close = difflib.get_close_matches(name, preset_names(), 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigError(
            f"Unknown preset {name!r}. There are: {', '.join(preset_names())}; or give the path of a file.{hint}"
        )
    header, options = [], {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"The preset {name} is not a readable text file of --option=value lines.") from None
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if line.startswith("#") or not line:
            header.append(line.lstrip("#").strip())
        elif line.startswith("--") and "=" in line:
            option, value = line[2:].split("=", 1)
            options[option.strip()] = value.strip()
        else:
            raise ConfigError(
                f"Line {number} of preset {name} is {line!r}; only # comments and --option=value are allowed."
            )
    return Preset(path.stem, tuple(header), options)


def preset_config(name: str = DEFAULT_PRESET) -> StylizeConfig:
    """The preset's options over the defaults.

    Raises:
      ConfigError: See `load_preset`; also an option that does not exist or a value that is not allowed.
    """
    preset = load_preset(name)
    try:
        return StylizeConfig().replace(**preset.options)
    except ConfigError as error:
        raise ConfigError(f"In preset {name}: {error}") from None


def _folder() -> Path:
    return next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])

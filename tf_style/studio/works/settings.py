"""All that decides a painting, and the same as a command line and as Python."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from tf_style.config import DEFAULT_PRESET, RequestOptions, StylizeConfig, StylizeFiles, check_given
from tf_style.jobs.large.inputs import large_size
from tf_style.presets import preset_config
from tf_style.words.choice import as_flags, as_text
from tf_style.words.naming import PREFIX

Own = TypeVar("Own", bound="Settings")


@dataclasses.dataclass(frozen=True)
class Settings:
    """A painting's settings, with the names that files have in the visitor's folder.

    Attributes:
      content: The photo.
      styles: The visitor's own pictures, and `library:NAME`.
      output: The painting.
      preset: The preset's name.
      options: Options of `StylizeConfig`; those that the preset has are left out.
      style_masks: One for each style, or none.
      server: Paints there instead; `options` are then those of `tf-style request`.
    """

    content: str
    styles: tuple[str, ...]
    output: str
    preset: str = DEFAULT_PRESET
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    style_masks: tuple[str, ...] = ()
    server: str = ""

    #: The command that paints here, and which of the options are not those of `StylizeConfig`, but of its files.
    command_name: ClassVar[str] = "stylize"
    file_options: ClassVar[frozenset[str]] = frozenset()
    file_defaults: ClassVar[type] = StylizeFiles

    @classmethod
    def of(cls: type[Own], *, options: Mapping[str, Any], preset: str = DEFAULT_PRESET, **names: Any) -> Own:
        """Settings of what is painted here, without options that the preset has.

        Raises:
          ConfigError: A value that is not allowed, or options that do not go together.
        """
        base = preset_config(preset)
        given = {name: value for name, value in options.items() if name not in cls.file_options}
        config = base.replace(**given)
        changed = {name: getattr(config, name) for name in given if getattr(config, name) != getattr(base, name)}
        check_given(config, changed)
        files = {name: value for name, value in options.items() if name in cls.file_options}
        changed |= {name: value for name, value in files.items() if value != getattr(cls.file_defaults, name)}
        return cls(options=changed, preset=preset, **names)

    @property
    def config(self) -> StylizeConfig:
        """How to paint."""
        given = {name: value for name, value in self.options.items() if name not in self.file_options}
        return preset_config(self.preset).replace(**given)

    def files(self, folder: Path, max_pixels: int) -> Any:
        """What to read and write, in a visitor's folder."""
        return StylizeFiles(**self._placed_files(folder), max_pixels=max_pixels, quiet=True)

    def _placed_files(self, folder: Path) -> dict[str, Any]:
        return {
            "content": str(folder / self.content),
            "style": tuple(_placed(folder, style) for style in self.styles),
            "output": str(folder / self.output),
            "style_masks": tuple(str(folder / mask) for mask in self.style_masks),
        }

    def request(self, folder: Path, max_pixels: int) -> RequestOptions:
        """What to ask of the server.

        Raises:
          ConfigError: A value that is not allowed.
        """
        return RequestOptions(
            server=self.server,
            content=str(folder / self.content),
            style=tuple(_placed(folder, style) for style in self.styles),
            output=str(folder / self.output),
            max_pixels=max_pixels,
            quiet=True,
            **self.options,
        )

    def replace(self, **changes: Any) -> Settings:
        """The same with other values."""
        return dataclasses.replace(self, **changes)

    def command(self) -> str:
        """The command that paints the same, to be run where the files lie."""
        if self.server:
            first = ["tf-style", "request", f"--server={self.server}", f"--content={self.content}"]
        else:
            first = ["tf-style", self.command_name, f"--preset={self.preset}", f"--content={self.content}"]
        rest = [f"--style_masks={','.join(self.style_masks)}"] if self.style_masks else []
        rest.append(f"--output={self.output}")
        return " ".join([*map(shlex.quote, first), as_flags(self.styles, self.options), *map(shlex.quote, rest)])

    def python(self, folder: Path) -> str:
        """The same in Python."""
        if self.server or large_size(self.config, self.files(folder, StylizeFiles.max_pixels)) is not None:
            call = f"subprocess.run(shlex.split({self.command()!r}), check=True)"
            return "\n".join(["import shlex", "import subprocess", "", call])
        styles = self.styles[0] if len(self.styles) == 1 else list(self.styles)
        given = {"preset": self.preset, **({"style_masks": list(self.style_masks)} if self.style_masks else {})}
        arguments = [repr(self.content), repr(styles)]
        arguments += [f"{name}={value!r}" for name, value in {**given, **self.options}.items()]
        lines = ["import tf_style", "", "painting = tf_style.stylize(", *(f"    {one}," for one in arguments), ")"]
        return "\n".join([*lines, f"tf_style.write_image({self.output!r}, painting.numpy())"])

    def facts(self) -> list[str]:
        """The settings for people, beside the styles."""
        shown = {name: value for name, value in self.options.items() if name not in ("advance_every", "style_blend")}
        facts = [] if self.server else [self.preset]
        facts += [f"{name.replace('_', ' ')} {as_text(value)}" for name, value in shown.items()]
        return [*facts, *(["regions"] if self.style_masks else [])]


def stem_of(style: str) -> str:
    """A style's name for the name of a painting."""
    return style.removeprefix(PREFIX) if style.startswith(PREFIX) else Path(style).stem


def _placed(folder: Path, style: str) -> str:
    return style if style.startswith(PREFIX) else str(folder / style)

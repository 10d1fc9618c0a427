"""absl flags made from dataclass fields: one flag per field, with the dataclass's default and help."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from absl import flags

from tf_style.config import (
    DEFAULT_PRESET,
    ConfigError,
    StylizeConfig,
    StylizeFiles,
    check_given,
    is_switch,
    parse_value,
)
from tf_style.presets import load_preset, preset_config
from tf_style.words.naming import picture_file

#: The flag that commands with presets have besides their options.
_PRESET = "named set of options (see tf-style presets), or the path of a flagfile"
PRESET = {"preset": f"{_PRESET} [{DEFAULT_PRESET}]"}
TEXTURE_PRESET = {"preset": f"{_PRESET} [finest]"}
#: Flags of neural-style, style-transfer-pytorch and fast-style-transfer -> ours.
_ELSEWHERE = {
    "avg_decay": "--average_decay",
    "content_image": "--content",
    "cudnn_autotune": "automatic, as TensorFlow's cuDNN chooses",
    "cw": "--content_weight",
    "device": "chosen by TensorFlow: a GPU if it finds one, or what CUDA_VISIBLE_DEVICES names",
    "end_scale": "--size",
    "gpu": "chosen by TensorFlow: a GPU if it finds one, or what CUDA_VISIBLE_DEVICES names",
    "i": "--num_steps",
    "ii": "--first_steps",
    "image_size": "--size",
    "in_path": "--content",
    "initial_iterations": "--first_steps",
    "iterations": "--num_steps",
    "max_iterations": "--num_steps",
    "min_scale": "--min_size",
    "model_file": "--weights",
    "ms": "--min_size",
    "num_iterations": "--num_steps",
    "o": "--output",
    "original_colors": "--preserve_color=luminance",
    "out_path": "--output",
    "output_image": "--output",
    "print_iter": "not needed: progress is always shown",
    "s": "--size",
    "save_iter": "--save_every",
    "ss": "--learning_rate",
    "step_size": "--learning_rate",
    "style_blend_weights": "--style_blend",
    "style_image": "--style",
    "style_images": "--style",
    "style_scale_fac": "--style_scale",
    "style_weights": "--style_blend",
    "sw": "--style_blend",
    "tv_weight": "--total_variation_weight",
    "tw": "--total_variation_weight",
}
#: The flags of painting that most people need.
PAINTING_FIRST = (
    "content", "style", "output", "size", "style_strength", "style_scale", "style_blend", "preserve_color", "tileable",
    "content_mask", "keep_mask", "manifest", "checkpoint_dir",
)  # fmt: skip
_HELP = ("-h", "-help", "--help", "--helpshort", "--helpfull")


class Flags(NamedTuple):
    """A command's flags.

    Attributes:
      options: The dataclasses whose fields are flags.
      extra: More flags, name to help.
      without: Fields that are not flags of this command.
      positional: Flags whose values may also be given without their names, in this order.
      rest: A flag that takes all other arguments, joined by spaces.
      first: Flags that `--help` shows; `--helpfull` shows all. Empty: both show all.
    """

    options: tuple[type, ...] = ()
    extra: dict[str, str] = {}
    without: tuple[str, ...] = ()
    positional: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    rest: str = ""

    @property
    def fields(self) -> list[dataclasses.Field]:
        """The fields that are flags; of two with one name the first."""
        found: dict[str, dataclasses.Field] = {}
        for kind in self.options:
            for field in dataclasses.fields(kind):
                if field.name not in self.without:
                    found.setdefault(field.name, field)
        return list(found.values())


class Stylization(NamedTuple):
    """A stylization from its flags: options, files, the preset's name, and the names of options given as flags."""

    config: StylizeConfig
    files: Any
    preset: str
    given: tuple[str, ...]


def asks_for_help(argv: list[str]) -> bool:
    """Whether one of the arguments is a flag for help."""
    return any(argument in _HELP for argument in argv)


def stylization(given: dict[str, str], files: type = StylizeFiles) -> Stylization:
    """Reads the flags of a command that takes a preset, options of `StylizeConfig`, and the dataclass `files`.

    Raises:
      ConfigError: A value that is not allowed, or options that would have no effect.
    """
    preset = given.pop("preset", DEFAULT_PRESET)
    names = tuple(given)
    taken = take(files, given)
    config = preset_config(preset).replace(**given)
    check_given(config, names)
    return Stylization(config, taken, load_preset(preset).name, tuple(given))


def require(given: dict[str, str], names: Iterable[str], example: str) -> None:
    """Raises ConfigError unless the flags with these names were given; `example` is a command that has them."""
    missing = [f"--{name}" for name in names if not given.get(name)]
    if missing:
        raise ConfigError(f"{', '.join(missing)} must be given: {example}")


def parse(command: str, known: Flags, argv: list[str]) -> dict[str, Any]:
    """Parses a command's flags; returns those given, as text, and lists of files as tuples.

    `~` expands in all of them. Commas separate the files of a list, unless there is a file of the whole name, and the
    flag of a list may be repeated.

    Args:
      command: The command's name, for messages.
      known: Its flags.
      argv: Arguments; `--flagfile=FILE` works.

    Raises:
      ConfigError: An unknown flag ("Did you mean ...?"), a flag without a value, an argument too many, or a value given
        twice, by name and by position.
    """
    values = flags.FlagValues()
    for field in known.fields:
        define: Any = _define_switch if is_switch(field) else flags.DEFINE_string
        define = flags.DEFINE_multi_string if _holds_files(field) else define
        define(field.name, None, field.metadata["help"], flag_values=values)
    for name, text in known.extra.items():
        flags.DEFINE_string(name, None, text, flag_values=values)
    try:
        rest = values([command, *argv])[1:]
    except flags.UnrecognizedFlagError as error:
        raise ConfigError(_unknown(command, error, values)) from None
    except flags.Error as error:
        raise ConfigError(f"{' '.join(str(error).split())} ({_see_help(command)})") from None
    given = {name: flag.value for name, flag in values._flags().items() if flag.present and flag.value is not None}
    for name, value in zip(known.positional, rest, strict=False):
        if name in given:
            other = given[name][0] if isinstance(given[name], list) else given[name]
            raise ConfigError(f"{name} was given twice, as {value!r} and as --{name}={other}; leave one out.")
        given[name] = value
    if known.rest and rest:
        if known.rest in given:
            raise ConfigError(f"{known.rest} was given twice, as {rest[0]!r} and as --{known.rest}; leave one out.")
        given[known.rest], rest = " ".join(rest), []
    if len(rest) > (count := len(known.positional)):
        allowed = f"at most {', '.join(known.positional)} can be given without --" if count else "all options are flags"
        raise ConfigError(f"Unexpected argument {rest[count]!r}; {allowed} ({_see_help(command)}).")
    lists = [field.name for field in known.fields if _holds_files(field)]
    return {name: _file_names(value) if name in lists else _expanded(value) for name, value in given.items()}


class _SwitchParser(flags.BooleanParser):
    """Reads true, false and auto; what is allowed is checked later."""

    def parse(self, argument: Any) -> Any:
        return argument if argument == "auto" else super().parse(argument)


def _define_switch(name: str, default: Any, help: str, flag_values: flags.FlagValues) -> None:
    flag = flags.BooleanFlag(name, default, help)
    flag.parser = _SwitchParser()
    flags.DEFINE_flag(flag, flag_values)


def _holds_files(field: dataclasses.Field) -> bool:
    return isinstance(field.default, tuple) and field.metadata["group"] in ("files", "masks")


def _expanded(value: Any) -> Any:
    return os.path.expanduser(picture_file(value)) if isinstance(value, str) else value


def _file_names(given: str | list[str]) -> tuple[str, ...]:
    names: list[str] = []
    for text in [given] if isinstance(given, str) else given:
        whole = os.path.expanduser(text)
        names += (
            [whole] if os.path.exists(whole) else (_expanded(part.strip()) for part in text.split(",") if part.strip())
        )
    return tuple(names)


def _unknown(command: str, error: flags.UnrecognizedFlagError, values: flags.FlagValues) -> str:
    """What to write instead of a flag that does not exist: ours, if another style transfer program has it."""
    name = error.flagname.replace("-", "_")
    instead = f"--{name}" if name in values else _ELSEWHERE.get(name, "")
    if instead.removeprefix("--").partition("=")[0] in values or (instead and not instead.startswith("--")):
        return f"Unknown flag {error.flagname}; here it is {instead}. ({_see_help(command)})"
    return f"{' '.join(str(error).split())} ({_see_help(command)})"


def _see_help(command: str) -> str:
    return f"tf-style {command} --help lists the flags"


def take(kind: type, given: dict[str, str]) -> Any:
    """Makes a dataclass of options from its flags, and removes them from `given`.

    Raises:
      ConfigError: A value that cannot be read or is not allowed.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    return kind(**{name: parse_value(fields[name], given.pop(name)) for name in fields if name in given})


def help_text(usage: str, known: Flags, argv: list[str]) -> str:
    """Lists the flags in groups, one per line: all, or those that matter first."""
    short = bool(known.first) and "--helpfull" not in argv
    groups: dict[str, list[str]] = {"": [_line(f"--{name}", text, "") for name, text in known.extra.items()]}
    for field in known.fields:
        if short and field.name not in known.first:
            continue
        name = f"--[no]{field.name}" if is_switch(field) else f"--{field.name}"
        choices, minimum = "|".join(field.metadata["choices"]), field.metadata["minimum"]
        about = field.metadata["help"] + (f" ({choices})" if choices else "")
        facts = [_default(field.default), "" if minimum is None else f"at least {minimum:g}"]
        line = _line(name, about, "; ".join(filter(None, facts)))
        groups.setdefault("" if short else field.metadata["group"], []).append(line)
    lines = [usage]
    for group, members in groups.items():
        if members:
            lines += ["", f"{group}:"] if group else [""]
            lines += members
    if short:
        lines += ["", f"These matter most; --helpfull lists all {len(known.fields) + len(known.extra)} flags."]
    overriding = "Presets and flags override" if "preset" in known.extra else "Flags override"
    return "\n".join([*lines, "", f"--flagfile=FILE reads flags from a file. {overriding} the defaults shown."])


def _line(name: str, text: str, facts: str) -> str:
    return f"  {name:<26} {text}" + (f" [{facts}]" if facts else "")


def _default(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if not isinstance(value, bool) else str(value).lower()

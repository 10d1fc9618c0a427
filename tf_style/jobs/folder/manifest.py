"""A list of pictures to paint, as CSV or JSONL: a row each, with content, styles and options."""

from __future__ import annotations

import csv
import dataclasses
import difflib
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles, check_given, parse_value
from tf_style.jobs.run.inputs import check_options
from tf_style.networks.archive import EMBEDDED, NETWORK_FILE
from tf_style.presets import preset_config, preset_names

#: Columns that hold files; in CSV, "|" separates the items of lists (styles and their masks).
_FILES = ("content", "style", "output", "color_from", "content_mask", "style_masks", "keep_mask")
_LISTS = ("style", "style_masks")
#: Options that are files.
_OPTIONS_THAT_ARE_FILES = ("weights", "network", "preset")
#: Columns that hold files or names; known names take precedence.
_MAY_BE_NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "style": tuple, "network": lambda: EMBEDDED, "preset": preset_names,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Row:
    """A picture to paint; `number` is its place in the list, counted from 1."""

    number: int
    config: StylizeConfig
    files: StylizeFiles


def read_manifest(config: StylizeConfig, files: StylizeFiles, given: tuple[str, ...] = ()) -> list[Row]:
    """Reads all rows and checks everything except the pictures themselves.

    A row has a content and may have options of its own: any of `StylizeConfig` (they override the command's),
    "preset", masks, and an output. Paths are relative to the list's folder. By default the output has the content's
    name.

    Args:
      config: The command's options.
      files: The command's files: `manifest`, `output` (a folder), and defaults for the rows.
      given: Names of the options given beside the preset.

    Raises:
      ConfigError: The list cannot be read, or a row asks for something that is not allowed.
    """
    path = Path(files.manifest)
    rows = [_row(number, values, config, files, given) for number, values in enumerate(_read(path), 1)]
    if not rows:
        raise ConfigError(f"The manifest '{path}' has no rows; give one for each picture.")
    taken: dict[str, Row] = {}
    for row in rows:
        other = taken.setdefault(row.files.output, row)
        if other is not row:
            raise ConfigError(
                f"{_place(path, row.number)} has the same output as row {other.number}, {row.files.output}; give each "
                "its own."
            )
    _check_places(rows, path, files)
    return rows


def _check_places(rows: list[Row], path: Path, files: StylizeFiles) -> None:
    """Raises ConfigError if a painting or the record would overwrite a file that is read."""
    inputs: dict[str, str] = {os.path.realpath(path): "the manifest"}
    for row in rows:
        own = row.files
        for name in (own.content, *own.style, own.color_from, own.content_mask, *own.style_masks, own.keep_mask):
            if name:
                inputs.setdefault(os.path.realpath(name), f"a picture of row {row.number}")
    for row in rows:
        other = inputs.get(os.path.realpath(row.files.output))
        if other:
            raise ConfigError(
                f"{_place(path, row.number)} would overwrite {row.files.output}, which is {other}; give another "
                "output, or another --output folder."
            )
    if files.json:
        outputs = {os.path.realpath(row.files.output): "a painting" for row in rows}
        other = {**inputs, **outputs}.get(os.path.realpath(files.json))
        if other:
            raise ConfigError(f"--json={files.json} is also {other} of this run; choose another name.")


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the values of each row by column, as written."""
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise ConfigError(f"--manifest={path} must end in .csv or .jsonl; save the list as one of these.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"The manifest '{path}' cannot be read ({reason}); check the path and the file.") from None
    yield from (_csv_rows if path.suffix.lower() == ".csv" else _json_rows)(path, text)


def _csv_rows(path: Path, text: str) -> Iterator[dict[str, Any]]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [name.strip() for name in _next_line(path, lines, 0) or []]
    if "content" not in header:
        raise ConfigError(
            f"The manifest '{path}' must begin with a line of comma-separated column names that include content, but "
            f"it begins with {','.join(header)!r}."
        )
    repeated = _repeated([name for name in header if name])
    if repeated:
        raise ConfigError(f"The manifest '{path}' has the column {repeated!r} twice; keep one of them.")
    number = 0
    while (line := _next_line(path, lines, number + 1)) is not None:
        if not any(line):
            continue
        number += 1
        if len(line) != len(header):
            raise ConfigError(f"{_place(path, number)} has {len(line)} values, but there are {len(header)} columns.")
        yield {name: value.strip() for name, value in zip(header, line, strict=True) if value.strip()}


def _next_line(path: Path, lines: Iterator[list[str]], number: int) -> list[str] | None:
    """The values of row `number` (0: the column names), or None after the last row."""
    place = _place(path, number) if number else f"The first line of the manifest '{path}'"
    try:
        line = next(lines, None)
    except csv.Error as error:
        raise ConfigError(f"{place} is not valid CSV ({error}); look for a stray or unclosed quote.") from None
    if any("\n" in value or "\r" in value for value in line or []):  # else rows would be lost silently
        raise ConfigError(f"{place} has a value that spans several lines; look for an unclosed quote.")
    return line


def _json_rows(path: Path, text: str) -> Iterator[dict[str, Any]]:
    number = 0
    for line in text.split("\n"):  # not splitlines(): strings may hold U+2028 and the like
        if not line.strip():
            continue
        number += 1
        try:
            values = json.loads(line, object_pairs_hook=_object)
        except KeyError as error:
            raise ConfigError(f"{_place(path, number)} has {error.args[0]!r} twice; keep one of them.") from None
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise ConfigError(
                f'{_place(path, number)} is not a JSON object; write {{"content": "photo.jpg", "style": "art.jpg"}}.'
            )
        yield {str(name): value for name, value in values.items() if value not in (None, "", [])}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; raises KeyError for a repeated name."""
    repeated = _repeated([name for name, _ in pairs])
    if repeated:
        raise KeyError(repeated)
    return dict(pairs)


def _repeated(names: list[str]) -> str:
    """The first name that is repeated, or an empty string."""
    return next((name for index, name in enumerate(names) if name in names[:index]), "")


def _row(
    number: int, values: dict[str, Any], config: StylizeConfig, files: StylizeFiles, given: tuple[str, ...]
) -> Row:
    place = _place(Path(files.manifest), number)
    options = {field.name for field in dataclasses.fields(StylizeConfig)}
    known = [*_FILES, "preset", *sorted(options)]
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(known)}."
            raise ConfigError(f"{place} has the unknown column {name!r}.{hint}")
    try:
        folder = Path(files.manifest).parent
        values = {
            name: _from(folder, name, str(value)) if name in _OPTIONS_THAT_ARE_FILES else value
            for name, value in values.items()
        }
        own = {name: _listed(value) for name, value in values.items() if name in options}
        base = config
        if "preset" in values:  # the command's own options still override it
            base = preset_config(values["preset"]).replace(**{name: getattr(config, name) for name in given})
        row_config = base.replace(**own)
        check_given(row_config, values)  # the command's own options apply to the rows that can use them
        _check_layers(row_config)
        row_files = _row_files(values, files)
        check_options(row_config, row_files)
    except (ConfigError, images.ImageError) as error:
        raise ConfigError(f"{place}: {error}") from None
    return Row(number, row_config, row_files)


def _listed(value: Any) -> Any:
    """Lets "|" separate an option's items, as it does files: no option's value contains it."""
    return value.replace("|", ",") if isinstance(value, str) else value


def _row_files(values: dict[str, Any], files: StylizeFiles) -> StylizeFiles:
    fields = {field.name: field for field in dataclasses.fields(StylizeFiles)}
    folder = Path(files.manifest).parent
    found: dict[str, Any] = {}
    for name in _FILES:
        if name not in values:
            continue
        value = values[name]
        if name in _LISTS:
            items = value.split("|") if isinstance(value, str) else parse_value(fields[name], value)
            found[name] = tuple(_from(folder, name, item.strip()) for item in items)
        else:
            found[name] = str(value) if name == "output" else _from(folder, name, str(value))
    if not (found.get("content_mask") or found.get("style_masks")):
        found["feather"] = fields["feather"].default  # the command's is for rows with masks
    if not found.get("content"):
        raise ConfigError("the content is missing; name the picture to paint.")
    if not (found.get("style") or files.style):
        raise ConfigError("the style is missing; name one in the row, or one for all rows with --style.")
    name = found.pop("output", "") or str(Path(found["content"]).with_suffix(f".{files.format}").name)
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ConfigError(f"the output {name!r} must lie in the --output folder; give a path below it.")
    if not Path(name).suffix:
        name = f"{name}.{files.format}"
    output = str(Path(files.output) / name)
    try:
        images.check_output_path(output, bit_depth=files.bit_depth)
    except images.ImageError as error:
        raise ConfigError(str(error)) from None
    return dataclasses.replace(files, manifest="", **found, output=output)


def _check_layers(config: StylizeConfig) -> None:
    for layer in (*config.content_layers, *config.style_layers):
        if not re.fullmatch(r"block[1-5]_conv[1-4]|(conv|relu)[1-5]_[1-4]", layer):
            raise ConfigError(
                f"there is no layer {layer!r}; layers are block1_conv1 to block5_conv4, or conv1_1 and so on."
            )


def _from(folder: Path, column: str, text: str) -> str:
    """A column's text as a path from the list's folder, unless it is a name."""
    if column in _MAY_BE_NAMES:
        return path_or_name(folder, text, _MAY_BE_NAMES[column]())
    return str(folder / text)


def path_or_name(folder: Path, text: str, names: Iterable[str] = ()) -> str:
    """The path of a file in a folder; a single word stays a name if it is known, or no such file exists.

    Args:
      folder: The list's folder.
      text: A path or a name.
      names: Known names, which take precedence over files.
    """
    path = folder / text
    if not text or (path.name == text and not path.suffix and (text in names or not _is_there(path))):
        return text
    return str(path)


def _is_there(path: Path) -> bool:
    return path.is_file() or (path / NETWORK_FILE).is_file()


def _place(path: Path, number: int) -> str:
    return f"Row {number} of the manifest '{path}'"

"""The pictures of a run, read and checked before any model loads."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles, check_masks
from tf_style.networks.archive import EMBEDDED, check_style, find_network, read_card
from tf_style.words.choice import Choice, choose
from tf_style.words.library import StyleLibrary
from tf_style.words.naming import LibraryError, picture_file

FIGURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".pdf", ".svg")


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The checked pictures of a run: the content at the size to paint, and the styles at their own sizes.

    A network of named styles has `style_names`, and `styles` is empty. `colors` is the picture whose colours to match,
    if it is not the content. Transparent pixels have the colours of their neighbours.
    """

    content: images.Picture
    styles: tuple[images.Picture, ...]
    style_names: tuple[str, ...] = ()
    colors: images.Picture | None = None
    masks: images.Masks = dataclasses.field(default_factory=images.Masks)

    def all_pixels(self) -> dict[str, np.ndarray]:
        """All pictures, alphas and masks by purpose: they distinguish one run from another."""
        pictures = {"content": self.content, **{f"style {index}": style for index, style in enumerate(self.styles)}}
        if self.colors is not None:
            pictures["colors"] = self.colors
        found = {name: picture.pixels for name, picture in pictures.items()}
        found |= {f"{name} alpha": picture.alpha for name, picture in pictures.items() if picture.alpha is not None}
        return found | self.masks.arrays()


def read_inputs(config: StylizeConfig, files: StylizeFiles, *, styles_are_names: bool = False) -> Inputs:
    """Checks all that needs no model, and reads the pictures.

    Args:
      config: All options.
      files: What to read.
      styles_are_names: The styles are names, known to a server only.

    Raises:
      ImageError, ConfigError: What was given cannot be used.
    """
    images.check_output_path(files.output, bit_depth=files.bit_depth)
    check_single(files)
    check_options(config, files)
    check_reports(files)
    content = read_content(Path(files.content), config, files)
    styles, names = ((), files.style) if styles_are_names else read_styles(config, files)
    return Inputs(content, styles, names, read_colors(files), read_masks(content, files))


def check_options(config: StylizeConfig, files: StylizeFiles) -> None:
    """Raises ConfigError unless each style has a share, colours can be matched, and the weights file exists."""
    if config.needs_style and not files.style:
        raise ConfigError("--style must be given, except with words through CLIP, --style_weight=0 and --init=content.")
    check_shares(config, files.style)
    if (files.color_from or config.color_stage != "auto") and not config.matches_colors:
        option = f"color_from={files.color_from}" if files.color_from else f"color_stage={config.color_stage}"
        raise ConfigError(
            f"--{option} needs --preserve_color=linear or histogram, but it is {config.preserve_color}; give one of "
            "them as well."
        )
    check_mask_options(config, files)
    check_weights(config.weights)


def check_mask_options(config: StylizeConfig, files: StylizeFiles) -> None:
    """Raises ConfigError unless the masks fit the styles and the other options."""
    images.check_mask_count(len(files.style_masks), len(files.style))
    check_masks(config, content_mask=bool(files.content_mask), num_style_masks=len(files.style_masks))
    if files.feather != StylizeFiles.feather and not (files.content_mask or files.style_masks):
        raise ConfigError("feather needs a mask; give --content_mask or --style_masks as well.")


def read_content(path: Path, config: StylizeConfig, files: StylizeFiles) -> images.Picture:
    """Reads a content at the size to paint.

    Raises:
      ImageError: It cannot be read, or the result would be too small or too large.
    """
    content = images.read_visible(path, max_pixels=files.max_pixels)
    size = images.painting_size(content.size, config.size, multiple=config.side_multiple)
    if size[0] * size[1] > files.max_pixels:
        raise images.ImageError(
            f"The result would have {size[0] * size[1]} pixels, above max_pixels={files.max_pixels}; lower --size or "
            f"raise --max_pixels."
        )
    return images.resize(content, size)


def read_styles(config: StylizeConfig, files: StylizeFiles) -> tuple[tuple[images.Picture, ...], tuple[str, ...]]:
    """Reads the styles, or returns their names if the config's network knows named ones.

    Raises:
      ImageError, LibraryError, NetworkError: A style cannot be read, or is unknown.
    """
    names = _style_names(config, files)
    if names:
        return (), names
    return tuple(images.read_visible(picture_file(path), max_pixels=files.max_pixels) for path in files.style), ()


def find_styles(text: str, library: str, *, far: bool) -> Choice:
    """The styles that words describe, and the options that they set.

    Args:
      text: The words.
      library: The folder of a style library; empty: the package's own.
      far: Whether --any was given.

    Raises:
      LibraryError, ValueError: The words find nothing, or there is no such library.
    """
    try:
        return choose(text, StyleLibrary.open(library), far=far)
    except LibraryError as error:
        hint = " To take them all the same, give --any." if "nearest" in str(error) else ""
        raise LibraryError(f"{error}{hint}") from None


def check_takes_pictures(network: str, why: str = "style_text finds pictures") -> None:
    """Raises ConfigError if pictures are the styles (`why` says so) for a network that knows its own only."""
    names = read_card(find_network(network)).get("styles") if network else None
    if names:
        raise ConfigError(
            f"{why}, but network={network} knows its own styles only; give one of them as --style, "
            f"such as {names[0]}, or --network=arbitrary."
        )


def read_masks(content: images.Picture, files: StylizeFiles) -> images.Masks:
    """Reads the masks at the content's size.

    Args:
      content: At the size to paint.
      files: What to read.

    Raises:
      ImageError: A mask cannot be read, has another aspect, or is all black.
    """

    def read(option: str, path: str) -> np.ndarray:
        return images.read_mask(option, path, content.size, max_pixels=files.max_pixels)

    return images.make_masks(
        content,
        content_mask=read("content_mask", files.content_mask) if files.content_mask else None,
        style_masks=[read("style_masks", path) for path in files.style_masks],
        keep_mask=read("keep_mask", files.keep_mask) if files.keep_mask else None,
        feather=files.feather,
    )


def read_colors(files: StylizeFiles) -> images.Picture | None:
    """Reads the picture whose colours to match, if it is not the content.

    Raises:
      ImageError: It cannot be read.
    """
    return images.read_visible(files.color_from, max_pixels=files.max_pixels, min_side=1) if files.color_from else None


def _style_names(config: StylizeConfig, files: StylizeFiles) -> tuple[str, ...]:
    """The styles' names, if the config's network knows only named ones."""
    known = read_card(find_network(config.network)).get("styles") if config.network else None
    if not known:
        for style in files.style:
            _hint_at_names(style)
        return ()
    for name in files.style:
        check_style(name, known)
    return files.style


def _hint_at_names(style: str) -> None:
    """Raises ConfigError if the style is not a file, but the name of a style that an embedded network knows."""
    if Path(picture_file(style)).exists():
        return
    for network, path in EMBEDDED.items():
        if style in read_card(path).get("styles", ()):
            raise ConfigError(
                f"--style={style} is not a file, but the network {network} knows a style of that name; add "
                f"--network={network}, or give the path of a picture."
            )


def check_single(files: StylizeFiles) -> None:
    """Raises ConfigError if an option for folders was given."""
    for field in dataclasses.fields(files):
        if field.metadata["group"] == "folder" and getattr(files, field.name) != field.default:
            raise ConfigError(
                f"--{field.name} is for folders, but --content={files.content} is not one; leave --{field.name} out."
            )


def check_reports(files: StylizeFiles) -> None:
    """Raises ConfigError if a file would overwrite another one of this run, or cannot be written."""
    others = (files.color_from, files.content_mask, *files.style_masks, files.keep_mask)
    inputs = [files.content, *files.style, *(path for path in others if path)]
    check_outputs(files, inputs, ("output", "figure", "json"))
    if files.figure and Path(files.figure).suffix.lower() not in FIGURE_SUFFIXES:
        raise ConfigError(f"--figure={files.figure} must end in one of {', '.join(FIGURE_SUFFIXES)}.")
    for option in ("figure", "json", "checkpoint_dir", "tensorboard_dir"):
        check_writable(option, getattr(files, option))


def check_outputs(files: Any, inputs: Iterable[str], options: Iterable[str]) -> None:
    """Raises ConfigError if one of the files that these options name would overwrite an input, or another of them."""
    taken = {os.path.realpath(path): "an input" for path in inputs}
    for option in options:
        name = getattr(files, option)
        if not name:
            continue
        other = taken.setdefault(os.path.realpath(name), f"--{option}")
        if other != f"--{option}":
            raise ConfigError(f"--{option}={name} is also {other} of this run; choose another name.")


def check_shares(config: StylizeConfig, styles: Sequence[str]) -> None:
    """Raises ConfigError unless each style has a share, or none has."""
    if config.style_blend and len(config.style_blend) != len(styles):
        raise ConfigError(
            f"style_blend has {len(config.style_blend)} shares for {len(styles)} styles; give one for each."
        )


def check_weights(name: str) -> None:
    """Raises ConfigError if a weights file is named but does not exist."""
    if name and not Path(name).is_file():
        raise ConfigError(f"--weights={name} is not a file; give the path of one, or leave --weights out.")


def check_writable(option: str, name: str) -> None:
    """Raises ConfigError unless an option's file (or folder, for `..._dir`) can be written."""
    if not name:
        return
    path = Path(name).absolute()
    is_folder = option.endswith("_dir")
    if path.exists() and path.is_dir() != is_folder:
        raise ConfigError(f"--{option} must name a {'folder' if is_folder else 'file'}, but {name} is not one.")
    folder = next(parent for parent in (path if is_folder else path.parent, *path.parents) if parent.exists())
    if not folder.is_dir():
        raise ConfigError(f"--{option}={name} cannot be written: {folder} is a file; choose another place.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"--{option}={name} cannot be written: no permission in {folder}; choose another place.")

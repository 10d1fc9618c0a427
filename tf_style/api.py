"""`stylize`: two pictures in, a painting out, in one call."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from PIL import Image as Pil

from tf_style import images
from tf_style.build import choose_network, shared_stylizer
from tf_style.config import DEFAULT_PRESET, ClipOptions, ConfigError, StylizeConfig, check_given, check_masks
from tf_style.presets import preset_config
from tf_style.taste.profile import Profile
from tf_style.types import Progress
from tf_style.words.choice import choose
from tf_style.words.library import StyleLibrary
from tf_style.words.naming import picture_file

#: A file (its path, its bytes, or open for reading bytes), an image of Pillow in any mode, or pixels: uint8, uint16 or
#: float in [0, 1], [H, W], [H, W, C] or a batch [B, H, W, C], where C is 1 (grey), 3 (RGB) or 4 (RGB and alpha).
Picture: TypeAlias = str | os.PathLike | bytes | BinaryIO | Pil.Image | np.ndarray | tf.Tensor


def stylize(
    content: Picture,
    style: Picture | Sequence[Picture] | None = None,
    preset: str = DEFAULT_PRESET,
    *,
    content_mask: Picture | None = None,
    style_masks: Sequence[Picture] = (),
    keep_mask: Picture | None = None,
    style_text: str = "",
    style_library: str | os.PathLike | StyleLibrary = "",
    text_guidance: str = "library",
    profile: str | os.PathLike | Profile = "",
    on_step: Callable[[Progress], None] | None = None,
    progress: bool | None = None,
    **overrides: Any,
) -> tf.Tensor:
    """Paints `content` in the style of one or several pictures.

    The model is kept between calls with the same options.

    Args:
      content: A path, a file's bytes, a file object, an image of Pillow, an array or a tensor. Arrays are uint8, uint16
        or float in [0, 1]: [H, W], [H, W, C] or a batch [B, H, W, C], with 1 (grey), 3 (RGB) or 4 (RGB and alpha)
        channels. Transparent pixels are ignored, in styles too.
      style: A picture in the same form, or a list of them (see `style_blend`); "library:starry_night" is a picture of
        the package's style library. For a network of named styles, a name or a list of names.
      preset: Name of a preset (see `tf_style.preset_names()`) or path of a flagfile.
      content_mask: White (or true) where the content is painted, black where it is left unchanged; of any size, in the
        content's aspect.
      style_masks: One for each style: white where the style goes. Edges between two styles are as soft as the masks.
      keep_mask: White where the content stays recognizable (see `keep_weight`).
      style_text: Instead of `style`: words that describe the painting. The nearest pictures of the style library are
        mixed, and words of colour, light and strength set options that you do not give (see `tf_style.words.choice`).
      style_library: A folder of pictures with a `captions.csv`, or an open `StyleLibrary`; "": the package's own.
      text_guidance: "clip": `style_text` guides the painting through the CLIP model in the folder `clip_preset`, alone
        or together with `style`. It needs a GPU.
      profile: The file of a taste (see `tf_style.taste`), or a `Profile`. Without `style` and `style_text` its pictures
        are mixed; it sets strength and colours that neither you nor the words give.
      on_step: Called with a `Progress` after each step.
      progress: Whether to show a progress bar (`keras.utils.Progbar`); None: in notebooks only.
      **overrides: Options of `StylizeConfig`; `size=0` keeps the content's size.

    Returns:
      Float32 [H, W, 3] in [0, 1] ([B, H, W, 3] for a batch), in the content's aspect; with the content's alpha, if it
      has one, [H, W, 4].

    Raises:
      ConfigError: Unknown preset or option, a value that is not allowed, or options that cannot be combined.
      TasteError: The profile cannot be read.
      LibraryError: No picture is near the words, or the library cannot be read.
      ImageError: A file or array is not a usable picture, or a picture is too small or too narrow.
      WeightsError: The backbone's weights are missing or do not fit.
      NetworkError: The network's file is missing or does not fit, or it does not know a named style.

    Example:
      >>> painting = tf_style.stylize("photo.jpg", "painting.jpg", preset="draft", size=512)
      >>> tf_style.write_image("out.png", painting.numpy())
      >>> tf_style.to_pil(painting)  # shows it in a notebook
    """
    if text_guidance not in ("library", "clip"):
        raise ConfigError(f"text_guidance must be library or clip, but {text_guidance!r} was given.")
    through_clip = text_guidance == "clip"
    if through_clip and not style_text:
        raise ConfigError("text_guidance is for words; give style_text as well, or leave it out.")
    taste = profile if isinstance(profile, Profile) else Profile.read(profile) if profile else Profile()
    if style is None and not style_text and not taste.styles:
        raise ConfigError("Give a style, style_text, or a profile that holds choices, one of them.")
    if style is not None and style_text and not through_clip:
        raise ConfigError("Give a style or style_text, one of them.")
    if style_library and (through_clip or not style_text):
        raise ConfigError("style_library is for styles found by words; give style_text as well, or leave it out.")
    base = preset_config(preset)
    if through_clip:
        overrides = {**ClipOptions.of(style_text, with_style=style is not None), **overrides}
        style = [] if style is None else style
    elif style_text:
        _check_no_names(base.replace(**overrides), "style_text finds")
        choice = choose(style_text, _library(style_library))
        style, overrides = choice.styles, {**choice.options, **overrides}
    mixed = taste.styles if style is None else ()
    if style is None:
        _check_no_names(base.replace(**overrides), "a profile holds")
        style = mixed
    overrides = {**taste.options_beside(overrides, mixed), **overrides}
    config = base.replace(**overrides)
    check_given(config, [*overrides, "content", *(["keep_mask"] if keep_mask is not None else [])])
    for name in {"tile_size", "tile_steps"} & overrides.keys():
        raise ConfigError(f"{name} is for tf-style stylize, but tf_style.stylize paints whole pictures; leave it out.")
    styles: Sequence[Any] = style if isinstance(style, list | tuple) else [style]
    _check_styles(config, len(styles), needed=config.needs_style)
    images.check_mask_count(len(style_masks), len(styles))
    check_masks(config, content_mask=content_mask is not None, num_style_masks=len(style_masks))
    pictures = read_pictures(content)
    size = images.painting_size(pictures[0].size, config.size, multiple=config.side_multiple)
    pictures = [images.resize(picture, size) for picture in pictures]
    named = _has_names(config)
    masks = _masks(pictures, content_mask, style_masks, keep_mask)
    num_regions = masks["regions"].shape[-1] if "regions" in masks else 0
    painting = shared_stylizer(config, num_regions=num_regions, keep="keep" in masks)(
        tf.constant(np.stack([picture.pixels for picture in pictures])),
        [str(name) for name in styles] if named else [read_style(picture) for picture in styles],
        masks=masks,
        on_step=_shown(on_step, progress),
    )
    if any(picture.alpha is not None for picture in pictures):
        opaque = np.ones(size, np.float32)
        alphas = np.stack([opaque if picture.alpha is None else picture.alpha for picture in pictures])
        painting = tf.concat([painting, alphas[..., np.newaxis]], -1)
    return painting if _is_batch(content) else painting[0]


def _has_names(config: StylizeConfig) -> bool:
    return bool(config.network and choose_network(config).card.get("styles"))


def _check_no_names(config: StylizeConfig, what: str) -> None:
    if _has_names(config):
        raise ConfigError(
            f"{what} pictures, but network={config.network} knows its own styles only; give one of their "
            "names as style."
        )


def _library(given: str | os.PathLike | StyleLibrary) -> StyleLibrary:
    return given if isinstance(given, StyleLibrary) else StyleLibrary.open(os.fspath(given))


def _check_styles(config: StylizeConfig, count: int, *, needed: bool) -> None:
    if needed and not count:
        raise images.ImageError("No style picture was given; give at least one.")
    if config.style_blend and len(config.style_blend) != count:
        raise images.ImageError(
            f"style_blend has {len(config.style_blend)} shares for {count} style pictures; give one for each."
        )


def _masks(
    contents: list[images.Picture],
    content_mask: Picture | None,
    style_masks: Sequence[Picture],
    keep_mask: Picture | None,
) -> dict[str, tf.Tensor]:
    """The masks at the contents' size, by name; those that are given hold for the whole batch."""
    size = contents[0].size

    def at_size(option: str, mask: Picture) -> np.ndarray:
        if isinstance(mask, str | os.PathLike):
            return images.read_mask(option, os.fspath(mask), size, max_pixels=images.DEFAULT_MAX_PIXELS)
        if not (_is_file(mask) or isinstance(mask, Pil.Image)):
            pixels = np.asarray(mask)
            mask = pixels.astype(np.float32) if pixels.dtype == np.bool_ else pixels
        return images.resize_mask(option, "the mask", read_pictures(mask, min_side=1)[0], size)

    given: dict[str, Any] = {
        "content_mask": None if content_mask is None else at_size("content_mask", content_mask),
        "style_masks": [at_size("style_masks", mask) for mask in style_masks],
        "keep_mask": None if keep_mask is None else at_size("keep_mask", keep_mask),
    }
    found = images.stack_masks([images.make_masks(content, **given) for content in contents], size)
    return {name: tf.constant(mask) for name, mask in found.items()}


def read_style(picture: Picture) -> tf.Tensor:
    """Style pictures [B, h, w, 3], or [B, h, w, 4] with an alpha."""
    found = [images.with_own_alpha(own) for own in read_pictures(picture)]
    channels = max(own.shape[-1] for own in found)  # those that are opaque get an alpha if another has one
    found = [np.pad(own, [(0, 0), (0, 0), (0, channels - own.shape[-1])], constant_values=1) for own in found]
    return tf.constant(np.stack(found))


def read_pictures(picture: Picture, *, min_side: int = images.MIN_SIDE) -> list[images.Picture]:
    """The pictures of a batch, without what is hidden under their transparency."""
    if isinstance(picture, Pil.Image):
        found = [images.from_pil(picture)]
    elif _is_file(picture):
        file: Any = picture_file(picture) if isinstance(picture, str) else picture
        return [images.read_visible(file, min_side=min_side)]
    else:
        values = np.asarray(picture)
        values = values[..., np.newaxis] if values.ndim == 2 else values
        has_alpha = values.ndim > 2 and values.shape[-1] == 4
        pixels = images.to_float(values[..., :3] if has_alpha else values)
        alphas = images.to_float(values[..., 3:])[..., 0] if has_alpha else np.ones(pixels.shape[:-1])
        batch = ([pixels], [alphas]) if pixels.ndim == 3 else (pixels, alphas)
        found = [images.Picture(own, alpha if has_alpha else None) for own, alpha in zip(*batch, strict=True)]
    if min(found[0].size) < min_side:
        height, width = found[0].size
        raise images.ImageError(
            f"Each side of a picture must have at least {min_side} pixels, but one of {width}x{height} was given; give "
            "a larger picture."
        )
    return [images.fill_transparent(own) for own in found]


def _is_file(picture: Picture) -> bool:
    return isinstance(picture, str | os.PathLike | bytes) or hasattr(picture, "read")


def _is_batch(picture: Picture) -> bool:
    return not isinstance(picture, Pil.Image) and not _is_file(picture) and np.asarray(picture).ndim == 4


def _shown(on_step: Callable[[Progress], None] | None, progress: bool | None) -> Callable[[Progress], None] | None:
    """The function to call after each step: shows a progress bar if asked to."""
    if not ("ipykernel" in sys.modules if progress is None else progress):
        return on_step
    bars: list[keras.utils.Progbar] = []

    def show(step: Progress) -> None:
        if not bars:
            bars.append(keras.utils.Progbar(step.num_steps, stateful_metrics=["loss"], unit_name="step"))
        bars[0].update(step.step, [("loss", step.loss)])
        if on_step is not None:
            on_step(step)

    return show

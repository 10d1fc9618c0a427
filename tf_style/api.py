"""`stylize`: two pictures in, a painting out, in one call."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.build import choose_network, shared_stylizer
from tf_style.config import DEFAULT_PRESET, ConfigError, StylizeConfig, check_given, check_masks
from tf_style.presets import preset_config
from tf_style.types import Image, Progress

#: A path, or pixels: uint8, uint16 or float in [0, 1], [H, W, 3] or [B, H, W, 3].
Picture: TypeAlias = str | os.PathLike | np.ndarray | tf.Tensor


def stylize(
    content: Picture,
    style: Picture | Sequence[Picture],
    preset: str = DEFAULT_PRESET,
    *,
    content_mask: Picture | None = None,
    style_masks: Sequence[Picture] = (),
    keep_mask: Picture | None = None,
    on_step: Callable[[Progress], None] | None = None,
    **overrides: Any,
) -> tf.Tensor:
    """Paints `content` in the style of one or several pictures.

    The model is kept between calls with the same options.

    Args:
      content: A path, an array or a tensor: uint8, uint16 or float in [0, 1], [H, W, 3] or a batch [B, H, W, 3].
        Transparent pixels of a file are ignored, in styles too.
      style: A picture in the same form, or a list of them (see `style_blend`). For a network of named styles, a name
        or a list of names.
      preset: Name of a preset (see `tf_style.preset_names()`) or path of a flagfile.
      content_mask: White (or true) where the content is painted, black where it is left unchanged; of any size, in the
        content's aspect.
      style_masks: One for each style: white where the style goes. Edges between two styles are as soft as the masks.
      keep_mask: White where the content stays recognizable (see `keep_weight`).
      on_step: Called with a `Progress` after each step.
      **overrides: Options of `StylizeConfig`; `size=0` keeps the content's size.

    Returns:
      Float32 [H, W, 3] in [0, 1] ([B, H, W, 3] for a batch), in the content's aspect.

    Raises:
      ConfigError: Unknown preset or option, a value that is not allowed, or options that cannot be combined.
      ImageError: A file or array is not a usable picture, or a picture is too small or too narrow.
      WeightsError: The backbone's weights are missing or do not fit.
      NetworkError: The network's file is missing or does not fit, or it does not know a named style.

    Example:
      >>> painting = tf_style.stylize("photo.jpg", "painting.jpg", preset="draft", size=512)
      >>> tf_style.write_image("out.png", painting.numpy())
    """
    config = preset_config(preset).replace(**overrides)
    check_given(config, [*overrides, "content", *(["keep_mask"] if keep_mask is not None else [])])
    for name in {"tile_size", "tile_steps"} & overrides.keys():
        raise ConfigError(f"{name} is for tf-style stylize, but tf_style.stylize paints whole pictures; leave it out.")
    styles = style if isinstance(style, list | tuple) else [style]
    _check_styles(config, len(styles))
    images.check_mask_count(len(style_masks), len(styles))
    check_masks(config, content_mask=content_mask is not None, num_style_masks=len(style_masks))
    pictures = _contents(content)
    size = images.painting_size(pictures[0].size, config.size, multiple=config.side_multiple)
    resized = [images.resize(picture, size) for picture in pictures]
    named = bool(config.network) and "styles" in choose_network(config).card
    masks = _masks(resized[0], content_mask, style_masks, keep_mask)
    painting = shared_stylizer(config, num_regions=masks.num_regions, keep=masks.keep is not None)(
        tf.constant(np.stack([picture.pixels for picture in resized])),
        [str(name) for name in styles] if named else [tf.constant(_batch(picture)) for picture in styles],
        masks={name: tf.constant(mask) for name, mask in masks.arrays().items()},
        on_step=on_step,
    )
    return painting if _rank(content) == 4 else painting[0]


def _check_styles(config: StylizeConfig, count: int) -> None:
    if not count:
        raise images.ImageError("No style picture was given; give at least one.")
    if config.style_blend and len(config.style_blend) != count:
        raise images.ImageError(
            f"style_blend has {len(config.style_blend)} shares for {count} style pictures; give one for each."
        )


def _masks(
    first: images.Picture, content_mask: Picture | None, style_masks: Sequence[Picture], keep_mask: Picture | None
) -> images.Masks:
    """The masks at the size of the first content; they hold for the whole batch."""

    def at_size(option: str, mask: Picture) -> np.ndarray:
        if isinstance(mask, str | os.PathLike):
            return images.read_mask(option, os.fspath(mask), first.size, max_pixels=images.DEFAULT_MAX_PIXELS)
        pixels = np.asarray(mask)
        pixels = pixels.astype(np.float32) if pixels.dtype == np.bool_ else pixels
        pixels = images.to_float(pixels[..., np.newaxis] if pixels.ndim == 2 else pixels)
        return images.resize_mask(option, "the array", images.Picture(pixels), first.size)

    return images.make_masks(
        first,
        content_mask=None if content_mask is None else at_size("content_mask", content_mask),
        style_masks=[at_size("style_masks", mask) for mask in style_masks],
        keep_mask=None if keep_mask is None else at_size("keep_mask", keep_mask),
    )


def _contents(content: Picture) -> list[images.Picture]:
    if isinstance(content, str | os.PathLike):
        return [images.read_visible(content)]
    return [images.Picture(pixels) for pixels in _batch(content)]


def _batch(picture: Picture) -> np.ndarray:
    """Pictures [B, H, W, 3]; [1, H, W, 4] for a file with an alpha channel."""
    if isinstance(picture, str | os.PathLike):
        return images.with_own_alpha(images.read_visible(picture))[np.newaxis]
    pixels = images.to_float(np.asarray(picture))
    if min(pixels.shape[-3:-1]) < images.MIN_SIDE:
        raise images.ImageError(
            f"Each side of a picture must have at least {images.MIN_SIDE} pixels, but an array of "
            f"{pixels.shape[-2]}x{pixels.shape[-3]} was given; give a larger picture."
        )
    return pixels if pixels.ndim == 4 else pixels[np.newaxis]


def _rank(picture: Picture | Image) -> int:
    return 3 if isinstance(picture, str | os.PathLike) else np.ndim(picture)

"""`stylize_frames`: pictures of a film or a camera in, paintings out, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.api import Picture, read_pictures, read_style
from tf_style.build import choose_network, shared_stylizer
from tf_style.config import ConfigError, check_given
from tf_style.motion import Stabilizer
from tf_style.presets import preset_config


def stylize_frames(
    frames: Iterable[Picture],
    style: Picture | Sequence[Picture],
    preset: str = "instant",
    *,
    consistency: float = 0.5,
    flow: str = "dis_medium",
    **overrides: Any,
) -> Iterator[np.ndarray]:
    """Paints frames as they come, by a network, calm along the motion. Endless sources, such as cameras, work too.

    Args:
      frames: Pictures in any form that `tf_style.stylize` takes, of one size. If the size changes, it begins anew.
      style: A picture, or a list of them; for a network of named styles, names.
      preset: Name of a preset with a network, or path of a flagfile.
      consistency: How much of the painted frame before, moved along, is mixed in: 0 (each frame alone) to 1.
      flow: How motion is found: "dis_medium", "dis_fast" (for live pictures) or "farneback".
      **overrides: Options of `StylizeConfig`; `size=0`, the default here, keeps the frames' size.

    Yields:
      Float32 [H, W, 3] in [0, 1] for each frame, as soon as it is painted.

    Raises:
      ConfigError: Unknown preset or option, or a preset without a network.
      ImageError, MotionError, NetworkError: A picture, OpenCV or the network cannot be used.

    Example:
      >>> for painting in tf_style.stylize_frames(camera, "painting.jpg", size=480, flow="dis_fast"):
      ...     show(painting)
    """
    config = preset_config(preset).replace(**{"size": 0, **overrides})
    check_given(config, overrides)
    if not config.network:
        raise ConfigError(f"Frames are painted by networks, but the preset {preset} optimises each; give instant.")
    if not 0 <= consistency <= 1:
        raise ConfigError(f"consistency must be 0 to 1, but {consistency:g} was given.")
    return _paintings(frames, style, config, Stabilizer(consistency, flow))


def _paintings(frames: Iterable[Picture], style: Any, config: Any, stabilizer: Stabilizer) -> Iterator[np.ndarray]:
    styles = style if isinstance(style, list | tuple) else [style]
    named = bool(choose_network(config).card.get("styles"))
    given = [str(name) for name in styles] if named else [read_style(picture) for picture in styles]
    stylizer: Any = shared_stylizer(config)
    size, codes = None, None
    for frame in frames:
        [picture] = read_pictures(frame)
        picture = images.resize(picture, images.painting_size(picture.size, config.size))
        if picture.size != size:
            size = picture.size
            stabilizer.begin_shot()
            content = tf.constant(picture.pixels[np.newaxis])
            codes = stylizer.encode_styles(stylizer.prepared(given, content), tf.shape(content))
        content = tf.constant(stabilizer.before(picture.pixels)[np.newaxis])
        yield stabilizer.after(np.asarray(stylizer.paint(content, codes)[0]))

"""`stylize_frames`: pictures of a film or a camera in, paintings out, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tf_style import images
from tf_style.api import Picture, read_pictures, read_style
from tf_style.build import choose_network, shared_stylizer
from tf_style.config import ConfigError, StylizeConfig, check_given
from tf_style.controls import OWN, Controls
from tf_style.frames.painters import make_painter
from tf_style.motion import flow_of
from tf_style.presets import preset_config


def stylize_frames(
    frames: Iterable[Picture],
    style: Picture | Sequence[Picture],
    preset: str = "instant",
    *,
    consistency: float = 0.5,
    flow: str = "dis_medium",
    controls: Callable[[int], Controls] | None = None,
    **overrides: Any,
) -> Iterator[np.ndarray]:
    """Paints frames as they come, calm along the motion. Endless sources, such as cameras, work too.

    Args:
      frames: Pictures in any form that `tf_style.stylize` takes, of one size. If the size changes, it begins anew.
      style: A picture, or a list of them; for a network of named styles, names.
      preset: Name of a preset, or path of a flagfile; those that optimise take seconds a frame.
      consistency: How calm the result is: 0 (each frame alone) to 1.
      flow: How motion is found: "dis_medium", "dis_fast", "dis_fast_half" (for live pictures) or "farneback".
      controls: From a frame's number, from 0, to what is otherwise than by default, such as
        `lambda number: tf_style.Controls(style_strength=min(1, number / 50))`.
      **overrides: Options of `StylizeConfig`; `size=0`, the default here, keeps the frames' size.

    Yields:
      Float32 [H, W, 3] in [0, 1] for each frame, as soon as it is painted.

    Raises:
      ConfigError: Unknown preset or option.
      ImageError, MotionError, NetworkError: A picture, OpenCV or the network cannot be used.

    Example:
      >>> for painting in tf_style.stylize_frames(camera, "painting.jpg", size=480, flow="dis_fast_half"):
      ...     show(painting)
    """
    config = preset_config(preset).replace(**{"size": 0, **overrides})
    check_given(config, overrides)
    if not 0 <= consistency <= 1:
        raise ConfigError(f"consistency must be 0 to 1, but {consistency:g} was given.")
    if consistency:
        flow_of(flow)
    return _paintings(frames, style, config, consistency, flow, controls or (lambda number: OWN))


def _paintings(
    frames: Iterable[Picture],
    style: Any,
    config: StylizeConfig,
    consistency: float,
    flow: str,
    controls: Callable[[int], Controls],
) -> Iterator[np.ndarray]:
    styles = style if isinstance(style, list | tuple) else [style]
    named = bool(config.network) and bool(choose_network(config).card.get("styles"))
    given = [str(name) for name in styles] if named else [read_style(picture) for picture in styles]
    painter, size = make_painter(shared_stylizer(config), given, consistency=consistency, flow=flow), None
    for number, frame in enumerate(frames):
        [picture] = read_pictures(frame)
        picture = images.resize(picture, images.painting_size(picture.size, config.size))
        if picture.size != size:
            size = picture.size
            painter.begin(picture.pixels)
            painter.begin_shot()
        yield painter.paint(picture.pixels, controls=controls(number))

"""`stylize_video`: a film painted from Python."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from tf_style.config import VideoFiles, check_given
from tf_style.jobs.film.run import run
from tf_style.jobs.run.inputs import check_takes_pictures, find_styles
from tf_style.presets import preset_config


def stylize_video(
    source: str | os.PathLike[str],
    style: str | os.PathLike[str] | list[str] | tuple[str, ...],
    output: str | os.PathLike[str],
    preset: str = "instant",
    **options: Any,
) -> None:
    """Paints a film, as `tf-style video` does: sound, times and colours' description are those of the source.

    Args:
      source: The film, an animation, a folder of numbered pictures, or a pattern such as "frames/%05d.png"; or with
        `audio` a single picture.
      style: A painting, or several; for a network of named styles, names. `()` if the file that `shots` names
        has one for each shot, or `style_text` describes it.
      output: The painted film (.mp4, .mov, .mkv, .webm), animation (.gif, .webp, .png, .apng), or a pattern. A run that
        was stopped goes on.
      preset: Name of a preset, or path of a flagfile.
      **options: Flags of `tf-style video` (`style_text`, `react`, `audio`, `schedule`, `consistency`, `shots`, `start`,
        `end`, `fps`, `size` and others), and options of `StylizeConfig`.

    Raises:
      AudioError, ConfigError, ImageError, LibraryError, MotionError, NetworkError, ScheduleError, VideoError: What was
        given cannot be used.
      KeyboardInterrupt: It was stopped; what is painted so far is in the output.

    Example:
      >>> tf_style.stylize_video("clip.mp4", "painting.jpg", "painted.mp4", consistency=0.8)
    """
    own = {field.name for field in dataclasses.fields(VideoFiles)}
    styles = style if isinstance(style, list | tuple) else [style]
    options = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in options.items()}
    files = VideoFiles(
        content=os.fspath(source),
        style=tuple(os.fspath(each) for each in styles),
        output=os.fspath(output),
        **{name: value for name, value in options.items() if name in own},
    )
    overrides = {name: value for name, value in options.items() if name not in own}
    config = preset_config(preset).replace(**overrides)
    if files.style_text and not files.lists_shots:
        check_takes_pictures(config.network)
        choice = find_styles(files.style_text, files.style_library, far=files.any)
        files = dataclasses.replace(files, style=choice.styles, style_text="")
        config = config.replace(**{**choice.options, **overrides})
    check_given(config, overrides)
    if run(config, files, preset):
        raise KeyboardInterrupt

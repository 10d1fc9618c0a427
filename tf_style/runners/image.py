"""One stylization from files to files: check, paint, report, survive interruptions."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from pathlib import Path
from typing import Any

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.runners.progress import ProgressDisplay
from tf_style.runners.quiet import quiet_tensorflow


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The pictures of a run, checked: the content at the size it will be painted in, and the styles as they are."""

    content: images.Picture
    styles: tuple[images.Picture, ...]


def read_inputs(config: StylizeConfig, files: StylizeFiles) -> Inputs:
    """Checks everything that can be checked without a model, and reads the pictures.

    Raises:
      ImageError, ConfigError: With one sentence that says what came, what is allowed and what to do.
    """
    images.check_output_path(files.output, bit_depth=files.bit_depth)
    if config.style_blend and len(config.style_blend) != len(files.style):
        raise ConfigError(
            f"{len(config.style_blend)} shares came in style_blend for {len(files.style)} styles; give one for each."
        )
    for option in ("figure", "json", "checkpoint_dir", "tensorboard_dir"):
        _check_writable(option, getattr(files, option))
    content = images.read_image(files.content, max_pixels=files.max_pixels)
    size = images.painting_size(content.size, config.size)
    if size[0] * size[1] > files.max_pixels:
        raise images.ImageError(
            f"The result would have {size[0] * size[1]} pixels, above max_pixels={files.max_pixels}; lower --size or "
            f"raise --max_pixels."
        )
    styles = tuple(images.read_image(path, max_pixels=files.max_pixels) for path in files.style)
    return Inputs(images.resize(content, size), styles)


def run(config: StylizeConfig, files: StylizeFiles, preset: str) -> int:
    """Paints, writes the picture and the reports.

    Args:
      config: All options.
      files: Where from, where to.
      preset: Its name, for the record.

    Returns:
      The exit status: 0, or 130 after an interruption (Ctrl-C or SIGTERM; what was painted so far is written).

    Raises:
      ImageError, ConfigError, WeightsError: Before anything is painted or written.
    """
    inputs = read_inputs(config, files)
    display = ProgressDisplay(quiet=files.quiet)
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    try:
        with quiet_tensorflow():
            from tf_style.runners.session import Session

            session = Session(config, files, inputs)
    except KeyboardInterrupt:
        display.say("Interrupted before the first step; nothing was written.")
        return 130
    display.say(session.headline())
    interrupted = _paint(session, display)
    if session.progress is None:
        display.say("Interrupted before the first step; nothing was written.")
        return 130
    session.write_picture()
    if interrupted:
        display.say(f"Interrupted at step {session.progress.step}: the picture so far is in {files.output}.")
        display.say(session.save_checkpoint_on_interrupt())
        return 130
    session.finish(preset, time.monotonic() - started)
    display.say(f"Wrote {files.output} ({time.monotonic() - started:.0f} s).")
    return 0


def _paint(session: Any, display: ProgressDisplay) -> bool:
    """Runs all steps; True if the user interrupted them."""
    try:
        for progress in session.steps():
            display.update(progress)
    except KeyboardInterrupt:
        return True
    finally:
        display.close()
    return False


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _check_writable(option: str, name: str) -> None:
    """The nearest folder that exists must let us write."""
    if not name:
        return
    path = Path(name).absolute()
    is_folder = option.endswith("_dir")
    if path.exists() and path.is_dir() != is_folder:
        raise ConfigError(f"--{option} must name a {'folder' if is_folder else 'file'}, but {name} is not one.")
    folder = next(parent for parent in (path, *path.parents) if parent.is_dir())
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"--{option}={name} cannot be written: no permission in {folder}; choose another place.")

"""Measures painted films: distances of frames as of pictures, and how calm and how sharp the film is."""

from __future__ import annotations

import itertools
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tf_style import images
from tf_style.config import ConfigError, EvaluateConfig, EvaluateFiles
from tf_style.images import Picture
from tf_style.jobs.evaluating.pairs import Pair
from tf_style.jobs.evaluating.pictures import Pictures
from tf_style.jobs.evaluating.table import COLUMNS, table
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.jobs.run.quiet import quiet_tensorflow
from tf_style.motion import WarpError, sharpness
from tf_style.video import read_frames, read_info

_LAGS = (1, 8)
_LOOK_EVERY = 12  # frames; distances of these are measured
#: The table's columns: those of pictures are medians over frames.
FILM_COLUMNS = (
    *COLUMNS, "warp_error", "warp_error_8", "own_warp_error", "own_warp_error_8", "relative_sharpness", "color_drift",
)  # fmt: skip


def measure_films(config: EvaluateConfig, files: EvaluateFiles, pairs: list[Pair]) -> int:
    """Measures films and prints the table; returns the exit status, 0.

    Args:
      config: All options.
      files: Where the record goes.
      pairs: The films, and the pictures of their styles.

    Raises:
      ConfigError, ImageError, MotionError, VideoError, WeightsError: What was given cannot be used.
    """
    films = [(pair, read_info(pair.content, tonemap=True), read_info(pair.painting)) for pair in pairs]
    display = ProgressDisplay(quiet=files.quiet)
    with quiet_tensorflow():
        from tf_style.jobs.evaluating.session import EvaluationSession

        session = EvaluationSession(config)
    display.say(session.headline())
    session.load(quiet=files.quiet)
    rows = []
    for number, (pair, source, painting) in enumerate(films, 1):
        rows.append(_measure(session, config, pair, _pairs_of_frames(source, painting)))
        display.show(f"film {number}/{len(films)}", number / len(films), 0.0, {}, last=number == len(films))
    display.close()
    if files.json:
        from tf_style.jobs.run.record import write_record

        write_record(Path(files.json), {**session.record(), "rows": rows})
    print(table(rows, sys.stdout.encoding or "utf-8", FILM_COLUMNS))
    return 0


def _pairs_of_frames(source: Any, painting: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The frames of both films at the painted one's size, float32 [H, W, 3]."""
    size = painting.height, painting.width
    for own, painted in itertools.zip_longest(read_frames(source, size=size), read_frames(painting)):
        if own is None or painted is None:
            raise ConfigError(
                f"'{source.path}' and '{painting.path}' have different numbers of frames; give the film that was "
                "painted."
            )
        yield own.as_floats(), painted.as_floats()


def _measure(
    session: Any, config: EvaluateConfig, pair: Pair, frames: Iterator[tuple[np.ndarray, np.ndarray]]
) -> dict[str, Any]:
    errors = {lag: WarpError(lag) for lag in _LAGS}
    sharp: dict[str, list[float]] = {"own": [], "painted": []}
    style = images.read_visible(pair.style)
    looks: list[dict[str, Any]] = []
    first = last = np.zeros(3)
    for number, (own, painted) in enumerate(frames):
        for error in errors.values():
            error.add(own, painted, own)
        sharp["own"].append(sharpness(own))
        sharp["painted"].append(sharpness(painted))
        last = painted.mean((0, 1))
        first = last if number == 0 else first
        if number % _LOOK_EVERY == 0:
            looks.append(session.measure(pair, _pictures(painted, own, style, config.size)))
    return {
        **pair._asdict(),
        **{name: statistics.median(look[name] for look in looks) for name in COLUMNS},
        **{
            name + ("_8" if lag > 1 else ""): value
            for lag, error in errors.items()
            for name, value in zip(("warp_error", "own_warp_error"), error.values or [float("nan")] * 2, strict=True)
        },
        "relative_sharpness": float(np.mean(sharp["painted"])) / max(float(np.mean(sharp["own"])), 1e-9),
        "color_drift": float(np.abs(last - first).max()),
    }


def _pictures(painted: np.ndarray, own: np.ndarray, style: Picture, size: int) -> Pictures:
    """The pictures of a frame as those of a painting, none of them enlarged."""

    def fitted(picture: Picture) -> Picture:
        return images.resize(picture, images.painting_size(picture.size, min(size, max(picture.size))))

    return Pictures(fitted(Picture(painted, None)), fitted(Picture(own, None)), fitted(style))

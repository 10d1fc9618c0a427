"""A plot of a sound, what was heard in it, and what it drives."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from tf_style.audio.features import Features
from tf_style.audio.reading import AudioError, Sound
from tf_style.images import replacing
from tf_style.schedule import Schedule

_COLUMNS = 2000  # of the waveform
_NO_DATE = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}  # same run, same bytes


def plot_reactions(path: str | os.PathLike[str], sound: Sound, schedule: Schedule, features: Features) -> None:
    """Draws the waveform with its onsets and sections, and below it what was heard and what it drives.

    Args:
      path: PNG, PDF, SVG or another format that matplotlib knows by its suffix.
      sound: From `read_sound`.
      schedule: From `react`, or read from a file.
      features: From `analyse`.

    Raises:
      AudioError: The suffix is none that matplotlib knows.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no notices about its caches
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kinds = 3 + bool(schedule.num_styles)
    figure = Figure(figsize=(12, 2 * kinds), layout="constrained")
    suffix, allowed = Path(path).suffix.lower(), FigureCanvasAgg(figure).get_supported_filetypes()
    if suffix[1:] not in allowed:
        raise AudioError(f"The plot '{path}' must end in one of {', '.join(f'.{kind}' for kind in allowed)}.")
    waveform, heard, driven, *shares = figure.subplots(kinds, 1, sharex=True)
    _draw_waveform(waveform, sound, features)
    for name in ("loudness", "bass", "brightness", "novelty"):
        heard.plot(features.seconds, getattr(features, name), label=name, linewidth=1)
    for name, values in schedule.values.items():
        driven.plot(schedule.seconds, values, label=name.replace("_", " "), linewidth=1)
    heard.set(title="heard", ylim=(-0.05, 1.05))
    driven.set(title="driven" if schedule.values else "driven: nothing, as nothing happens")
    for axis in shares:
        labels = [f"style {number + 1}" for number in range(schedule.num_styles)]
        axis.stackplot(schedule.seconds, schedule.shares.T, labels=labels)
        axis.set(title="shares of the styles", ylim=(0, 1))
    for axis in (heard, driven, *shares):
        if axis.get_legend_handles_labels()[0]:
            axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    (shares or [driven])[-1].set(xlabel="seconds", xlim=(0, max(schedule.seconds[-1], 1e-3)))
    with replacing(path) as temporary, rc_context({"svg.hashsalt": "tf_style"}):
        figure.savefig(temporary, dpi=120, metadata=_NO_DATE.get(suffix))


def _draw_waveform(axis: Any, sound: Sound, features: Features) -> None:
    step = max(1, len(sound.samples) // _COLUMNS)
    samples = sound.samples[: len(sound.samples) // step * step].reshape(-1, step)
    times = np.arange(len(samples)) * step / sound.rate
    if len(samples):
        axis.fill_between(times, samples.min(axis=1), samples.max(axis=1), color="0.6", linewidth=0)
    axis.vlines(features.onsets, 0.8, 0.8 + 0.2 * features.strengths, color="tab:red", linewidth=1)
    for section in features.sections:
        axis.axvline(section, color="tab:blue", linestyle="--", linewidth=1)
    axis.set(title="sound; red: onsets, blue: sections", ylim=(-1, 1), yticks=())

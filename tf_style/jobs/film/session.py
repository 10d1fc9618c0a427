"""The network that paints a film's frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.config import StylizeConfig, VideoFiles
from tf_style.jobs.run.model import choose_model, load_stylizer, model_headline, picture_tensor, run_record
from tf_style.jobs.run.record import write_record


class FilmSession:
    """The part of a film's run that needs TensorFlow.

    Args:
      config: All options of the pictures.
      files: All options of the film.
      styles: The styles' pictures, or their names.

    Raises:
      ConfigError, NetworkError: The network cannot be used.
    """

    def __init__(self, config: StylizeConfig, files: VideoFiles, styles: Sequence[images.Picture | str]) -> None:
        self._config, self._files = config, files
        self._choice = choose_model(config, quiet=files.quiet)
        self._stylizer: Any = load_stylizer(config)
        self._styles = [style if isinstance(style, str) else picture_tensor(style) for style in styles]
        self._codes: tf.Tensor | None = None

    def headline(self) -> str:
        """Says which network paints, why, and where it runs."""
        return model_headline(self._config, self._choice)

    def begin(self, frame: np.ndarray) -> None:
        """Encodes the styles for a film's first frame, float32 [H, W, 3] in [0, 1]."""
        content = tf.constant(frame[np.newaxis])
        styles = self._stylizer.prepared(self._styles, content)
        self._codes = self._stylizer.encode_styles(styles, tf.shape(content))

    def paint(self, frame: np.ndarray) -> np.ndarray:
        """Paints a frame of that size."""
        return self._stylizer.paint(tf.constant(frame[np.newaxis]), self._codes)[0].numpy()

    def write_record(self, preset: str, seconds: float, film: dict[str, Any]) -> None:
        """Writes the record of the run."""
        record = run_record(self._config, self._files, preset, self._choice)  # type: ignore[arg-type]
        write_record(Path(self._files.json), {**record, "seconds": seconds, "film": film})

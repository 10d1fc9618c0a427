"""What paints a film's frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_style import images
from tf_style.build import Guides
from tf_style.config import StylizeConfig, VideoFiles
from tf_style.frames import FramePainter, make_painter
from tf_style.jobs.film.masks import FilmMasks
from tf_style.jobs.run.model import choose_model, load_stylizer, model_headline, picture_tensor, run_record
from tf_style.jobs.run.record import write_record


class FilmSession:
    """The part of a film's run that needs TensorFlow.

    Args:
      config: All options.
      files: All options of the film.
      masks: The film's masks.
      colors: The picture whose colours to match, if it is not the film.

    Raises:
      ConfigError, NetworkError, WeightsError: What should paint cannot be used.
    """

    def __init__(
        self,
        config: StylizeConfig,
        files: VideoFiles,
        masks: FilmMasks,
        colors: images.Picture | None,
    ) -> None:
        self._config, self._files = config, files
        self._choice = choose_model(config, quiet=files.quiet)
        guides = Guides(masks.num_regions, masks.keep, None if colors is None else picture_tensor(colors))
        self._stylizer = load_stylizer(config, guides)
        #: What paints each style, as far as they were added.
        self.painters: dict[tuple[str, ...], FramePainter] = {}

    def add(self, styles: Mapping[tuple[str, ...], Sequence[images.Picture | str]]) -> None:
        """Makes painters.

        Args:
          styles: By style, as given: its pictures, or names.

        Raises:
          MotionError: OpenCV is not installed.
        """
        for style, given in styles.items():
            if style not in self.painters:
                self.painters[style] = make_painter(
                    self._stylizer,
                    [each if isinstance(each, str) else picture_tensor(each) for each in given],
                    consistency=self._files.consistency, flow=self._files.flow, lags=self._files.lags,
                )  # fmt: skip

    def headline(self) -> str:
        """Says what paints, why, and where it runs."""
        return model_headline(self._config, self._choice)

    def write_record(self, preset: str, seconds: float, film: dict[str, Any]) -> None:
        """Writes the record of the run."""
        record = run_record(self._config, self._files, preset, self._choice)  # type: ignore[arg-type]
        write_record(Path(self._files.json), {**record, "seconds": seconds, "film": film})

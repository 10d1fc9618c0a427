"""The model of a folder's run: loaded once, for pictures of all sizes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.build import Guides
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.runners.folder_plan import Plan
from tf_style.runners.model import choose_model, load_stylizer, model_headline, model_record, style_tensor
from tf_style.runners.record import peak_memory, write_record
from tf_style.stylizers import FeedForwardStylizer, PyramidStylizer, only_step
from tf_style.types import Image, Progress
from tf_style.version import versions


class FolderSession:
    """Everything of a folder's run that needs TensorFlow.

    Args:
      config: All options.
      files: Where from, where to.
      plan: What is painted.

    Raises:
      NetworkError: There is no such network.
    """

    def __init__(self, config: StylizeConfig, files: StylizeFiles, plan: Plan) -> None:
        self._config, self._files = config, files
        self._choice = choose_model(config, quiet=files.quiet)
        self._colors = None if plan.colors is None else tf.constant(plan.colors.pixels[None])
        self._styles = plan.style_names or [style_tensor(style) for style in plan.styles]
        self._known_code: tuple[int, tf.Tensor] | None = None

    def load(self) -> None:
        """Loads the model.

        Raises:
          NetworkError, ValueError, WeightsError: As `build_stylizer`.
        """
        self.stylizers = {0: load_stylizer(self._config, Guides(colors=self._colors))}

    def headline(self) -> str:
        """Which model, why, and where it runs."""
        return model_headline(self._config, self._choice)

    def paint(self, contents: Sequence[images.Picture]) -> Iterator[Progress]:
        """Paints pictures of one size together, once the model is loaded; the last progress holds the paintings.

        Raises:
          ImageError: They do not fit into memory.
        """
        try:
            content = tf.constant(np.stack([content.pixels for content in contents]))
            regions = [images.make_masks(content).regions for content in contents]
            if any(mask is not None for mask in regions):  # something is transparent
                whole = np.ones((*contents[0].size, 1), np.float32)
                mask = tf.constant(np.stack([whole if region is None else region for region in regions]))
                yield from self._stylizer(1).run(content, self._styles, masks={"regions": mask})
            elif isinstance(stylizer := self._stylizer(0), FeedForwardStylizer):
                yield only_step(stylizer.paint(content, self._code(stylizer, content)))
            else:
                yield from stylizer.run(content, self._styles)
        except tf.errors.ResourceExhaustedError:
            height, width = contents[0].size
            raise images.ImageError(
                f"{len(contents)} of {width} x {height} pixels at once do not fit into memory; lower --batch_size or "
                "--size."
            ) from None

    def _stylizer(self, num_regions: int) -> FeedForwardStylizer | PyramidStylizer:
        """The one for so many regions."""
        if num_regions not in self.stylizers:
            self.stylizers[num_regions] = load_stylizer(self._config, Guides(num_regions, colors=self._colors))
        return self.stylizers[num_regions]

    def _code(self, stylizer: FeedForwardStylizer, content: Image) -> tf.Tensor:
        """The styles' code, made once for each long side, unless the contents decide the styles' colours too."""
        if stylizer.prepare is not None:
            return stylizer.encode_styles(stylizer.prepared(self._styles, content), tf.shape(content))
        long_side = max(content.shape[1:3])
        if self._known_code is None or self._known_code[0] != long_side:
            self._known_code = long_side, stylizer.encode_styles(self._styles, tf.shape(content))
        return self._known_code[1]

    def pixels(self, progress: Progress) -> list[np.ndarray]:
        """The pictures of a pass as arrays [H, W, 3] in [0, 1]."""
        return list(tf.clip_by_value(progress.image, 0.0, 1.0).numpy())

    def write_record(self, preset: str, seconds: float, outcome: dict[str, Any]) -> None:
        """Writes settings, versions and what came of the pictures.

        Args:
          preset: The preset's name.
          seconds: Of the whole run, from the start of the command.
          outcome: More of the record, such as a row a picture.
        """
        record = {
            "preset": preset,
            "settings": dataclasses.asdict(self._config),
            "files": dataclasses.asdict(self._files),
            **model_record(self._config, self._choice),
            "devices": [device.name for device in tf.config.list_logical_devices()],
            "versions": versions(),
            **outcome,
            "seconds": seconds,
            "peak_memory_bytes": peak_memory(),
        }
        write_record(Path(self._files.json), record)

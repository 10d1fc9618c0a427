"""The model of a folder's run, loaded once for pictures of all sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.build import Guides
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.jobs.folder.plan import Plan
from tf_style.jobs.run.inputs import read_masks
from tf_style.jobs.run.model import choose_model, model_headline, picture_tensor, run_record
from tf_style.jobs.run.models import Models
from tf_style.jobs.run.record import write_record
from tf_style.stylizers import FeedForwardStylizer, PyramidStylizer, only_step
from tf_style.types import Image, Progress


class FolderSession:
    """The part of a folder's run that needs TensorFlow.

    Args:
      config: All options.
      files: Where from, where to.
      plan: What to paint.
      models: Makes and keeps stylizers.

    Raises:
      NetworkError: There is no such network.
    """

    def __init__(self, config: StylizeConfig, files: StylizeFiles, plan: Plan, models: Models) -> None:
        self._config, self._files, self._models = config, files, models
        self.stylizers: dict[tuple[int, bool], FeedForwardStylizer | PyramidStylizer] = {}
        self._choice = choose_model(config, quiet=files.quiet)
        self._colors = None if plan.colors is None else picture_tensor(plan.colors)
        self._styles = plan.style_names or [picture_tensor(style) for style in plan.styles]
        self._known_code: tuple[tuple[int, bool], tf.Tensor] | None = None

    def load(self) -> None:
        """Loads the model.

        Raises:
          NetworkError, ValueError, WeightsError: See `build_stylizer`.
        """
        if not (self._files.content_mask or self._files.style_masks or self._files.keep_mask):
            self._stylizer(0, False)

    def headline(self) -> str:
        """Says which model paints, why, and where it runs."""
        return model_headline(self._config, self._choice)

    def paint(self, contents: Sequence[images.Picture]) -> Iterator[Progress]:
        """Paints pictures of one size together; the last progress holds the paintings.

        Raises:
          ImageError: They do not fit in memory.
        """
        try:
            content = tf.constant(np.stack([content.pixels for content in contents]))
            masks = self._masks(contents)
            if masks:
                num_regions = masks["regions"].shape[-1] if "regions" in masks else 0
                stylizer = self._stylizer(num_regions, "keep" in masks)
                yield from stylizer.run(content, self._styles, masks=masks)
            elif isinstance(stylizer := self._stylizer(0, False), FeedForwardStylizer):
                yield only_step(stylizer.paint(content, self._code(stylizer, content)))
            else:
                yield from stylizer.run(content, self._styles)
        except tf.errors.ResourceExhaustedError:
            height, width = contents[0].size
            raise images.ImageError(
                f"{len(contents)} pictures of {width} x {height} pixels do not fit into memory at once; lower "
                "--batch_size or --size."
            ) from None

    def _masks(self, contents: Sequence[images.Picture]) -> dict[str, tf.Tensor]:
        """The masks from the files and from transparency; empty if there are none."""
        masks = images.stack_masks([read_masks(content, self._files) for content in contents], contents[0].size)
        return {name: tf.constant(mask) for name, mask in masks.items()}

    def _stylizer(self, num_regions: int, keep: bool) -> FeedForwardStylizer | PyramidStylizer:
        """The stylizer for this number of regions."""
        guides = Guides(num_regions, keep, self._colors)
        self.stylizers[num_regions, keep] = self._models.stylizer(self._config, guides)
        return self.stylizers[num_regions, keep]

    def _code(self, stylizer: FeedForwardStylizer, content: Image) -> tf.Tensor:
        """The styles' code, made once per size they are encoded at, unless their colours depend on the contents."""
        if stylizer.prepare is not None:
            return stylizer.encode_styles(stylizer.prepared(self._styles, content), tf.shape(content))
        size = max(content.shape[1:3]), stylizer.is_small(content.shape[1:3])
        if self._known_code is None or self._known_code[0] != size:
            self._known_code = size, stylizer.encode_styles(self._styles, tf.shape(content))
        return self._known_code[1]

    def pixels(self, progress: Progress) -> list[np.ndarray]:
        """The painted pictures as arrays [H, W, 3] in [0, 1]."""
        return list(tf.clip_by_value(progress.image, 0.0, 1.0).numpy())


def write_folder_record(
    config: StylizeConfig, files: StylizeFiles, preset: str, seconds: float, outcome: dict[str, Any]
) -> None:
    """Writes settings, versions and the outcome of each picture.

    Args:
      config: The command's options.
      files: Where from, where to.
      preset: The preset's name.
      seconds: Duration of the whole command.
      outcome: More of the record, such as a row per picture.
    """
    record = {
        **run_record(config, files, preset, choose_model(config, quiet=files.quiet)),
        **outcome,
        "seconds": seconds,
    }
    write_record(Path(files.json), record)

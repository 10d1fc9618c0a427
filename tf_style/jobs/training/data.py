"""The pictures of a training, and those held out for validation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_style import images
from tf_style.config import TrainConfig, TrainFiles
from tf_style.networks.data import (
    DataError,
    chances,
    choices,
    crops,
    find_pictures,
    hold_out,
    middle_crop,
    reading,
)

_VALIDATION_SIDE = 256  # pixels


class TrainingData:
    """Photos and styles, and pairs of both held out for validation.

    `contents` and `styles` are the sources to train on, `names` the styles' names if the network knows named ones.

    Args:
      config: All options.
      files: Where from.

    Raises:
      DataError: The pictures cannot be used.
    """

    def __init__(self, config: TrainConfig, files: TrainFiles) -> None:
        self._config = config
        self.contents, contents_held = hold_out(
            find_pictures(Path(files.content_dir), files.leave_out), files.validation_pairs
        )
        self.styles, styles_held = find_pictures(Path(files.style_dir), files.leave_out), list[bytes]()
        self._named = config.network == "many_styles"
        if not self._named:
            self.styles, styles_held = hold_out(self.styles, files.validation_pairs)
        elif self.styles.records:
            raise DataError(
                f"{files.style_dir} holds TFRecords, but many_styles takes its styles and their names from a folder of "
                "pictures; give that folder."
            )
        self.names = tuple(Path(file).stem for file in self.styles.files) if self._named else ()
        _check_names(self.names)
        self._held = contents_held, styles_held

    def validation_pairs(self) -> tuple[Any, Any]:
        """The photos and styles held out, float32 [N, h, w, 3] (indices [N] for named styles); None for none."""
        contents, styles = ([middle_crop(tf.constant(item), _VALIDATION_SIDE) for item in held] for held in self._held)
        if not contents:
            return None, None
        if self._named:
            return tf.stack(contents), tf.range(len(contents)) % len(self.names)
        return tf.stack(contents), tf.stack(styles)

    def named_styles(self, long_side: int) -> list[tf.Tensor]:
        """All styles as pictures [1, h, w, 3]."""
        pictures = [images.read_image(file) for file in self.styles.files]
        resized = [images.resize(picture, images.fit_size(picture.size, long_side)) for picture in pictures]
        return [tf.constant(picture.pixels[None]) for picture in resized]

    def style_batches(self, batch_size: int, count: int) -> Iterator[tf.Tensor]:
        """Yields this many batches of crops of the styles."""
        seed = self._style_seed
        with reading(self.styles, seed=seed, count=batch_size * count):
            yield from crops(self.styles, self._config.crop_size, seed=seed).batch(batch_size).take(count)

    def batches(self, step: int) -> tf.data.Dataset:
        """Batches of photos, styles, and which photos must stay unchanged; they start after `step` and never end."""
        config, start = self._config, step * self._config.batch_size
        contents = crops(self.contents, config.crop_size, seed=self._content_seed, start=start)
        neutral = chances(config.neutral_share, seed=config.seed, start=start)
        if self._named:
            styles = choices(len(self.names), seed=config.seed, start=start)
        else:
            styles = crops(self.styles, config.crop_size, seed=self._style_seed, start=start)
        dataset = tf.data.Dataset.zip(contents, styles, neutral).batch(config.batch_size, drop_remainder=True)
        return dataset.prefetch(2)

    @contextlib.contextmanager
    def reading_batch(self, step: int) -> Iterator[None]:
        """Raises a DataError that names the picture if the batch after `step` cannot be read."""
        size = self._config.batch_size
        with contextlib.ExitStack() as stack:
            stack.enter_context(reading(self.contents, seed=self._content_seed, start=step * size, count=size))
            if not self._named:
                stack.enter_context(reading(self.styles, seed=self._style_seed, start=step * size, count=size))
            yield

    @property
    def _content_seed(self) -> int:
        return 2 * self._config.seed

    @property
    def _style_seed(self) -> int:
        return 2 * self._config.seed + 1


def _check_names(names: tuple[str, ...]) -> None:
    """Raises DataError unless each style can be named in a list."""
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{names.count(name)} style files are called {name!r}; rename all but one.")
        if "," in name:
            raise DataError(
                f"The style {name!r} has a comma in its name, but commas separate styles in lists; rename its file."
            )

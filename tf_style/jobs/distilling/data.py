"""The pictures of a distillation: crops from several folders in turn, and pictures held out for validation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_style.config import DistillConfig, DistillFiles
from tf_style.networks.data import crops, find_pictures, hold_out, middle_crop, reading

_VALIDATION_SIDE = 256  # pixels


class DistillationData:
    """Training crops, numbered across folders, and the pictures held out.

    Args:
      config: All options.
      files: Where from.

    Raises:
      DataError: The pictures cannot be used.
    """

    def __init__(self, config: DistillConfig, files: DistillFiles) -> None:
        self._config = config
        found = [
            hold_out(find_pictures(Path(folder), files.leave_out), files.validation_pictures)
            for folder in files.picture_dirs
        ]
        self.sources = [source for source, _ in found]
        self._held = [content for _, held in found for content in held]

    @property
    def num_pictures(self) -> int:
        """How many pictures there are to train on."""
        return sum(source.num_pictures for source in self.sources)

    def validation(self) -> np.ndarray:
        """The pictures held out, float32 [N, h, w, 3]."""
        return np.stack([middle_crop(tf.constant(content), _VALIDATION_SIDE) for content in self._held])

    def first(self, count: int) -> np.ndarray:
        """The first `count` crops, float32 [count, crop_size, crop_size, 3]."""
        with self.reading(0, count):
            return np.stack(list(self._crops(0).take(count).as_numpy_iterator()))

    def batches(self, step: int) -> tf.data.Dataset:
        """Batches of crops, with the seeds of their noise; they start after `step` and never end."""
        size, seed = self._config.batch_size, tf.constant(self._config.seed, tf.int64)
        seeds = tf.data.Dataset.counter(start=step).map(lambda number: tf.stack([seed, number]))
        images = self._crops(step * size).batch(size, drop_remainder=True)
        return tf.data.Dataset.zip(images, seeds).prefetch(2)

    @contextlib.contextmanager
    def reading_batch(self, step: int) -> Iterator[None]:
        """Raises a DataError that names the picture if the batch after `step` cannot be read."""
        size = self._config.batch_size
        with self.reading(step * size, size):
            yield

    @contextlib.contextmanager
    def reading(self, start: int, count: int) -> Iterator[None]:
        """Does the same for any range of crops."""
        end_of_turn = start + count + len(self.sources) - 1  # one picture of each folder is read at a time
        with contextlib.ExitStack() as stack:
            for place, source in enumerate(self.sources):
                first, end = (self._in_folder(number, place) for number in (start, end_of_turn))
                stack.enter_context(reading(source, seed=self._seed(place), start=first, count=end - first))
            yield

    def _crops(self, start: int) -> tf.data.Dataset:
        """Crops from number `start` on; crop n comes from folder n modulo the number of folders."""
        folders = [
            crops(source, self._config.crop_size, seed=self._seed(place), start=self._in_folder(start, place))
            for place, source in enumerate(self.sources)
        ]
        turn = start % len(folders)
        in_turn = tf.data.Dataset.zip(*folders[turn:], *folders[:turn])
        return in_turn.flat_map(lambda *images: tf.data.Dataset.from_tensor_slices(tf.stack(images)))

    def _in_folder(self, start: int, place: int) -> int:
        """How many of the crops before number `start` come from a folder."""
        return (start - place + len(self.sources) - 1) // len(self.sources)

    def _seed(self, place: int) -> int:
        return self._config.seed * len(self.sources) + place

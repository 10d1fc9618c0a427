"""Scalars and pictures for TensorBoard."""

from __future__ import annotations

from types import TracebackType

import tensorflow as tf

from tf_style.types import Progress

_IMAGE_EVERY = 25  # steps


class TensorBoard:
    """Context manager that writes each step's losses, and a picture from time to time.

    Args:
      folder: TensorBoard's log directory.
    """

    def __init__(self, folder: str) -> None:
        self._writer = tf.summary.create_file_writer(folder)
        self._next_image = 0

    def update(self, progress: Progress) -> None:
        """Writes a step."""
        with self._writer.as_default(step=progress.step):
            tf.summary.scalar("loss", progress.loss)
            for name, value in progress.losses.items():
                tf.summary.scalar(f"loss/{name}", value)
            if progress.step >= self._next_image or progress.step == progress.num_steps:
                tf.summary.image("picture", progress.image)
                self._next_image = progress.step + _IMAGE_EVERY

    def __enter__(self) -> TensorBoard:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._writer.close()

"""Paints pairs by a network, the next ones while the person looks."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.jobs.run.model import load_stylizer, picture_tensor
from tf_style.presets import preset_config
from tf_style.taste.log import Pair
from tf_style.taste.space import Candidate, Space

_PRESET = "instant"
_GAP = 12  # white pixels between the two
_KEPT = 64  # paintings


class Painter:
    """Paints candidates in another thread, each once.

    Args:
      contents: The photos, at the size to paint.
      space: Where the candidates' pictures are.
    """

    def __init__(self, contents: Sequence[images.Picture], space: Space) -> None:
        self._contents = [tf.constant(picture.pixels[None]) for picture in contents]
        self._stylizer = load_stylizer(preset_config(_PRESET))
        self._style = functools.lru_cache(_KEPT)(lambda name: _read(space, name))
        self._paintings: OrderedDict[tuple[int, Candidate], Future[np.ndarray]] = OrderedDict()
        self._thread = ThreadPoolExecutor(1)

    def side_by_side(self, pair: Pair) -> np.ndarray:
        """Both paintings of a pair, float32 [H, 2 W + gap, 3]."""
        left, right = (each.result() for each in self._submit(pair))
        return np.concatenate([left, np.ones((len(left), _GAP, 3), np.float32), right], axis=1)

    def paint_ahead(self, pairs: Iterable[Pair]) -> None:
        """Paints what may be shown next, without waiting for it."""
        for pair in pairs:
            self._submit(pair)

    def close(self) -> None:
        """Ends the thread after the painting at which it is."""
        self._thread.shutdown(cancel_futures=True)

    def _submit(self, pair: Pair) -> list[Future[np.ndarray]]:
        number = pair.content % len(self._contents)
        found = []
        for candidate in (pair.left, pair.right):
            key = (number, candidate)
            if key not in self._paintings:
                self._paintings[key] = self._thread.submit(self._paint, *key)
            self._paintings.move_to_end(key)
            found.append(self._paintings[key])
        while len(self._paintings) > _KEPT:
            self._paintings.popitem(last=False)
        return found

    def _paint(self, number: int, candidate: Candidate) -> np.ndarray:
        styles = [self._style(name) for name in candidate.styles]
        return self._stylizer(self._contents[number], styles, controls=candidate.controls)[0].numpy()


def _read(space: Space, name: str) -> tf.Tensor:
    return picture_tensor(images.read_visible(space.entries[name].path))

"""A style library: pictures with descriptions, found by words. Nothing here imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from tf_style.words.catalog import Entry, read_library
from tf_style.words.naming import LibraryError

#: Sentences in, rows of length 1 out; a ValueError for a sentence without a known word.
Embedder: TypeAlias = Callable[[Sequence[str]], np.ndarray]

#: The share of a picture's second nearest sentence in its similarity. With it, other words for the same find the same
#: more often (6 instead of 5 of 8 pairs of tests/words/queries.csv, at any share from .1 to .4).
SECOND = 0.25
#: Smaller: the nearest picture takes all; larger: equal shares.
TEMPERATURE = 0.05


class Found(NamedTuple):
    """A picture that words found: how near it is (a cosine, at most 1), and its share among those found."""

    style: str
    path: Path
    title: str
    artist: str
    similarity: float
    share: float
    caption: str = ""


class StyleLibrary:
    """Pictures whose descriptions can be searched.

    It finds and mixes pictures that somebody described. It does not imagine new ones.

    Args:
      entries: The pictures.
      embedder: What turns sentences into vectors; None: the package's own table of words.

    Example:
      >>> for found in StyleLibrary.open().search("stormy sea, dark clouds"):
      ...     print(found.title, round(found.share, 2))
    """

    def __init__(self, entries: Sequence[Entry], embedder: Embedder | None = None) -> None:
        self.entries = tuple(entries)
        self._embedder = embedder or _own_embedder
        sentences = [(row, text) for row, entry in enumerate(self.entries) for text in entry.sentences]
        self.rows, self.vectors = _embedded(sentences, self._embedder)

    @classmethod
    def open(cls, folder: str | Path = "", embedder: Embedder | None = None) -> StyleLibrary:
        """Reads the library in a folder of pictures, with a `captions.csv` or without.

        Args:
          folder: Where; "" is the package's own library.
          embedder: As for the class.

        Raises:
          LibraryError: The folder or its list cannot be read.
        """
        return cls(read_library(folder), embedder)

    def search(self, text: str, count: int = 3) -> list[Found]:
        """The nearest pictures, best first.

        Args:
          text: A sentence or some words, in English.
          count: At most so many.

        Returns:
          Pictures whose shares (the softmax of their similarities at `TEMPERATURE`) add up to 1. A picture is as near
          as the two nearest of its sentences: its descriptions, and its title with the artist.

        Raises:
          ValueError: The text is empty, or has no known word.
        """
        if not text.strip():
            raise LibraryError("No words were given; describe a picture, such as 'stormy sea, thick brush strokes'.")
        if count < 1:
            raise LibraryError(f"count must be at least 1, but {count} was given.")
        similarities = self._similarities(text)
        best = np.argsort(-similarities, kind="stable")[:count]
        shares = np.exp((similarities[best] - similarities[best[0]]) / TEMPERATURE)
        shares /= shares.sum()
        return [
            self._found(row, float(similarities[row]), float(share)) for row, share in zip(best, shares, strict=True)
        ]

    def _similarities(self, text: str) -> np.ndarray:
        """How near each picture is; 0 for those without a sentence that can be compared."""
        cosines = self.vectors @ self._embedder([text])[0] if len(self.rows) else np.zeros(0)
        nearest = [np.sort(cosines[self.rows == row])[::-1] for row in range(len(self.entries))]
        return np.array(
            [(1 - SECOND) * own[0] + SECOND * own[min(1, len(own) - 1)] if len(own) else 0.0 for own in nearest]
        )

    def _found(self, row: int, similarity: float, share: float) -> Found:
        entry = self.entries[row]
        caption = next(iter(entry.captions), "")
        return Found(entry.style, entry.path, entry.title, entry.artist, similarity, share, caption)


def _own_embedder(sentences: Sequence[str]) -> np.ndarray:
    from tf_style.words.embedding import embed  # reads its table when it is first used

    return embed(sentences)


def _embedded(sentences: Sequence[tuple[int, str]], embedder: Embedder) -> tuple[np.ndarray, np.ndarray]:
    """The pictures' numbers and the vectors of their sentences, without sentences that have no known word."""
    try:
        return np.asarray([row for row, _ in sentences], int), embedder([text for _, text in sentences])
    except ValueError:  # one by one, then
        pass
    rows, vectors = [], []
    for row, text in sentences:
        try:
            vectors.append(embedder([text])[0])
        except ValueError:  # such as the title IMG_0001
            continue
        rows.append(row)
    return np.asarray(rows, int), np.asarray(vectors)
